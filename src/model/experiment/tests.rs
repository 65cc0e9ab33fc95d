//! The lesson of the founding incident as tests: every field of the config is written and read back.

use std::collections::BTreeSet;

use super::samples::{config, other_values};
use super::*;

fn saved(config: &Config) -> String {
    serde_json::to_string_pretty(config).unwrap()
}

fn names(fields: impl Iterator<Item = &'static str>) -> BTreeSet<&'static str> {
    fields.collect()
}

#[test]
fn every_field_has_a_class_and_another_value_to_be_tested_with() {
    let declared = names(Config::FIELDS.iter().map(|field| field.name));
    assert_eq!(names(other_values().into_iter().map(|(name, _)| name)), declared, "add it to samples::other_values");
    let written = serde_json::to_value(config()).unwrap();
    let written: BTreeSet<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(written, declared, "a field is declared and not written, or the other way round");
}

#[test]
fn each_field_changed_alone_survives_save_load_save_byte_for_byte() {
    for (name, value) in other_values() {
        let mut json = serde_json::to_value(config()).unwrap();
        assert_ne!(json[name], value, "`{name}` needs a value that differs from the sample's");
        json[name] = value.clone();
        let first = saved(&serde_json::from_value(json).unwrap());
        let loaded: Config = serde_json::from_str(&first).unwrap();
        assert_eq!(saved(&loaded), first, "{name}");
        assert_ne!(loaded, config(), "`{name}` was lost on the way");
        assert_eq!(serde_json::to_value(&loaded).unwrap()[name], value, "{name}");
    }
}

#[test]
fn the_hash_covers_result_fields_and_no_others() {
    let before = config().hash();
    for (name, value) in other_values() {
        let mut json = serde_json::to_value(config()).unwrap();
        json[name] = value;
        let after = serde_json::from_value::<Config>(json).unwrap().hash();
        let class = Config::FIELDS.iter().find(|field| field.name == name).unwrap().class;
        assert_eq!(after != before, class == FieldClass::Result, "{name} is {class:?}");
    }
}

#[test]
fn a_tier_is_planned_with_those_that_were_there_when_it_came() {
    let mut config = config();
    let tiers = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<TierId>>();
    let extension = |added| Extension { added_tiers: added, ..config.extensions[0].clone() };
    config.extensions = vec![extension(tiers(&["T4"])), extension(tiers(&[])), extension(tiers(&["T1", "T6"]))];
    config.subtests = tiers(&["T0", "T1", "T2", "T4", "T6"]).into_iter().map(|tier| (tier, vec![])).collect();
    for (tier, with) in [
        ("T0", &["T0", "T2"][..]),
        ("T2", &["T0", "T2"]),
        ("T4", &["T0", "T2", "T4"]),
        ("T6", &["T0", "T1", "T2", "T4", "T6"]),
    ] {
        assert_eq!(config.planned_with(tier.parse().unwrap()), tiers(with).into_iter().collect(), "{tier}");
    }
}

#[test]
fn keys_of_other_writers_are_kept() {
    let mut json = serde_json::to_value(config()).unwrap();
    json["future"] = serde_json::json!({ "deep": [1.5, null] });
    let loaded: Config = serde_json::from_value(json).unwrap();
    assert_eq!(loaded.hash(), config().hash());
    assert!(saved(&loaded).contains("\"future\""));
}

#[test]
fn a_config_file_looks_like_this() {
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/config"),
        prepend_module_to_snapshot => false,
    }, {
        insta::assert_snapshot!("experiment_json", saved(&config()));
    });
}
