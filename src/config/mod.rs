//! Floor 3: fixtures and settings: the door to YAML and TOML.
//!
//! Files that people write are parsed into a tree of nodes that know their line, and the tree is walked by readers that
//! collect mistakes. So all mistakes are reported at once, each with its file and line.

pub mod fixture;
pub mod languages;
pub mod list;
pub mod mistake;
pub mod scaffold;
pub mod settings;

mod fields;
mod node;
mod prices;
mod toml;
mod yaml;
