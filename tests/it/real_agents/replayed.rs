//! Recordings: what a program asked and was answered is given to it again, with no key and its server gone, and it does the same work.

use std::fs;

use serde_json::json;

use super::experiment::{Experiment, HELLO};
use super::programs::{KEY, Real, installed};
use crate::scenes::{experiment, files_below, json as read, output};

/// A program does the task of `hello-script` twice, which is recorded; and again, which is replayed.
pub(super) fn does_the_same_when_it_is_replayed(real: &'static Real, more: &[&str]) {
    let Some(installed) = installed() else { return };
    let of = Experiment::new(&installed, real, move |asked| (real.works)(asked, HELLO));
    let runs = [&["--runs", "2"], more].concat();
    output(&mut of.run(&[&["--record", "exchanges"], &runs[..]].concat())).exits(0);
    fs::rename(of.world.experiment(), of.world.path("recorded")).unwrap();
    let (world, mut replay) = of.run_without_server(&[&["--replay", "recorded"], &runs[..]].concat());
    let ended = output(&mut replay).exits(0);
    assert!(!ended.to_string().contains("not asked again"), "{ended}");
    for run in ["T0/00/run_01", "T0/00/run_02"] {
        let of = |folder: std::path::PathBuf| {
            let (folder, patch) = (folder.join(run), folder.join(run).join("changes.patch"));
            (read(&folder.join("run_result.json")), fs::read_to_string(patch).unwrap())
        };
        let ((is, patch), (was, recorded)) = (of(world.experiment()), of(world.path("recorded")));
        assert_eq!(patch, recorded, "{run}");
        for key in ["token_stats", "agent_end", "agent_models", "agent_version", "judge_score"] {
            assert_eq!(is[key], was[key], "{run}: {key}");
        }
        assert_eq!((&is["cost_usd"], &is["judge_cost_usd"]), (&json!(0.0), &json!(0.0)), "{is:#}");
        assert_eq!(is["replayed"]["run"], run, "{is:#}");
    }
    world.scylla(&["verify", &experiment(&world)]).exits(0);
    for file in files_below(&world.path("recorded")) {
        let bytes = fs::read(&file).unwrap();
        let is_packed = file.extension().is_some_and(|ending| ending == "zst");
        let text = if is_packed { zstd::decode_all(&*bytes).unwrap() } else { bytes };
        assert!(!String::from_utf8_lossy(&text).contains(KEY), "{}", file.display());
    }
}
