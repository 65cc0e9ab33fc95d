//! Addresses and keys that a program is given in one variable, with the whole of its configuration: that of `OpenCode`, in JSON. Its form is
//! that of `opencode.json`: below `provider`, by the id of each, `options` with `baseURL` and `apiKey`.

use serde_json::{Map, Value, json};

use super::request::KEYED;
use crate::text::jsonc::to_json;

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
    /// Variables that hold keys which it names, each with the name of its provider there.
    pub keys: Vec<(String, String)>,
}

/// What takes the place of real addresses and keys.
pub(super) trait InPlace {
    /// The name of a provider there, and an address of the attempt's own that leads to this one of it; `None` where it is the attempt's own
    /// already.
    fn of_address(&mut self, id: &str, real: &str) -> (String, Option<String>);
    /// A key of the attempt's own that stands for this one of a provider; `None` where it is the attempt's own already.
    fn of_key(&mut self, provider: &str, real: &str) -> Option<String>;
}

/// A configuration as its program reads it: JSON that may have comments; `None` where it is no object.
fn read(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&to_json(text)).ok())
}

/// Whether its program can read a configuration.
#[must_use]
pub fn is_read(text: &str) -> bool {
    text.trim().is_empty() || read(text).is_some()
}

/// The variable that a value names in place of itself.
fn variable(value: &str) -> Option<&str> {
    value.strip_prefix("{env:")?.strip_suffix('}')
}

/// The same configuration, which is empty where there is none, with every provider's address and key replaced whose address is known;
/// `None` where it cannot be read, or names nobody. `has` says whether a variable is set, `value_of` what it is set to.
pub(super) fn led(
    text: Option<&str>,
    has: &dyn Fn(&str) -> bool,
    value_of: &dyn Fn(&str) -> Option<String>,
    in_place: &mut dyn InPlace,
) -> Option<Led> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    let mut config = text.map_or_else(|| Some(Map::new()), read)?;
    let providers = config.entry("provider").or_insert_with(|| json!({})).as_object_mut()?;
    for known in KNOWN.iter().filter(|known| has(known.key)) {
        providers.entry(known.id).or_insert_with(|| json!({}));
    }
    let (mut keys, mut is_led) = (Vec::new(), false);
    for (id, provider) in providers.iter_mut() {
        let known = KNOWN.iter().find(|known| known.id == id);
        let provider = provider.as_object_mut()?;
        let options = provider.entry("options").or_insert_with(|| json!({})).as_object_mut()?;
        let base = options.get("baseURL").and_then(Value::as_str);
        let base = base.map_or_else(
            || known.map(|known| known.base.to_owned()),
            |base| variable(base).map_or_else(|| Some(base.to_owned()), value_of),
        );
        // Where it is asked is known to the program alone, so that it keeps its key.
        let Some(base) = base else { continue };
        is_led = true;
        let (name, own) = in_place.of_address(id, &base);
        options.extend(own.map(|own| ("baseURL".to_owned(), own.into())));
        keys.extend(known.map(|known| (name.clone(), known.key.to_owned())));
        keys.extend(replaced(options.get_mut("apiKey"), &name, in_place));
        let headers = options.get_mut("headers").and_then(Value::as_object_mut);
        for (header, value) in headers.into_iter().flatten() {
            if KEYED.contains(&header.to_lowercase().as_str()) {
                keys.extend(replaced(Some(value), &name, in_place));
            }
        }
    }
    is_led.then(|| Led { text: Value::Object(config).to_string(), keys })
}

/// Replaces a key, which may stand behind the word for its kind. Gives the variable that it names in place of itself, with the provider; a
/// file that it names is read by its program, whose key goes by the gateway as it is.
fn replaced(place: Option<&mut Value>, provider: &str, in_place: &mut dyn InPlace) -> Option<(String, String)> {
    let place = place?;
    let text = place.as_str()?.to_owned();
    let (scheme, key) = text.rsplit_once(' ').map_or(("", text.as_str()), |(scheme, key)| (scheme, key));
    if let Some(variable) = variable(key) {
        return Some((provider.to_owned(), variable.to_owned()));
    }
    if !key.starts_with("{file:")
        && let Some(own) = in_place.of_key(provider, key)
    {
        *place = format!("{scheme}{}{own}", if scheme.is_empty() { "" } else { " " }).into();
    }
    None
}

/// The addresses that such a configuration itself names.
#[must_use]
pub fn bases(text: &str) -> Vec<String> {
    let config = read(text).unwrap_or_default();
    let providers = config.get("provider").and_then(Value::as_object).into_iter().flat_map(Map::values);
    let named = providers.filter_map(|provider| provider["options"]["baseURL"].as_str());
    named.filter(|base| variable(base).is_none()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts what it replaces.
    struct Numbers(Vec<String>);

    impl InPlace for Numbers {
        fn of_address(&mut self, id: &str, real: &str) -> (String, Option<String>) {
            self.0.push(real.to_owned());
            (id.to_owned(), Some(format!("own-{}", self.0.len())))
        }

        fn of_key(&mut self, _provider: &str, real: &str) -> Option<String> {
            self.of_address("", real).1
        }
    }

    fn of(text: Option<&str>, set: &[&str]) -> Option<(Value, Vec<String>, Vec<String>)> {
        let mut numbers = Numbers(Vec::new());
        let has = |name: &str| set.contains(&name);
        let value_of = |name: &str| (name == "OWN_BASE").then(|| "http://own-base".to_owned());
        let led = led(text, &has, &value_of, &mut numbers)?;
        let keys = led.keys.iter().map(|(provider, variable)| format!("{provider} {variable}")).collect();
        Some((serde_json::from_str(&led.text).unwrap(), keys, numbers.0))
    }

    #[test]
    fn every_provider_whose_address_is_known_is_led_elsewhere_and_the_rest_stays() {
        let text = json!({
            "model": "scripted/m",
            "provider": {
                "scripted": {"npm": "x", "options": {"baseURL": "http://here/v1", "apiKey": "{env:OWN_KEY}"}},
                "literal": {"options": {"baseURL": "http://there", "apiKey": "sk-1"}},
                "elsewhere": {"options": {"apiKey": "sk-2"}},
                "named": {"options": {"baseURL": "{env:OWN_BASE}", "apiKey": "{file:~/key}",
                    "headers": {"Authorization": "Bearer sk-3", "X-Api-Key": "{env:OTHER_KEY}", "X-Other": "sk-4"}}},
            },
        });
        let (led, keys, real) = of(Some(&text.to_string()), &["OPENAI_API_KEY"]).unwrap();
        assert_eq!(led["model"], "scripted/m");
        assert_eq!(led["provider"]["scripted"]["npm"], "x");
        assert_eq!(led["provider"]["elsewhere"], text["provider"]["elsewhere"]);
        let mut sorted = real.clone();
        sorted.sort();
        assert_eq!(
            sorted,
            ["http://here/v1", "http://own-base", "http://there", "https://api.openai.com/v1", "sk-1", "sk-3"]
        );
        let named = &led["provider"]["named"]["options"];
        assert_eq!((&named["apiKey"], &named["headers"]["X-Other"]), (&json!("{file:~/key}"), &json!("sk-4")));
        assert!(named["headers"]["Authorization"].as_str().unwrap().starts_with("Bearer own-"), "{led:#}");
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
        assert_eq!(keys, ["named OTHER_KEY", "openai OPENAI_API_KEY", "scripted OWN_KEY"]);
    }

    #[test]
    fn without_a_configuration_the_keys_that_are_set_say_who_is_asked() {
        let (led, keys, _) = of(None, &["ANTHROPIC_API_KEY"]).unwrap();
        assert_eq!(led, json!({"provider": {"anthropic": {"options": {"baseURL": "own-1"}}}}));
        assert_eq!(keys, ["anthropic ANTHROPIC_API_KEY"]);
    }

    #[test]
    fn what_is_no_such_configuration_is_left_alone() {
        assert_eq!(of(None, &[]), None, "nobody is asked");
        let commented =
            "{/* c */\"provider\": {\"own\": {\"options\": {\"baseURL\": \"http://there\", \"apiKey\": \"sk-1\",}}}}";
        assert_eq!(of(Some(commented), &[]).unwrap().2, ["http://there", "sk-1"]);
        for text in ["// a comment\n{}", "[]", r#"{"provider": 3}"#, r#"{"provider": {"a": 3}}"#, "http://there"] {
            assert_eq!(of(Some(text), &[]), None, "{text}");
        }
    }
}
