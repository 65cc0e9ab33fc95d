//! SHA-256 digests: the door to `sha2`. Anyone can check them with `sha256sum -c`.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;

use super::written;

/// A SHA-256 digest, written `sha256:` and 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// A digest that is being computed from parts.
#[derive(Debug, Clone, Default)]
pub struct Digesting(sha2::Sha256);

impl Digesting {
    /// Adds bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes that were added.
    #[must_use]
    pub fn end(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The 64 hex digits alone, as `sha256sum` prints them.
    #[must_use]
    pub fn hex(&self) -> String {
        let mut text = String::with_capacity(64);
        for byte in self.0 {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from(DIGITS[usize::from(digit)]));
            }
        }
        text
    }

    /// The digest in base 64, as a `Content-Security-Policy` names a script.
    #[must_use]
    pub fn base64(&self) -> String {
        const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::with_capacity(44);
        for bytes in self.0.chunks(3) {
            let bits =
                bytes.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - bytes.len()));
            for place in 0..4 {
                let sign = char::from(SIGNS[bits >> (18 - 6 * place) & 63]);
                text.push(if place > bytes.len() { '=' } else { sign });
            }
        }
        text
    }

    /// Reads 64 hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
        let pairs: &[[u8; 2]; 32] = pairs.try_into().ok()?;
        // No early exit at a wrong digit: digits are random, so branches on them would be unpredictable.
        let mut none = 0;
        let digest = pairs.map(|[high, low]| {
            let (high, low) = (VALUES[usize::from(high)], VALUES[usize::from(low)]);
            none |= high | low;
            (high << 4) | low
        });
        (none & NO_DIGIT == 0).then_some(Self(digest))
    }
}

/// Stands for a byte that is not a hex digit: a bit that no digit's value has.
const NO_DIGIT: u8 = 1 << 7;

/// The hex digits.
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The value of each byte as a lower-case hex digit.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        values[DIGITS[value as usize] as usize] = value;
        value += 1;
    }
    values
};

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.strip_prefix("sha256:")
            .and_then(Self::from_hex)
            .ok_or_else(|| format!("`{text}` is not a digest (`sha256:` and 64 hex digits)"))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        written::parsed(deserializer)
    }
}

impl JsonSchema for Digest {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Digest".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^sha256:[0-9a-f]{64}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_nothing_is_the_one_of_fips_180() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").to_string(), empty);
        assert_eq!(empty.parse(), Ok(Digest::of(b"")));
        assert!(empty.to_uppercase().parse::<Digest>().is_err());
    }

    #[test]
    fn a_byte_that_is_no_small_hex_digit_makes_no_digest_wherever_it_stands() {
        let right = Digest::of(b"").hex();
        assert_eq!(Digest::from_hex(&right), Some(Digest::of(b"")));
        for place in 0..right.len() {
            for wrong in ['g', 'A', '/', ':', '`', ' ', '\0', '\x7f'] {
                let mut text: Vec<char> = right.chars().collect();
                text[place] = wrong;
                assert_eq!(Digest::from_hex(&text.into_iter().collect::<String>()), None, "{wrong:?} at {place}");
            }
        }
        assert_eq!((Digest::from_hex(&right[1..]), Digest::from_hex(&format!("{right}0"))), (None, None));
    }
}
