//! Memory and time of a job as people write them: with our units, or as users of Slurm are used to.

use crate::model::limits::MOST_SECONDS;
use crate::model::resources::Memory;
use crate::text::words::seconds_of;

/// Units of memory as Slurm has them, all of them binary, and ours.
const MEMORY_UNITS: [(char, &str); 4] = [('K', "KiB"), ('M', "MiB"), ('G', "GiB"), ('T', "TiB")];

/// The memory of a job: `4G`, `4096M`, `4GiB`.
///
/// # Errors
/// What it must be instead, to be put behind `it is not`.
pub fn memory(text: &str) -> Result<Memory, String> {
    if is_bare(text) {
        return Err(
            "a size with a unit, such as `4G` or `512M`: a number alone is megabytes to Slurm, and nothing here"
                .to_owned(),
        );
    }
    let in_units = text.chars().next_back().and_then(|last| {
        let (letter, unit) = MEMORY_UNITS.iter().find(|(letter, _)| letter.eq_ignore_ascii_case(&last))?;
        Some(format!("{}{unit}", text.strip_suffix([*letter, letter.to_ascii_lowercase()])?))
    });
    let memory = in_units.as_deref().unwrap_or(text).parse();
    memory.map_err(|_| "a size from 16M to 1024T, such as `512M`, `4G` or `4GiB`".to_owned())
}

/// The time of a job in seconds: `90m`, `02:00:00`, `1-12`.
///
/// # Errors
/// What it must be instead, to be put behind `it is not`.
pub fn time(text: &str) -> Result<u64, String> {
    if is_bare(text) {
        return Err("a time with a unit, such as `2m` or `120s`: a number alone is minutes to Slurm, and seconds to other flags and keys here".to_owned());
    }
    match seconds_of(text).or_else(|| clock_time(text)) {
        Some(seconds) if (1..=MOST_SECONDS).contains(&seconds) => Ok(seconds),
        Some(_) => Err(format!("from 1 second to {MOST_SECONDS}")),
        None => Err("a time such as `90m`, `2h`, `02:00:00` or `1-12:00:00`".to_owned()),
    }
}

/// Whether a text is a number, which has no unit.
fn is_bare(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// The seconds of `MM:SS`, `HH:MM:SS`, `D-HH`, `D-HH:MM` or `D-HH:MM:SS`.
fn clock_time(text: &str) -> Option<u64> {
    let (days, clock) = text.split_once('-').map_or((None, text), |(days, clock)| (Some(days), clock));
    let parts: Vec<&str> = clock.split(':').collect();
    let units: &[u64] = match (days, parts.len()) {
        (None, 2) => &[60, 1],
        (Some(_), 1..=3) | (None, 3) => &[3_600, 60, 1],
        _ => return None,
    };
    let days = days.into_iter().zip([86_400]);
    let mut total = 0_u64;
    for (number, unit) in days.chain(parts.into_iter().zip(units.iter().copied())) {
        let is_digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = Some(number).filter(|_| is_digits)?.parse().ok()?;
        total = total.checked_add(number.checked_mul(unit)?)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_with_our_units_or_as_slurm_has_it() {
        for (text, seconds) in [
            ("90m", 5_400),
            ("1h30m", 5_400),
            ("120s", 120),
            ("30:00", 1_800),
            ("90:00", 5_400),
            ("0:30", 30),
            ("02:00:00", 7_200),
            ("2:00:01", 7_201),
            ("1-0", 86_400),
            ("1-12", 129_600),
            ("1-00:30", 88_200),
            ("1-00:00:00", 86_400),
            ("2-01:02:03", 176_523),
        ] {
            assert_eq!(time(text), Ok(seconds), "{text}");
        }
        for wrong in [
            "",
            "-",
            ":",
            "1-",
            "-1",
            "1:",
            ":30",
            "1-2-3",
            "1:2:3:4",
            "1-1:2:3:4",
            "+1:00",
            "1:-1",
            "1h:00",
            "x",
            "UNLIMITED",
            "18446744073709551615-1",
        ] {
            assert!(time(wrong).unwrap_err().contains("02:00:00") || wrong == "-1", "{wrong}");
        }
        for (wrong, why) in [("00:00:00", "from 1 second"), ("999-0", "from 1 second"), ("0s", "from 1 second")] {
            assert!(time(wrong).unwrap_err().contains(why), "{wrong}");
        }
    }

    #[test]
    fn a_size_is_written_with_our_units_or_with_the_letters_of_slurm_which_are_binary() {
        for (text, bytes) in [
            ("4G", 4 << 30),
            ("4g", 4 << 30),
            ("4096M", 4 << 30),
            ("16384K", 16 << 20),
            ("1T", 1 << 40),
            ("4GiB", 4 << 30),
            ("4GB", 4_000_000_000),
        ] {
            assert_eq!(memory(text).map(Memory::bytes), Ok(bytes), "{text}");
        }
        for wrong in ["", "G", "4P", "-4G", "+4G", "1.5G", "4 G", "15M", "1025T", "4Gi", "4gib", "é"] {
            assert!(memory(wrong).unwrap_err().starts_with("a size from 16M"), "{wrong}");
        }
    }

    #[test]
    fn a_number_alone_is_refused_because_slurm_and_we_mean_different_things_by_it() {
        for bare in ["120", "0", "1.5", "4096"] {
            assert!(time(bare).unwrap_err().contains("`2m`"), "{bare}");
            assert!(memory(bare).unwrap_err().contains("`4G`"), "{bare}");
        }
    }
}
