//! Floor 2: files, processes, signals and the clock: the only floor that touches Unix.

pub mod clock;
pub mod compressed;
pub mod environment;
pub mod files;
pub mod http;
pub mod lock;
pub mod pager;
pub mod podman;
pub mod process;
pub mod program;
pub mod random;
pub mod relay;
pub mod signal;
pub mod terminal;
pub mod tool;
