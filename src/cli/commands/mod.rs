//! One file per command.

pub mod checkout;
pub mod dry_run;
pub mod extend;
pub mod fixture;
pub mod pages;
pub mod repair;
pub mod resume;
pub mod run;
pub mod sitting;
pub mod status;
pub mod verify;
