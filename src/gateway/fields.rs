//! The few fields of a JSON text that the gateway looks at. Nothing is kept of the rest, so that a text takes no more memory than it has
//! bytes, whatever others wrote into it; nor does the rest have to be UTF-8, or have whole pairs of surrogates.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The longest field that is looked into.
const MOST_BYTES: usize = 64 << 10;

/// The values of the fields that are looked for, in their order; of one that an object has twice, the last.
pub(super) type Found<'t, const N: usize> = [Option<&'t RawValue>; N];

/// Gives these fields of an object, or of each object of a list. Of one that breaks off, it gives those that came.
pub(super) fn each<'t, const N: usize>(text: &'t [u8], keys: [&str; N], mut found: impl FnMut(Found<'t, N>)) {
    let mut reading = serde_json::Deserializer::from_slice(text);
    // What is no JSON has no fields.
    let _ = Place { keys, found: &mut found, is_in_list: false }.deserialize(&mut reading);
}

/// The fields of an object that is whole.
pub(super) fn whole<'t, const N: usize>(text: &'t [u8], keys: [&str; N]) -> Option<Found<'t, N>> {
    let (mut reading, mut one) = (serde_json::Deserializer::from_slice(text), None);
    let place = Place { keys, found: &mut |found| one = Some(found), is_in_list: true };
    let read = place.deserialize(&mut reading).and_then(|()| reading.end());
    read.ok().and(one)
}

/// A field as a value; `None` where it is not there, or is too long for anything that is looked for.
pub(super) fn value(field: Option<&RawValue>) -> Option<Value> {
    serde_json::from_str(Some(field?.get()).filter(|text| text.len() <= MOST_BYTES)?).ok()
}

/// A field that is a text.
pub(super) fn text(field: Option<&RawValue>) -> Option<String> {
    value(field).and_then(|value| value.as_str().map(str::to_owned))
}

/// Where objects may be.
struct Place<'f, 't, const N: usize> {
    keys: [&'f str; N],
    found: &'f mut dyn FnMut(Found<'t, N>),
    is_in_list: bool,
}

impl<'t, const N: usize> DeserializeSeed<'t> for Place<'_, 't, N> {
    type Value = ();

    fn deserialize<D: Deserializer<'t>>(self, reading: D) -> Result<(), D::Error> {
        reading.deserialize_any(self)
    }
}

impl<'t, const N: usize> Visitor<'t> for Place<'_, 't, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
        let mut found: Found<'t, N> = [None; N];
        let mut read = || {
            while let Some(place) = map.next_key_seed(Key(&self.keys))? {
                match place {
                    Some(place) => found[place] = Some(map.next_value()?),
                    None => drop(map.next_value::<IgnoredAny>()?),
                }
            }
            Ok(())
        };
        let read = read();
        (self.found)(found);
        read
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut list: A) -> Result<(), A::Error> {
        if self.is_in_list {
            return Err(A::Error::custom("a list in a list"));
        }
        let Self { keys, found, .. } = self;
        while list.next_element_seed(Place { keys, found: &mut *found, is_in_list: true })?.is_some() {}
        Ok(())
    }
}

/// A key of an object: which one it is of those that are looked for.
struct Key<'f>(&'f [&'f str]);

impl<'t> DeserializeSeed<'t> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'t>>(self, reading: D) -> Result<Self::Value, D::Error> {
        reading.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| *known == key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Vec<[String; 2]> {
        let mut all = Vec::new();
        let shown = |field: Option<&RawValue>| field.map_or("-", RawValue::get).to_owned();
        each(text, ["a", "b"], |found| all.push(found.map(shown)));
        all
    }

    #[test]
    fn fields_are_found_beside_whatever_else_there_is_and_as_far_as_they_came() {
        let of = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        assert_eq!(read(br#"{"c": [{"a": 1}], "b": {"a": 2}, "a": "x"}"#), [of("\"x\"", r#"{"a": 2}"#)]);
        assert_eq!(read(br#"[{"a": 1}, {"b": [ ]}]"#), [of("1", "-"), of("-", "[ ]")]);
        assert_eq!(read(br#"{"a": 1, "a": 2}"#), [of("2", "-")]);
        assert_eq!(read(b"{\"c\": \"\\ud83d \xff\", \"a\": 1}"), [of("1", "-")]);
        // Cut.
        assert_eq!(read(br#"[{"a": 1}, {"a": 2, "b": "#), [of("1", "-"), of("2", "-")]);
        for text in [&b""[..], b"[[{}]]", b"\"a\"", b"7", b"<html>", b"{\"a\" 1}"] {
            assert!(read(text).iter().all(|found| *found == of("-", "-")), "{text:?}");
        }
        let deep = format!("{{\"c\": {}, \"a\": 1}}", "[".repeat(100_000) + &"]".repeat(100_000));
        assert_eq!(read(deep.as_bytes()), [of("1", "-")]);
    }

    #[test]
    fn an_object_that_is_not_whole_and_a_field_that_is_too_long_are_none() {
        assert!(whole(br#"{"a": 1}"#, ["a"]).is_some_and(|[a]| value(a) == Some(1.into())));
        for text in [&br#"{"a": 1"#[..], br#"{"a": 1} x"#, br#"[{"a": 1}]"#, b"7"] {
            assert!(whole(text, ["a"]).is_none(), "{text:?}");
        }
        let long = format!("{{\"a\": \"{}\"}}", "x".repeat(MOST_BYTES));
        assert!(whole(long.as_bytes(), ["a"]).is_some_and(|[a]| a.is_some() && text(a).is_none()));
    }
}
