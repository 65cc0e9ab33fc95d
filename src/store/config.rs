//! `config/experiment.json`: written once at the start, and by `extend`; read by everything.

use serde_json::{Map, Value};

use crate::model::experiment::Config;
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::survey::Seen;
use crate::os::files;

use super::layout::ExperimentFolder;
use super::own_digest::{self, OWN_DIGEST, Own};
use super::version::{Age, age, has_digests, translated};
use super::{StoreError, clipped, pretty};

/// Writes the config whole and durably.
///
/// # Errors
/// When it cannot be written.
pub fn save(folder: &ExperimentFolder, config: &Config) -> Result<(), StoreError> {
    let path = folder.config();
    Ok(files::write_atomic(&path, &own_digest::add(pretty(config, &path)?))?)
}

/// What was read of the config's file.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Examined {
    /// Its content.
    pub(super) seen: Seen<Config>,
    /// Fields that are missing in it.
    pub(super) missing: Vec<String>,
    /// Why it is not as it was written, by the digest that it carries.
    pub(super) fault: Option<&'static str>,
    /// Whether a digest proves that it is unchanged.
    pub(super) is_whole: bool,
    /// Whether the files that the config's version writes beside it must exist.
    pub(super) is_current: bool,
}

/// Reads the config, and names the fields that are missing in its file.
#[must_use]
pub fn read(folder: &ExperimentFolder) -> (Seen<Config>, Vec<String>) {
    let Examined { seen, missing, .. } = examine(folder);
    (seen, missing)
}

/// Reads the config, and compares it with the digest that it carries.
pub(super) fn examine(folder: &ExperimentFolder) -> Examined {
    let only = |seen| Examined { seen, ..Examined::default() };
    let raw = match files::read_bounded(&folder.config(), MOST_STAGE_FILE_BYTES) {
        Ok(Some(raw)) => raw,
        Ok(None) => return only(Seen::Missing),
        Err(error) => return only(Seen::Unreadable(clipped(error.to_string()))),
    };
    let keys: Map<String, Value> = match serde_json::from_slice(&raw) {
        Ok(keys) => keys,
        Err(error) => return only(Seen::Unreadable(clipped(error.to_string()))),
    };
    let version = keys.get("version").and_then(Value::as_str).unwrap_or_default().to_owned();
    let age = age(&version);
    let is_of_4_0 = age == Age::Earlier && !has_digests(&version);
    let missing: Vec<String> = Config::FIELDS
        .iter()
        .filter(|field| !keys.contains_key(field.name) && !field.came_later() && (!is_of_4_0 || field.is_of_4_0()))
        .map(|field| field.name.to_owned())
        .collect();
    // Parsed from the bytes and not from `keys`, so that a duplicate field is refused.
    let content = serde_json::from_slice::<Config>(&raw).map(|mut config| {
        config.version = translated(&version);
        config.unknown.shift_remove(OWN_DIGEST);
        Box::new(config)
    });
    let fault = own_digest::fault(&raw, Some(&version));
    let is_whole = own_digest::own(&raw) == Own::Right;
    let is_current = has_digests(&version);
    let seen = match (age, content) {
        (Age::Newer, content) => {
            let content = content.ok().filter(|config| config.too_many_runs().is_none());
            Seen::Newer { version, content }
        }
        (Age::Foreign, _) => Seen::Unreadable(format!("version {version} is not read by this version of cargo-scylla")),
        (Age::Unknown, Ok(_)) => Seen::Unreadable(format!("`{version}` is not a version")),
        (Age::Current | Age::Earlier, Ok(config)) => {
            config.too_many_runs().map_or(Seen::Read(config), Seen::Unreadable)
        }
        (Age::Current | Age::Earlier | Age::Unknown, Err(error)) => Seen::Unreadable(clipped(error.to_string())),
    };
    Examined { seen, missing, fault, is_whole, is_current }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::result::FORMAT_VERSION;
    use crate::store::sample;

    #[test]
    fn a_saved_config_is_the_config_that_is_read() {
        let sample = sample::experiment();
        let config = Config { version: FORMAT_VERSION.to_owned(), ..sample::config_of("test-001") };
        save(&sample.folder, &config).unwrap();
        assert_eq!(read(&sample.folder), (Seen::Read(Box::new(config)), vec![]));
    }

    #[test]
    fn every_field_that_is_taken_out_is_named() {
        let sample = sample::experiment();
        let whole = serde_json::to_value(sample::config_of("test-001")).unwrap();
        for field in Config::FIELDS {
            let mut cut = whole.clone();
            cut.as_object_mut().unwrap().remove(field.name);
            sample::write_json(&sample.folder.config(), &cut);
            let (seen, missing) = read(&sample.folder);
            let expected: &[&str] = if field.is_of_4_0() { &[field.name] } else { &[] };
            assert_eq!(missing, expected);
            assert!(!matches!(seen, Seen::Missing), "{}", field.name);
        }
    }

    #[test]
    fn a_config_that_cannot_be_read_is_not_missing() {
        let sample = sample::experiment();
        assert_eq!(read(&sample.folder).0, Seen::Missing);
        for wrong in ["", "{", "[]", "{\"version\":\"4.0\"}", "{\"version\":\"2.0\"}"] {
            std::fs::write(sample.folder.config(), wrong).unwrap();
            assert!(matches!(read(&sample.folder).0, Seen::Unreadable(_)), "{wrong}");
        }
        std::fs::write(sample.folder.config(), "{\"version\":\"5.0\"}").unwrap();
        assert!(matches!(read(&sample.folder).0, Seen::Newer { content: None, .. }));
        std::fs::remove_file(sample.folder.config()).unwrap();
        std::fs::create_dir(sample.folder.config()).unwrap();
        assert!(matches!(read(&sample.folder).0, Seen::Unreadable(reason) if reason.contains("a folder")));
    }
}
