//! JSON that other programs write, read more leniently than our own: programs in JavaScript write half of a pair of surrogates
//! when they cut a text within an emoji, and others write bytes that are no UTF-8. Neither may lose what stands beside it.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

/// Reads JSON. Half of a pair of surrogates, and bytes that are no UTF-8, become U+FFFD.
///
/// # Errors
/// When it is not JSON apart from that, or no `T`.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(bytes).or_else(|error| match mended(bytes) {
        Some(mended) => serde_json::from_slice(&mended),
        None => Err(error),
    })
}

/// A text in which each escape for half of a pair of surrogates stands for U+FFFD, at the same place.
#[must_use]
pub fn whole(text: &str) -> Cow<'_, str> {
    let mended = mended(text.as_bytes()).and_then(|mended| String::from_utf8(mended).ok());
    mended.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The bytes with what is no text replaced; `None` when all of it is text. Lines and, in UTF-8, columns stay the same.
fn mended(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(bytes);
    let is_text = matches!(text, Cow::Borrowed(_));
    let mut mended = text.into_owned().into_bytes();
    let mut has_half = false;
    let mut at = 0;
    while at < mended.len() {
        at += match (mended[at], surrogate(&mended[at..]), surrogate(mended.get(at + 6..).unwrap_or_default())) {
            (b'\\', Some(Half::High), Some(Half::Low)) => 12,
            (b'\\', Some(_), _) => {
                mended[at + 2..at + 6].copy_from_slice(b"fffd");
                has_half = true;
                6
            }
            (b'\\', None, _) => 2,
            _ => 1,
        };
    }
    (has_half || !is_text).then_some(mended)
}

/// A half of a pair of surrogates.
enum Half {
    High,
    Low,
}

/// The half that an escape at the start of these bytes stands for.
fn surrogate(bytes: &[u8]) -> Option<Half> {
    let digits = bytes.strip_prefix(br"\u")?.get(..4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    match u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()? {
        0xd800..=0xdbff => Some(Half::High),
        0xdc00..=0xdfff => Some(Half::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn half_an_emoji_is_replaced_and_loses_nothing_beside_it() {
        for (text, read_as) in [
            (r#"{"a": "x\ud83d", "b": 1}"#, json!({"a": "x\u{fffd}", "b": 1})),
            (r#"{"a": "\uDE00x", "b": 1}"#, json!({"a": "\u{fffd}x", "b": 1})),
            (r#"["\ud83d\ud83d\ude00\ude00"]"#, json!(["\u{fffd}\u{1f600}\u{fffd}"])),
            (r#"["\ud83d\n", "\ud83d\u0041"]"#, json!(["\u{fffd}\n", "\u{fffd}A"])),
            (r#"{"\udfff": "\\ud83d \ud800"}"#, json!({"\u{fffd}": "\\ud83d \u{fffd}"})),
            (r#"["\ud83d\ude00"]"#, json!(["\u{1f600}"])),
        ] {
            assert_eq!(read::<Value>(text.as_bytes()).unwrap(), read_as, "{text}");
        }
        assert_eq!(read::<Value>(b"[\"a\xffb\", \"\\ud83d\"]").unwrap(), json!(["a\u{fffd}b", "\u{fffd}"]));
    }

    #[test]
    fn what_is_no_json_is_none_and_its_mistake_is_named_where_it_is() {
        for wrong in [r#"{"a": "\ud83d", b}"#, r#"["\ud8"]"#, r#""\ud83"#, r#""\"#, "", "[1,]", r#"["\x"]"#] {
            assert!(read::<Value>(wrong.as_bytes()).is_err(), "{wrong}");
        }
        let error = read::<Value>(b"{\n\"a\": \"\\ud83d\", b}").unwrap_err();
        assert_eq!((error.line(), error.column()), (2, 16));
    }
}
