//! The screen of `repair`: what it will do, and what it did.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::model::finding::{Finding, FindingKind, Level};
use crate::model::ids::{RunId, TierId};
use crate::text::escape;
use crate::text::words::{counted, shell_word};

use super::tables::named_lines;
use crate::text::cures::{cure_command, cure_sentence};
use crate::text::page;
use crate::text::page::Page;
use crate::text::short::and_more;
use crate::text::styles::{Styles, Tone};

/// How many places of one kind are shown; all of them are in the JSON.
const MOST_OF_A_KIND: usize = 20;

/// What a repair will do, or did.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Repair<'a> {
    /// The experiment's folder, as it was given.
    pub folder: &'a str,
    /// Whether it only shows what it would do.
    pub dry_run: bool,
    /// The state of `checkpoint.json` before.
    pub checkpoint: CheckpointBefore,
    /// Whether `checkpoint.json` is rewritten.
    pub writes_checkpoint: bool,
    /// Name of the copy of the former checkpoint; `None` when there was nothing to copy, or in a dry run.
    pub backup: Option<&'a str>,
    /// Runs whose orphans are ended.
    #[serde(rename = "end_strays")]
    pub end_orphans: &'a [RunId],
    /// What is moved to `.quarantine/`.
    pub set_aside: &'a [SetAside<'a>],
    /// What is left for a person to do.
    pub kept: &'a [Finding],
    /// Result files that were found.
    pub found: usize,
    /// Number of runs in the checkpoint before.
    pub before: usize,
    /// Number of runs in it afterwards.
    pub after: usize,
    /// Number of runs in it afterwards, by tier.
    pub tiers: &'a BTreeMap<TierId, usize>,
}

/// The state of `checkpoint.json` that a repair found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointBefore {
    /// It could be read.
    Loaded,
    /// It did not exist.
    Missing,
    /// It could not be read.
    Unreadable,
}

/// One place that is moved to `.quarantine/`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SetAside<'a> {
    /// The place below the experiment's folder.
    pub place: &'a str,
    /// The reason; `None` when a person asked for it.
    pub why: Option<FindingKind>,
}

impl Repair<'_> {
    /// Whether there is anything to do.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        self.writes_checkpoint || !self.end_orphans.is_empty() || !self.set_aside.is_empty()
    }

    /// What will be done, for people, before it is done.
    #[must_use]
    pub fn plan(&self, styles: Styles) -> String {
        if !self.is_needed() {
            return match self.kept.iter().map(|finding| finding.kind.level()).max() {
                None => "Nothing to repair: checkpoint and results say the same.\n",
                Some(Level::Damaged | Level::Mendable) => "Nothing that repair can mend: what is wrong needs you.\n",
                Some(Level::Incomplete) => {
                    "Nothing to repair: checkpoint and results say the same, and planned runs are missing.\n"
                }
                Some(Level::Outdated | Level::Warning | Level::Note) => {
                    "Nothing to repair: checkpoint and results say the same. What is told below changes no count.\n"
                }
            }
            .to_owned();
        }
        let would = if self.dry_run { "Repair would:" } else { "Repair will:" };
        let mut page = Page::default();
        page.line(styles.paint(Tone::Strong, would));
        if !self.end_orphans.is_empty() {
            let runs: Vec<String> = self.end_orphans.iter().map(RunId::to_string).collect();
            let of = counted(runs.len(), "run");
            page.line(format_args!("  end the processes that a dead coordinator left in {of}"));
            add_places(&mut page, &runs);
        }
        for (why, shown) in self.set_aside_by_kind() {
            let why = why.map_or("as asked", FindingKind::name);
            page.line(format_args!("  move {} to `.quarantine/` ({why})", counted(shown.len(), "place")));
            add_places(&mut page, &shown);
        }
        if self.writes_checkpoint {
            page.line(match self.checkpoint {
                CheckpointBefore::Missing => "  write `checkpoint.json` from the results",
                CheckpointBefore::Loaded | CheckpointBefore::Unreadable => {
                    "  copy `checkpoint.json` to a backup, then write it anew from the results"
                }
            });
        }
        page.into_text()
    }

    /// What was done, or would be, in numbers; then what is left to a person.
    #[must_use]
    pub fn outcome(&self, styles: Styles) -> String {
        let heading = if self.dry_run { "A repair would give (nothing was changed):" } else { "Repaired:" };
        let heading = if self.is_needed() { heading } else { "As it is:" };
        let mut page = Page::default();
        page.line(styles.paint(Tone::Strong, heading));
        let checkpoint = match self.checkpoint {
            CheckpointBefore::Loaded => "loaded",
            CheckpointBefore::Missing => "missing",
            CheckpointBefore::Unreadable => "unreadable",
        };
        let mut facts = vec![
            ("checkpoint", checkpoint.to_owned()),
            ("found", counted(self.found, "result file")),
            ("before", counted(self.before, "run")),
            ("after", counted(self.after, "run")),
            ("difference", self.difference()),
        ];
        facts.extend(self.backup.map(|backup| ("backup", escape::terminal(backup).into_owned())));
        page.add(named_lines(&facts));
        if !self.tiers.is_empty() {
            let tiers: Vec<String> = self.tiers.keys().map(TierId::to_string).collect();
            let runs = self.tiers.values().map(|runs| counted(*runs, "run"));
            let lines: Vec<(&str, String)> = tiers.iter().map(String::as_str).zip(runs).collect();
            page.line(format_args!("\n{}", styles.paint(Tone::Strong, "Runs per tier:")));
            page.add(named_lines(&lines));
        }
        self.add_left_to_a_person(&mut page, styles);
        if self.dry_run && self.is_needed() {
            let command = format!("cargo scylla repair {}", shell_word(self.folder));
            page.line(format_args!("\nTo do it:\n  {}", styles.paint(Tone::Strong, command)));
        }
        page.into_text()
    }

    /// The same for machines.
    #[must_use]
    pub fn json(&self) -> String {
        page::pretty(self)
    }

    fn set_aside_by_kind(&self) -> BTreeMap<Option<FindingKind>, Vec<String>> {
        let mut kinds: BTreeMap<Option<FindingKind>, Vec<String>> = BTreeMap::new();
        for SetAside { place, why } in self.set_aside {
            kinds.entry(*why).or_default().push(escape::terminal(place).into_owned());
        }
        kinds
    }

    fn difference(&self) -> String {
        match self.after.checked_sub(self.before) {
            Some(more) => format!("+{more}"),
            None => format!("-{}", self.before - self.after),
        }
    }

    fn add_left_to_a_person(&self, page: &mut Page, styles: Styles) {
        let mut kinds: BTreeMap<FindingKind, Vec<&Finding>> = BTreeMap::new();
        for finding in self.kept {
            kinds.entry(finding.kind).or_default().push(finding);
        }
        if !kinds.is_empty() {
            page.line(format_args!("\n{}", styles.paint(Tone::Warning, "Left to you:")));
        }
        for (kind, findings) in kinds {
            let name = styles.paint(Tone::Strong, kind.name());
            page.line(format_args!("  {name} ({}): {}", findings.len(), kind.description()));
            let shown = |finding: &&Finding| {
                format!("{}  {}", escape::terminal(&finding.place), escape::terminal(&finding.message))
            };
            add_places(page, &findings.iter().map(shown).collect::<Vec<String>>());
            page.line(format_args!("    {}", cure_sentence(kind.cure())));
            let runs = findings.iter().take(MOST_OF_A_KIND).filter_map(|finding| finding.run);
            if let Some(command) = cure_command(kind.cure(), runs, self.folder) {
                page.line(format_args!("    {}", styles.paint(Tone::Strong, command)));
            }
        }
    }
}

/// The first places, one per line, and how many more there are.
fn add_places(page: &mut Page, places: &[String]) {
    for place in places.iter().take(MOST_OF_A_KIND) {
        page.line(format_args!("    {place}"));
    }
    if let Some(more) = and_more(places.len(), MOST_OF_A_KIND) {
        page.line(format_args!("    {more}"));
    }
}

/// The JSON schema of [`Repair::json`].
#[must_use]
pub fn repair_schema() -> Value {
    schemars::schema_for!(Repair<'_>).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::{FOLDER, run, snapshot};

    const BACKUP: &str = "checkpoint.json.backup-2026-11-23T12-00-00Z";

    fn incident(tiers: &BTreeMap<TierId, usize>) -> Repair<'_> {
        Repair {
            folder: FOLDER,
            dry_run: false,
            checkpoint: CheckpointBefore::Loaded,
            writes_checkpoint: true,
            backup: Some(BACKUP),
            end_orphans: &[],
            set_aside: &[],
            kept: &[],
            found: 590,
            before: 0,
            after: 590,
            tiers,
        }
    }

    fn tiers() -> BTreeMap<TierId, usize> {
        BTreeMap::from([(TierId(0), 240), (TierId(1), 100), (TierId(2), 150), (TierId(10), 100)])
    }

    fn shown(repair: &Repair) -> String {
        format!("{}\n{}", repair.plan(Styles::plain()), repair.outcome(Styles::plain()))
    }

    #[test]
    fn the_founding_incident_is_mended_and_counted() {
        let tiers = tiers();
        snapshot("screens", "repair", &shown(&incident(&tiers)));
        snapshot("screens", "repair_json", &incident(&tiers).json());
    }

    #[test]
    fn a_dry_run_says_that_nothing_was_changed_and_how_to_do_it() {
        let tiers = tiers();
        let orphans = [run("T0/00/3")];
        let aside: Vec<SetAside> = vec![
            SetAside { place: "T0/00/run_07", why: Some(FindingKind::UnreadableResult) },
            SetAside { place: "T1/00/.tmp-\u{1b}[2J", why: Some(FindingKind::LeftoverTemporary) },
            SetAside { place: ".tmp-x81", why: Some(FindingKind::LeftoverTemporary) },
        ];
        let kept = [
            Finding {
                kind: FindingKind::PhantomEntry,
                place: "checkpoint.json".to_owned(),
                run: Some(run("T0/00/9")),
                message: "there is no result".to_owned(),
            },
            Finding {
                kind: FindingKind::ConfigMissing,
                place: "config/experiment.json".to_owned(),
                run: None,
                message: "it is not there".to_owned(),
            },
        ];
        let repair = Repair {
            dry_run: true,
            backup: None,
            end_orphans: &orphans,
            set_aside: &aside,
            kept: &kept,
            before: 12,
            ..incident(&tiers)
        };
        snapshot("screens", "repair_dry_run", &shown(&repair));
    }

    #[test]
    fn a_second_repair_has_nothing_to_do() {
        let tiers = tiers();
        let repair = Repair { writes_checkpoint: false, backup: None, before: 590, ..incident(&tiers) };
        assert!(!repair.is_needed());
        snapshot("screens", "repair_nothing", &shown(&repair));
    }

    #[test]
    fn colors_change_no_letter() {
        let tiers = tiers();
        let repair = Repair { dry_run: true, ..incident(&tiers) };
        let colored = format!("{}\n{}", repair.plan(Styles::colored()), repair.outcome(Styles::colored()));
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), shown(&repair));
    }

    #[test]
    fn the_schema_has_every_key() {
        let tiers = tiers();
        let written: Value = serde_json::from_str(&incident(&tiers).json()).unwrap();
        for key in written.as_object().unwrap().keys() {
            assert!(repair_schema()["properties"].get(key).is_some(), "{key}");
        }
    }
}
