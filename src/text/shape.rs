//! The shape of JSON that programs write: an object must be an object, and `null` means the same as a missing key. By
//! default, serde accepts a list for a struct, with its first element as the first field.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The object's value; the default when it is `null`.
///
/// # Errors
/// When it is anything else.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_unit<E>(self) -> Result<T, E> {
            Ok(T::default())
        }

        fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<T, M::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_any(Object(PhantomData))
}

/// A value; the default when it is `null`.
///
/// # Errors
/// When it is not such a value.
pub fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Default, Deserialize)]
    #[serde(default)]
    struct Inner {
        count: u64,
    }

    #[derive(Debug, PartialEq, Default, Deserialize)]
    #[serde(default)]
    struct Outer {
        #[serde(deserialize_with = "or_default")]
        text: String,
        #[serde(deserialize_with = "object")]
        inner: Inner,
    }

    #[test]
    fn a_list_is_no_object_and_null_says_nothing() {
        let read = |text: &str| serde_json::from_str::<Outer>(text);
        for said in [r#"{"text": null, "inner": null}"#, "{}", r#"{"inner": {}}"#] {
            assert_eq!(read(said).unwrap(), Outer::default(), "{said}");
        }
        assert_eq!(read(r#"{"inner": {"count": 2}}"#).unwrap().inner.count, 2);
        for wrong in [r#"{"inner": [2]}"#, r#"{"inner": 2}"#, r#"{"text": 2}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read(r#"{"inner": [2]}"#).unwrap_err().to_string().contains("expected an object"));
    }
}
