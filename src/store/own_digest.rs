//! The digest of itself that a JSON file of ours carries: its last key, over all its other bytes.

use crate::model::digest::{Digest, Digesting};

use super::version::has_digests;

/// The text before the digits: the digest is the last key, on a line of its own.
const BEFORE: &[u8] = b",\n  \"digest\": \"sha256:";
/// The key.
pub(super) const OWN_DIGEST: &str = "digest";
/// Digits of a digest.
const DIGITS: usize = 64;
/// The text after the digits.
const AFTER: &[u8] = b"\"\n}\n";
/// The end of a file without a digest.
const END: &[u8] = b"\n}\n";
/// How many bytes around the digits may be wrong while it is still recognised that a digest was there.
const MOST_WRONG: usize = 2;

/// How a file relates to the digest that it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Own {
    /// It carries no digest: an earlier version or another program wrote it.
    Absent,
    /// It matches: the file is as it was written.
    Right,
    /// It does not match.
    Wrong,
}

/// Adds the digest to an object that is written in lines, with a line feed at its end.
#[must_use]
pub fn add(mut json: Vec<u8>) -> Vec<u8> {
    let digest = Digest::of(&json);
    json.truncate(json.len().saturating_sub(END.len()));
    json.extend_from_slice(BEFORE);
    json.extend_from_slice(digest.hex().as_bytes());
    json.extend_from_slice(AFTER);
    json
}

/// Compares a file with the digest that it carries.
pub(super) fn own(bytes: &[u8]) -> Own {
    let Some(split) = split(bytes) else { return Own::Absent };
    let mut content = Digesting::default();
    content.add(&bytes[..split]);
    own_of(content, &bytes[split..])
}

/// The same with the digest of all its bytes. Its content is read once for both.
pub(super) fn own_and_whole(bytes: &[u8]) -> (Own, Digest) {
    let Some(split) = split(bytes) else { return (Own::Absent, Digest::of(bytes)) };
    let mut content = Digesting::default();
    content.add(&bytes[..split]);
    let mut whole = content.clone();
    whole.add(&bytes[split..]);
    (own_of(content, &bytes[split..]), whole.end())
}

/// Where a digest would begin.
fn split(bytes: &[u8]) -> Option<usize> {
    bytes.len().checked_sub(BEFORE.len() + DIGITS + AFTER.len())
}

/// Compares the digest in the last bytes of a file with the one of its content.
fn own_of(mut content: Digesting, rest: &[u8]) -> Own {
    let (before, rest) = rest.split_at(BEFORE.len());
    let (digits, after) = rest.split_at(DIGITS);
    match differing(before, BEFORE) + differing(after, AFTER) {
        0 => {}
        1..=MOST_WRONG => return Own::Wrong,
        _ => return Own::Absent,
    }
    content.add(END);
    let expected = std::str::from_utf8(digits).ok().and_then(Digest::from_hex);
    if expected == Some(content.end()) { Own::Right } else { Own::Wrong }
}

/// What is wrong with a file of this version, by the digest that it carries or has lost; `None` when nothing is wrong.
pub(super) fn fault(bytes: &[u8], version: Option<&str>) -> Option<&'static str> {
    fault_of(own(bytes), version)
}

/// The same for a file that was already compared with its digest.
pub(super) fn fault_of(own: Own, version: Option<&str>) -> Option<&'static str> {
    match (own, version.is_some_and(has_digests)) {
        // Whatever version it names: the flipped bit may be in the version.
        (Own::Wrong, _) => Some("it was altered: the digest that it carries of itself is not that of its content"),
        (Own::Absent, true) => Some("it was altered: it has lost the digest of itself"),
        (Own::Right | Own::Absent, _) => None,
    }
}

fn differing(found: &[u8], expected: &[u8]) -> usize {
    if found == expected {
        return 0;
    }
    found.iter().zip(expected).filter(|(found, expected)| found != expected).count()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn written() -> Vec<u8> {
        let mut json =
            serde_json::to_vec_pretty(&json!({ "version": "4.1", "seal": "sha256:0", "list": [1] })).unwrap();
        json.push(b'\n');
        add(json)
    }

    #[test]
    fn a_file_that_carries_its_digest_is_json_and_each_flipped_bit_of_it_is_found() {
        let whole = written();
        let read: Value = serde_json::from_slice(&whole).unwrap();
        assert!(read["digest"].as_str().unwrap().starts_with("sha256:"), "{read}");
        assert_eq!(own_and_whole(&whole), (Own::Right, Digest::of(&whole)));
        for bit in 0..whole.len() * 8 {
            let mut altered = whole.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let found = (Own::Wrong, Digest::of(&altered));
            assert_eq!(own_and_whole(&altered), found, "{}", String::from_utf8_lossy(&altered));
        }
    }

    #[test]
    fn only_a_file_of_a_version_that_carries_one_has_lost_its_digest() {
        let mut plain = serde_json::to_vec_pretty(&json!({ "seal": format!("sha256:{:064}", 1) })).unwrap();
        plain.push(b'\n');
        for (version, lost) in
            [(Some("4.2"), true), (Some("4.1"), true), (Some("4.0"), false), (Some("9.0"), false), (None, false)]
        {
            assert_eq!(fault(&plain, version).is_some(), lost, "{version:?}");
        }
        let altered = String::from_utf8(written()).unwrap().replacen('\n', " ", 1);
        for version in [Some("4.1"), Some("4.3"), None] {
            assert!(
                fault(altered.as_bytes(), version).is_some(),
                "{version:?}: a bit of the version may be the flipped one"
            );
        }
        for short in [&b""[..], b"{}", b"{\n}\n"] {
            assert_eq!(own(short), Own::Absent);
        }
    }
}
