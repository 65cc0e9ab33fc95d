//! Runs as blocks of JSON in the page: an index of all of them, and one block for each, which is read when it is opened.
//!
//! In a block no `<` stands as such, so no text can end it, and no character that is obeyed in place of being shown.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Serialize;

use super::super::{Material, each};
use crate::model::details::{ItemDetails, RunDetails};
use crate::model::exchanges::Table;
use crate::model::reported::{Clip, ReportedExchanges, ReportedRun, RunTexts};
use crate::model::row::RowStatus;
use crate::model::steps::StepKind;
use crate::model::task::Fixture;
use crate::report::show;
use crate::text::escape;
use crate::text::page::Page;
use crate::text::short::cut;
use crate::text::words::{bytes, duration, shell_word};

/// So many characters of a reason are in the index; the whole is in the run's block.
const MOST_REASON: usize = 160;

/// What is known of all runs at once.
#[derive(Debug, Serialize)]
struct Index {
    experiments: Vec<Named>,
    setups: Vec<Setup>,
    statuses: Vec<&'static str>,
    runs: Vec<Run>,
}

#[derive(Debug, Serialize)]
struct Named {
    name: String,
    /// As it is typed.
    typed: String,
    /// Each item of the rubric: its id, and what must be true.
    items: Vec<(String, Option<String>)>,
}

#[derive(Debug, Serialize)]
struct Setup {
    experiment: usize,
    id: String,
    tier: String,
    name: Option<String>,
}

/// A run in the index. Keys are short, for there are many of them.
#[derive(Debug, Serialize)]
struct Run {
    /// The place of its setup.
    s: usize,
    /// Its number.
    n: u32,
    /// The place of its status.
    t: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grade: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secs: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// A run as one opens it.
#[derive(Debug, Serialize)]
struct Block {
    facts: Vec<(&'static str, String)>,
    judges: Vec<Judge>,
    items: Vec<Item>,
    checks: Vec<Check>,
    stages: Vec<(String, String)>,
    attempts: Vec<(String, String, String)>,
    gradings: Vec<(String, String)>,
    unusual: Vec<String>,
    files: Vec<(String, String)>,
    more_files: usize,
    /// The place of its prompt among those of the page.
    prompt: Option<usize>,
    /// What its agent did: of each step what it is, whether it is an error, and its text.
    steps: Vec<(String, bool, Part)>,
    more_steps: usize,
    /// What its attempts asked their models.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exchanges: Vec<Asked>,
    patch: Option<Part>,
    output: Option<Part>,
    /// Whether its texts are left out, for the page would be too large.
    is_cut: bool,
}

/// What an attempt asked its models.
#[derive(Debug, Serialize)]
struct Asked {
    of: Option<String>,
    sentence: String,
    table: Table,
}

#[derive(Debug, Serialize)]
struct Judge {
    name: String,
    passed: bool,
    score: String,
    grade: String,
    took: Option<String>,
    reason: String,
}

#[derive(Debug, Serialize)]
struct Item {
    id: String,
    beside: Vec<String>,
    scores: Vec<(String, Option<f64>, String)>,
}

#[derive(Debug, Serialize)]
struct Check {
    name: String,
    how: String,
    failed: bool,
    tail: Option<String>,
    file: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Part {
    text: String,
    left_out: Option<String>,
    /// Whether it is not shown because it holds a secret.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_withheld: bool,
}

impl From<&Clip> for Part {
    fn from(clip: &Clip) -> Self {
        Self {
            text: escape::lines(&clip.text).into_owned(),
            left_out: (clip.left_out > 0).then(|| bytes(clip.left_out)),
            is_withheld: clip.is_withheld,
        }
    }
}

/// Adds the index, and blocks as far as there is room for them: those of runs that did not pass come first.
pub(super) fn add(page: &mut Page, material: &Material<'_>, mut room: usize) {
    let index = index(material);
    add_block(page, "index", &json(&index));
    let mut runs: Vec<(usize, &ReportedRun)> =
        material.experiments.iter().flat_map(|experiment| &experiment.runs).enumerate().collect();
    runs.sort_by_key(|(_, run)| run.row.status == RowStatus::Passed);
    let mut prompts = Prompts::default();
    let mut known_runs = Vec::new();
    for (place, run) in runs {
        let Some(known) = known(run) else { continue };
        let prompt = known.texts.and_then(|texts| texts.prompt.as_ref()).map(|prompt| prompts.place_of(prompt));
        known_runs.push((place, known, prompt));
    }
    let written = each(&known_runs, |(_, known, prompt)| json(&block(*known, *prompt)));
    let mut kept: Vec<(usize, String)> = Vec::new();
    for ((place, known, prompt), text) in known_runs.into_iter().zip(written) {
        let bytes = text.len() + prompts.bytes_to_come(prompt);
        if bytes <= room {
            room -= bytes;
            prompts.keep(prompt);
            kept.push((place, text));
        } else if known.texts.is_some() || !known.exchanges.is_empty() {
            let text = json(&block(Known { texts: None, exchanges: &[], ..known }, None));
            if text.len() <= room {
                room -= text.len();
                kept.push((place, text));
            }
        }
    }
    for (number, text) in prompts.kept() {
        add_block(page, &format!("prompt-{number}"), text);
    }
    kept.sort_by_key(|(place, _)| *place);
    for (place, text) in kept {
        add_block(page, &format!("run-{place}"), &text);
    }
}

/// What is known of a run.
#[derive(Debug, Clone, Copy)]
struct Known<'a> {
    details: &'a RunDetails,
    texts: Option<&'a RunTexts>,
    exchanges: &'a [ReportedExchanges],
}

/// All that the folder of a run tells, with its texts, or what its result tells.
fn known(run: &ReportedRun) -> Option<Known<'_>> {
    match run.whole.as_deref() {
        Some(whole) => {
            Some(Known { details: &whole.details, texts: whole.texts.as_ref(), exchanges: &whole.exchanges })
        }
        None => Some(Known { details: run.details.as_ref()?, texts: None, exchanges: &[] }),
    }
}

/// What agents were told: many runs of a setup were told the same, which is in the page once.
#[derive(Debug, Default)]
struct Prompts<'a> {
    places: HashMap<(&'a str, bool), usize>,
    /// Each as a block, and whether the page has it.
    blocks: Vec<(String, bool)>,
}

impl<'a> Prompts<'a> {
    fn place_of(&mut self, prompt: &'a Clip) -> usize {
        let next = self.blocks.len();
        let place = *self.places.entry((&prompt.text, prompt.is_withheld)).or_insert(next);
        if place == next {
            self.blocks.push((json(&Part::from(prompt)), false));
        }
        place
    }

    /// How many bytes it takes to have this one in the page.
    fn bytes_to_come(&self, place: Option<usize>) -> usize {
        place.map_or(0, |place| if self.blocks[place].1 { 0 } else { self.blocks[place].0.len() })
    }

    fn keep(&mut self, place: Option<usize>) {
        if let Some(place) = place {
            self.blocks[place].1 = true;
        }
    }

    fn kept(&self) -> impl Iterator<Item = (usize, &str)> {
        let kept = self.blocks.iter().enumerate().filter(|(_, (_, is_kept))| *is_kept);
        kept.map(|(number, (text, _))| (number, text.as_str()))
    }
}

fn add_block(page: &mut Page, id: &str, json: &str) {
    page.line(format_args!("<script type=\"application/json\" id=\"{id}\">{json}</script>"));
}

/// JSON that stands within a `script` element.
fn json(value: &impl Serialize) -> String {
    // These types always serialize.
    let text = serde_json::to_string(value).unwrap_or_default();
    match escape::json(&text) {
        Cow::Borrowed(plain) if !plain.contains('<') => text,
        shown => shown.replace('<', "\\u003c"),
    }
}

fn index(material: &Material<'_>) -> Index {
    let mut index = Index {
        experiments: Vec::new(),
        setups: Vec::new(),
        statuses: RowStatus::ALL.iter().map(|status| status.word()).collect(),
        runs: Vec::new(),
    };
    for (number, (experiment, report)) in material.experiments.iter().zip(&material.report.experiments).enumerate() {
        index.experiments.push(Named {
            name: shown(&experiment.name),
            typed: shown(&shell_word(&experiment.name)),
            items: report.items.iter().map(|item| (shown(&item.id), item.description.as_deref().map(shown))).collect(),
        });
        let controls = experiment.fixture.as_ref().map(Fixture::controls).unwrap_or_default();
        for run in &experiment.runs {
            let row = &run.row;
            let id = format!("{}/{}", row.run.tier, row.run.subtest);
            if !index.setups.last().is_some_and(|setup| setup.experiment == number && setup.id == id) {
                let tier = row.run.tier.to_string();
                let mark = if controls.measures_agent(row.run) { "" } else { " (control)" };
                let name = row.name.as_deref().map(|name| format!("{}{mark}", shown(name)));
                index.setups.push(Setup { experiment: number, id, tier, name });
            }
            index.runs.push(Run {
                s: index.setups.len() - 1,
                n: row.run.run.get(),
                t: RowStatus::ALL.iter().position(|status| *status == row.status).unwrap_or_default(),
                score: row.score,
                grade: row.grade.map(|grade| grade.to_string()),
                usd: row.cost.and_then(crate::model::usage::Total::at_least).map(crate::model::money::Usd::dollars),
                secs: row.seconds,
                why: row.reason.as_deref().map(|reason| cut(&escape::terminal(reason), MOST_REASON)),
            });
        }
    }
    index
}

fn shown(text: &str) -> String {
    escape::lines(text.trim_end()).into_owned()
}

fn block(known: Known<'_>, prompt: Option<usize>) -> Block {
    let Known { details, texts, exchanges } = known;
    let steps = texts.and_then(|texts| texts.steps.as_ref());
    Block {
        facts: show::facts(details),
        judges: judges(details),
        items: details.items.iter().map(item).collect(),
        checks: checks(details),
        stages: show::stages(details).into_iter().map(|(name, took)| (shown(&name), took.trim().to_owned())).collect(),
        attempts: show::attempts(details),
        gradings: show::gradings(details),
        unusual: details
            .flags
            .iter()
            .map(|flag| flag.meaning().to_owned())
            .chain(show::not_captured(details))
            .chain(details.not_captured_names.iter().map(|name| shown(name)))
            .collect(),
        files: details
            .files
            .iter()
            .map(|file| (escape::terminal(&file.path).into_owned(), bytes(file.bytes)))
            .collect(),
        more_files: details.more_files,
        prompt,
        steps: steps.iter().flat_map(|steps| &steps.first).map(step).collect(),
        more_steps: steps.map_or(0, |steps| steps.more),
        exchanges: exchanges.iter().map(asked).collect(),
        patch: texts.and_then(|texts| texts.patch.as_ref()).map(Part::from),
        output: texts.and_then(|texts| texts.output.as_ref()).map(Part::from),
        is_cut: texts.is_none(),
    }
}

fn asked(exchanges: &ReportedExchanges) -> Asked {
    let ReportedExchanges { former, sentence, table } = exchanges;
    Asked {
        of: former.as_ref().map(|number| format!("Former attempt {number}")),
        sentence: sentence.clone(),
        table: table.clone(),
    }
}

fn step((kind, text): &(StepKind, Clip)) -> (String, bool, Part) {
    (show::what_it_is(kind), *kind == StepKind::ToolOutput { is_error: true }, Part::from(text))
}

fn judges(details: &RunDetails) -> Vec<Judge> {
    let judge = |said: &crate::model::result::Judgment| Judge {
        name: if said.model.is_empty() { said.judge_number.to_string() } else { shown(&said.model) },
        passed: said.passed,
        score: said.score.to_string(),
        grade: said.grade.to_string(),
        took: (said.duration_seconds > 0.0).then(|| duration(said.duration_seconds)),
        reason: shown(&said.reasoning),
    };
    details.judges.iter().map(judge).collect()
}

fn item(item: &ItemDetails) -> Item {
    let weight = item.weight.map(|weight| format!("weight {weight}"));
    let check = item.rests_on.as_deref().map(|check| format!("rests on the check {}", escape::terminal(check)));
    let score = |said: &crate::model::details::JudgeOfItem| {
        (said.judge.to_string(), said.score.map(crate::model::score::Score::get), shown(&said.explanation))
    };
    Item {
        id: shown(&item.id),
        beside: weight.into_iter().chain(check).collect(),
        scores: item.scores.iter().map(score).collect(),
    }
}

fn checks(details: &RunDetails) -> Vec<Check> {
    let check = |check: &crate::model::details::CheckDetails| Check {
        name: shown(&check.result.name),
        how: show::check_words(&check.result),
        failed: check.result.has_failed(),
        tail: check.excerpt.as_ref().map(|excerpt| shown(&excerpt.text)),
        file: check.excerpt.as_ref().map(|excerpt| shown(&excerpt.file)),
    };
    details.checks.iter().map(check).collect()
}
