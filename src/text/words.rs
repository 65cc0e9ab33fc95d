//! How durations, counts, percentages, lists and commands are written for people.

use std::time::Duration;

use jiff::Timestamp;

/// A time for people: in UTC, and in whole seconds.
#[must_use]
pub fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A duration in at most two units: `0.4s`, `12s`, `3m 05s`, `2h 07m`, `3d 04h`. Negative and unknown ones are `0.0s`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    let seconds = if seconds.is_finite() { seconds.max(0.0) } else { 0.0 };
    if seconds < 9.95 {
        return format!("{seconds:.1}s");
    }
    match whole(seconds) {
        seconds if seconds < 60 => format!("{seconds}s"),
        seconds if seconds < 3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        seconds if seconds < 86_400 => format!("{}h {:02}m", seconds / 3_600, seconds % 3_600 / 60),
        seconds => format!("{}d {:02}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// The same of whole seconds, as a person gave them.
#[must_use]
pub fn whole_duration(seconds: u64) -> String {
    duration(Duration::from_secs(seconds).as_secs_f64())
}

/// A duration as one can type it, in one unit and rounded up: `90s`, `45m`, `8h`.
#[must_use]
pub fn typed_duration(seconds: f64) -> String {
    match whole(seconds.max(0.0).ceil()) {
        seconds if seconds < 120 => format!("{seconds}s"),
        seconds if seconds < 7_200 => format!("{}m", seconds.div_ceil(60)),
        seconds => format!("{}h", seconds.div_ceil(3_600)),
    }
}

/// The seconds of a duration with units, such as `90s`, `10m`, `1h30m` or `2d 12h`; each unit once, the longest first.
#[must_use]
pub fn seconds_of(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let (mut total, mut longest) = (0_u64, u64::MAX);
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let after = rest[digits..].trim_start();
        let end = after.find(|char: char| !char.is_ascii_alphabetic()).unwrap_or(after.len());
        let unit = match &after[..end] {
            "s" | "sec" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 3_600,
            "d" | "day" | "days" => 86_400,
            _ => return None,
        };
        if unit >= longest {
            return None;
        }
        longest = unit;
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = after[end..].trim_start();
    }
    (longest != u64::MAX).then_some(total)
}

/// An estimated duration: `less than a minute`, `about 8m`, `about 2h 10m`, `about 3d`.
#[must_use]
pub fn rough_duration(seconds: f64) -> String {
    let minutes = if seconds.is_finite() { whole((seconds / 60.0).max(0.0)) } else { 0 };
    let minutes = if minutes < 60 { minutes } else { (minutes + 5) / 10 * 10 };
    match minutes {
        0 => "less than a minute".to_owned(),
        1..60 => format!("about {minutes}m"),
        60..1_440 => format!("about {}h {:02}m", minutes / 60, minutes % 60),
        _ => format!("about {}d", (minutes + 720) / 1_440),
    }
}

/// The nearest whole number of a number that is neither negative nor infinite.
fn whole(number: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "callers exclude negative numbers")]
    let whole = number.round() as u64;
    whole
}

/// A count with its noun: `1 run`, `3 runs`. The plural is made with `s`, or `es` after a hiss, or `ies` for `y`.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {}", plural(noun)) }
}

fn plural(noun: &str) -> String {
    let hisses = ["s", "x", "ch", "sh"].iter().any(|end| noun.ends_with(end));
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if hisses => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

/// A size in its largest unit: `512 bytes`, `1.4 KiB`, `300.0 MiB`.
#[must_use]
pub fn bytes(size: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.into_iter().find(|(shift, _)| size >> shift > 0) {
        Some((shift, unit)) => {
            // Tenths, rounded to the nearest, without the imprecision of large floats.
            let tenths = (u128::from(size) * 10 + (1 << (shift - 1))) >> shift;
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
        None => counted(usize::try_from(size).unwrap_or(usize::MAX), "byte"),
    }
}

/// A share in percent: `67 %`. Only exactly nothing is `0 %` and only exactly everything is `100 %`; values close to
/// them are `<1 %` and `>99 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    if share <= 0.0 {
        "0 %".to_owned()
    } else if share >= 1.0 {
        "100 %".to_owned()
    } else if share < 0.005 {
        "<1 %".to_owned()
    } else if share >= 0.995 {
        ">99 %".to_owned()
    } else {
        format!("{} %", whole(share * 100.0))
    }
}

/// `text` in lines of at most `columns` characters, broken at spaces; a longer word stays whole.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Items as part of a sentence: `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A word of a command as a shell reads it: quoted when needed, and without anything that a terminal interprets. If
/// bytes that are not UTF-8 were replaced, a shell finds the file by a pattern.
#[must_use]
pub fn shell_word(word: &str) -> String {
    if word.contains(REPLACED) {
        let pieces = word.split(REPLACED).map(|piece| if piece.is_empty() { String::new() } else { shell_word(piece) });
        return pieces.collect::<Vec<_>>().join("?*").replace("?*?*", "?*");
    }
    let plain = |char: char| char.is_alphanumeric() || "-_./:@%+,".contains(char);
    if super::escape::terminal(word) != word {
        return printed(word.bytes());
    }
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Replaces bytes that are not UTF-8.
const REPLACED: char = char::REPLACEMENT_CHARACTER;

/// The same for a word of any bytes.
#[must_use]
pub fn shell_bytes(word: &[u8]) -> String {
    match std::str::from_utf8(word) {
        Ok(text) if !text.contains(REPLACED) => shell_word(text),
        _ => printed(word.iter().copied()),
    }
}

/// An expression from which every shell produces these bytes: bytes that a terminal interprets or that are not UTF-8
/// are written as numbers.
fn printed(bytes: impl Iterator<Item = u8>) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@+,= ".contains(&byte);
    // Not every shell's `printf` knows `--`, so a dash at the start is written as a number too.
    let named = |(place, byte): (usize, u8)| match byte {
        byte if plain(byte) && (place, byte) != (0, b'-') => char::from(byte).to_string(),
        byte => format!("\\{byte:03o}"),
    };
    format!("\"$(printf '{}')\"", bytes.enumerate().map(named).collect::<String>())
}

/// The words of a name in lower case: separated by characters other than letters and digits, and by capital letters
/// within a word.
#[must_use]
pub fn name_words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let chars: Vec<char> = name.chars().collect();
    for (at, char) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| chars[before]);
        let after = chars.get(at + 1);
        // `apiKey`, and the last capital of `APIKey`.
        let begins = char.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || before.is_uppercase() && after.is_some_and(|after| after.is_lowercase())
            });
        if !char.is_alphanumeric() || begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| char.is_alphanumeric()) {
            word.extend(char.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_duration_that_is_typed_is_read_again_and_is_never_less() {
        for (seconds, typed) in [
            (0.0, "0s"),
            (0.2, "1s"),
            (119.0, "119s"),
            (119.5, "2m"),
            (7_199.0, "120m"),
            (7_201.0, "3h"),
            (90_000.0, "25h"),
        ] {
            assert_eq!(typed_duration(seconds), typed);
            assert!(Duration::from_secs(seconds_of(typed).unwrap()).as_secs_f64() >= seconds, "{typed}");
        }
        assert_eq!((whole_duration(7_260), whole_duration(3)), ("2h 01m".to_owned(), "3.0s".to_owned()));
    }

    #[test]
    fn a_duration_has_at_most_two_units() {
        let lines: Vec<String> = [
            0.0, 0.04, 0.44, 9.94, 9.95, 12.4, 59.6, 60.0, 185.0, 3_599.0, 3_599.7, 7_620.0, 86_399.0, 86_400.0,
            273_600.0,
        ]
        .iter()
        .map(|seconds| format!("{seconds:>9} {:>8}  {}", duration(*seconds), rough_duration(*seconds)))
        .collect();
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/words"), prepend_module_to_snapshot => false,
        }, { insta::assert_snapshot!("durations", lines.join("\n")) });
    }

    #[test]
    fn a_duration_that_cannot_be_is_none() {
        for wrong in [-1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(duration(wrong), "0.0s");
            assert_eq!(rough_duration(wrong), "less than a minute");
        }
    }

    #[test]
    fn one_is_singular_and_none_is_plural() {
        assert_eq!(counted(0, "run"), "0 runs");
        assert_eq!(counted(1, "run"), "1 run");
        assert_eq!(counted(2, "process"), "2 processes");
        assert_eq!(counted(2, "entry"), "2 entries");
        assert_eq!(counted(2, "day"), "2 days");
    }

    #[test]
    fn only_all_is_100_percent_and_only_nothing_is_0_percent() {
        for (share, text) in [
            (0.0, "0 %"),
            (0.004, "<1 %"),
            (0.005, "1 %"),
            (2.0 / 3.0, "67 %"),
            (0.994, "99 %"),
            (0.999, ">99 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(percent(share), text);
        }
    }

    #[test]
    fn a_size_is_shown_in_its_largest_unit() {
        for (size, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (1434, "1.4 KiB"),
            (300 << 20, "300.0 MiB"),
            (u64::MAX, "17179869184.0 GiB"),
        ] {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn a_list_ends_with_and() {
        let items = ["a", "b", "c"].map(str::to_owned);
        assert_eq!([list(&[]), list(&items[..1]), list(&items[..2]), list(&items)], ["", "a", "a and b", "a, b and c"]);
    }

    #[test]
    fn a_text_is_broken_at_spaces_and_a_long_word_stays_whole() {
        assert_eq!(wrap("one two three a-very-long-word end", 9), ["one two", "three", "a-very-long-word", "end"]);
        assert_eq!(wrap("exactly 9", 9), ["exactly 9"]);
    }

    #[test]
    fn a_shell_reads_every_word_back() {
        for word in [
            "results/2026-11-23T12-00-00-fix",
            "",
            "a b",
            "it's",
            "$HOME",
            "~",
            "*",
            "a\\b",
            "é",
            "-x",
            "=ls",
            "a\nb",
            "tab\there",
            "::x",
            "\u{1b}[31mred",
            "\u{202e}x'y\\z",
        ] {
            let quoted = shell_word(word);
            for shell in ["bash", "sh"] {
                let said = Command::new(shell).args(["-c", &format!("printf '%s.' {quoted}")]).output().unwrap();
                assert_eq!(String::from_utf8(said.stdout).unwrap(), format!("{word}."), "{quoted}");
            }
            assert_eq!(super::super::escape::terminal(&quoted), quoted);
        }
    }

    #[test]
    fn a_shell_finds_a_file_whose_name_is_no_text() {
        let folder = tempfile::tempdir().unwrap();
        let name = std::ffi::OsStr::from_bytes(b"my \xff\xfe it's\xc3");
        std::fs::write(folder.path().join(name), "").unwrap();
        for quoted in [shell_bytes(name.as_bytes()), shell_word(&name.to_string_lossy())] {
            let mut shell = Command::new("sh");
            let read = shell.args(["-c", &format!("printf '%s.' {quoted}")]).current_dir(&folder).output().unwrap();
            assert_eq!(read.stdout, [name.as_bytes(), b"."].concat(), "{quoted}");
        }
        assert_eq!(shell_bytes(b"plain"), "plain");
    }

    #[test]
    fn a_duration_may_have_units_and_must_make_sense() {
        for (text, seconds) in [
            ("90s", 90),
            ("10m", 600),
            ("1h30m", 5_400),
            ("2d 12h", 216_000),
            ("5 min", 300),
            ("1 hour 1 second", 3_601),
        ] {
            assert_eq!(seconds_of(text), Some(seconds), "{text}");
        }
        for wrong in
            ["", "10", "m", "-1m", "1.5h", "10x", "1m1h", "1m2m", "99999999999999999999s", "9999999999999999999d"]
        {
            assert_eq!(seconds_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_plain_word_is_not_quoted() {
        assert_eq!(shell_word("results/2026-11-23T12-00-00-fix_1"), "results/2026-11-23T12-00-00-fix_1");
        assert_eq!(shell_word("two words"), "'two words'");
    }
}
