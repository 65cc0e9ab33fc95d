//! Floor 4: documents about results. Writes only to what it is given.

pub mod atif;
pub mod compare;
pub mod done;
pub mod findings;
mod panel;
pub mod readme;
pub mod results;
pub mod rows;
pub mod show;
pub mod tables;
