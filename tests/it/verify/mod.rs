//! `verify` finds what is wrong, names its cure, and finds nothing where nothing is wrong.

mod flips;
pub(crate) mod folder;
mod formats;
mod gate;
mod live;
mod made;
pub(crate) mod originals;
mod places;
mod sweep;
mod table;
