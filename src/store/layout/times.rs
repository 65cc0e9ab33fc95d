//! Times as names of files and folders write them.

use std::ffi::OsStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// How names of folders write a time: no colons, sorted by time.
const TIME_IN_NAMES: &str = "%Y-%m-%dT%H-%M-%S";
/// A time as names of files write it, in UTC.
pub(in crate::store) fn time_in_names(time: Timestamp) -> String {
    time.strftime(TIME_IN_NAMES).to_string()
}

/// The time that the name of an experiment's folder begins with.
pub(in crate::store) fn time_of_name(name: &OsStr) -> Option<Timestamp> {
    let time = name.to_str()?.get(.."0000-00-00T00-00-00".len())?;
    let civil = DateTime::strptime(TIME_IN_NAMES, time).ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_folder_tells_the_time_that_it_was_made() {
        let time: Timestamp = "2026-01-20T06:50:26Z".parse().unwrap();
        let name = format!("{}-test-001", time_in_names(time));
        assert_eq!(time_of_name(name.as_ref()), Some(time));
        for other in ["test-001", "2026-13-20T06-50-26-x", ""] {
            assert_eq!(time_of_name(other.as_ref()), None, "{other}");
        }
    }
}
