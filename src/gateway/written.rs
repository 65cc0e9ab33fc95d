//! Addresses and keys that a program is given in one variable, with the whole of its configuration: that of `OpenCode`, in JSON. Its form is
//! that of `opencode.json`: below `provider`, by the id of each, `options` with `baseURL` and `apiKey`.

use serde_json::{Map, Value, json};

/// The variable that holds the configuration of `OpenCode`.
pub const CONFIG: &str = "OPENCODE_CONFIG_CONTENT";

/// A provider that the program knows by itself.
struct Known {
    /// Its id there.
    id: &'static str,
    /// Below which address it is asked.
    base: &'static str,
    /// The variable that holds its key.
    key: &'static str,
}

const KNOWN: [Known; 3] = [
    Known { id: "anthropic", base: "https://api.anthropic.com/v1", key: "ANTHROPIC_API_KEY" },
    Known { id: "google", base: "https://generativelanguage.googleapis.com/v1beta", key: "GEMINI_API_KEY" },
    Known { id: "openai", base: "https://api.openai.com/v1", key: "OPENAI_API_KEY" },
];

/// The variables that hold its keys.
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|known| known.key)
}

/// A configuration that leads to the gateway.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Led {
    /// The text.
    pub text: String,
    /// Variables that hold keys which it names.
    pub keys: Vec<String>,
}

/// What takes the place of real addresses and keys.
pub(super) trait InPlace {
    /// An address of the attempt's own that leads to this one of a provider; `None` where it is the attempt's own already.
    fn of_address(&mut self, id: &str, real: &str) -> Option<String>;
    /// A key of the attempt's own that stands for this one; `None` where it is the attempt's own already.
    fn of_key(&mut self, real: &str) -> Option<String>;
}

/// The same configuration, which is empty where there is none, with every provider's address and key replaced whose address is known;
/// `None` where it cannot be read, or names nobody. `has` says whether a variable is set.
pub(super) fn led(text: Option<&str>, has: impl Fn(&str) -> bool, in_place: &mut dyn InPlace) -> Option<Led> {
    let mut config: Map<String, Value> = match text.map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => serde_json::from_str(text).ok()?,
        None => Map::new(),
    };
    let providers = config.entry("provider").or_insert_with(|| json!({})).as_object_mut()?;
    for known in KNOWN.iter().filter(|known| has(known.key)) {
        providers.entry(known.id).or_insert_with(|| json!({}));
    }
    let (mut keys, mut is_led) = (Vec::new(), false);
    for (id, provider) in providers.iter_mut() {
        let known = KNOWN.iter().find(|known| known.id == id);
        let provider = provider.as_object_mut()?;
        let options = provider.entry("options").or_insert_with(|| json!({})).as_object_mut()?;
        let base = options.get("baseURL").and_then(Value::as_str).or(known.map(|known| known.base));
        // Where it is asked is known to the program alone, so that it keeps its key.
        let Some(base) = base.map(str::to_owned) else { continue };
        is_led = true;
        options.extend(in_place.of_address(id, &base).map(|own| ("baseURL".to_owned(), own.into())));
        keys.extend(known.map(|known| known.key.to_owned()));
        let Some(key) = options.get("apiKey").and_then(Value::as_str).map(str::to_owned) else { continue };
        match key.strip_prefix("{env:").and_then(|rest| rest.strip_suffix('}')) {
            Some(variable) => keys.push(variable.to_owned()),
            None => options.extend(in_place.of_key(&key).map(|own| ("apiKey".to_owned(), own.into()))),
        }
    }
    is_led.then(|| Led { text: Value::Object(config).to_string(), keys })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts what it replaces.
    struct Numbers(Vec<String>);

    impl InPlace for Numbers {
        fn of_address(&mut self, _id: &str, real: &str) -> Option<String> {
            self.0.push(real.to_owned());
            Some(format!("own-{}", self.0.len()))
        }

        fn of_key(&mut self, real: &str) -> Option<String> {
            self.of_address("", real)
        }
    }

    fn of(text: Option<&str>, set: &[&str]) -> Option<(Value, Vec<String>, Vec<String>)> {
        let mut numbers = Numbers(Vec::new());
        let led = led(text, |name| set.contains(&name), &mut numbers)?;
        Some((serde_json::from_str(&led.text).unwrap(), led.keys, numbers.0))
    }

    #[test]
    fn every_provider_whose_address_is_known_is_led_elsewhere_and_the_rest_stays() {
        let text = json!({
            "model": "scripted/m",
            "provider": {
                "scripted": {"npm": "x", "options": {"baseURL": "http://here/v1", "apiKey": "{env:OWN_KEY}"}},
                "literal": {"options": {"baseURL": "http://there", "apiKey": "sk-1"}},
                "elsewhere": {"options": {"apiKey": "sk-2"}},
            },
        });
        let (led, keys, real) = of(Some(&text.to_string()), &["OPENAI_API_KEY"]).unwrap();
        assert_eq!(led["model"], "scripted/m");
        assert_eq!(led["provider"]["scripted"]["npm"], "x");
        assert_eq!(led["provider"]["elsewhere"], text["provider"]["elsewhere"]);
        let mut sorted = real.clone();
        sorted.sort();
        assert_eq!(sorted, ["http://here/v1", "http://there", "https://api.openai.com/v1", "sk-1"]);
        for (provider, key, was) in [
            ("scripted", "baseURL", "http://here/v1"),
            ("literal", "apiKey", "sk-1"),
            ("openai", "baseURL", KNOWN[2].base),
        ] {
            let place = real.iter().position(|real| real == was).unwrap() + 1;
            assert_eq!(led["provider"][provider]["options"][key], format!("own-{place}"), "{led:#}");
        }
        let mut keys = keys;
        keys.sort();
        assert_eq!(keys, ["OPENAI_API_KEY", "OWN_KEY"]);
    }

    #[test]
    fn without_a_configuration_the_keys_that_are_set_say_who_is_asked() {
        let (led, keys, _) = of(None, &["ANTHROPIC_API_KEY"]).unwrap();
        assert_eq!(led, json!({"provider": {"anthropic": {"options": {"baseURL": "own-1"}}}}));
        assert_eq!(keys, ["ANTHROPIC_API_KEY"]);
    }

    #[test]
    fn what_is_no_such_configuration_is_left_alone() {
        assert_eq!(of(None, &[]), None, "nobody is asked");
        for text in ["// a comment\n{}", "[]", r#"{"provider": 3}"#, r#"{"provider": {"a": 3}}"#, "http://there"] {
            assert_eq!(of(Some(text), &[]), None, "{text}");
        }
    }
}
