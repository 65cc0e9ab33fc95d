//! ProjectScylla's formats, held against files that ProjectScylla wrote.

use std::fs;
use std::path::{Path, PathBuf};

use scylla::model::outcome::RunStatus;
use scylla::projectscylla::checkpoint::Document;
use scylla::projectscylla::json::Json;
use scylla::projectscylla::{config, result};
use serde_json::Value;

use crate::shared::shared;

fn dry_run() -> Option<PathBuf> {
    shared("data/projectscylla-dryrun")
}

/// Every JSON file below a folder.
fn json_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if entry.path().extension().is_some_and(|extension| extension == "json") {
                files.push(entry.path());
            }
        }
    }
    files
}

#[test]
fn every_json_file_that_projectscylla_wrote_is_printed_as_it_was() {
    let Some(folder) = dry_run() else { return };
    let files = json_files(&folder);
    assert!(files.len() > 50, "{}", files.len());
    for path in files {
        let written = fs::read_to_string(&path).unwrap();
        let json = Json::parse(written.as_bytes()).unwrap();
        assert_eq!(json.indented(), written.trim_end(), "{}", path.display());
        let standard: Value = serde_json::from_str(&written).unwrap();
        let strict: Value = serde_json::from_slice(&result::strict(written.as_bytes()).unwrap()).unwrap();
        assert_eq!(strict, standard, "{}", path.display());
    }
}

#[test]
fn the_published_checkpoint_is_read_and_comes_out_as_it_was() {
    let Some(folder) = dry_run() else { return };
    let written = fs::read(folder.join("checkpoint.json")).unwrap();
    let document = Document::parse(&written).unwrap();
    assert_eq!(document.to_bytes(), written);
    let (checkpoint, duplicate_keys) = document.checkpoint();
    assert_eq!((checkpoint.completed_runs.len(), duplicate_keys.len()), (7, 0));
    assert!(checkpoint.completed_runs.entries().all(|(_, status)| status == RunStatus::Passed));
    assert_eq!(document.with(&checkpoint, &document.reading().states), document);
    let saved = fs::read(folder.join("config/experiment.json")).unwrap();
    assert!(config::hash::explains(&saved, &checkpoint.config_hash.to_string()));
    assert_eq!(config::parse(&saved).unwrap().experiment_id, checkpoint.experiment_id.to_string());
}
