//! One file per command.

pub mod checkout;
pub mod compare;
pub mod diff;
pub mod dry_run;
pub mod export;
pub mod extend;
pub mod fixture;
pub mod list;
pub mod pages;
pub mod regrade;
pub mod repair;
pub mod report;
pub mod report_files;
pub mod report_tables;
pub mod rerun;
pub mod resume;
pub mod run;
pub mod runs;
pub mod seal;
pub mod session;
pub mod show;
pub mod status;
pub mod stop;
mod take_over;
mod trial;
pub mod verify;
pub mod worker;
