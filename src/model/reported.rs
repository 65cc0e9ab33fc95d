//! What reports are made of: the runs of an experiment, with everything that is known of each.

use std::fmt::Write as _;

use super::details::RunDetails;
use super::digest::{Digest, Digesting};
use super::exchanges::Table;

use super::experiment::Config;
use super::gold::JudgeCheck;
use super::row::RunRow;
use super::steps::StepKind;
use super::task::Fixture;

/// One experiment as reports read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reported {
    /// The name of its folder.
    pub name: String,
    /// The name of its fixture, which is the same for all experiments of that fixture; `None` when nothing names it.
    pub experiment_id: Option<String>,
    /// Its config, when this tool made it and it can be read.
    pub config: Option<Config>,
    /// Its copy of the fixture; without it names are missing, numbers are not.
    pub fixture: Option<Fixture>,
    /// The digest of its seal, if it is sealed.
    pub seal: Option<Digest>,
    /// What was found of its judges before agents were started, if they were checked: the newest.
    pub judge_check: Option<JudgeCheck>,
    /// Every planned run, in the order of the plan.
    pub runs: Vec<ReportedRun>,
}

/// One run as reports read it.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportedRun {
    /// What is known of it as a row of a table.
    pub row: RunRow,
    /// Everything else, for a run with a verdict.
    pub details: Option<Box<RunDetails>>,
    /// The digest of its result's bytes, for a run with a verdict.
    pub digest: Option<Digest>,
    /// All that its folder tells, and its texts; `None` where only numbers were asked for.
    pub whole: Option<Box<WholeRun>>,
}

/// All that the folder of a run tells, and its texts as far as there was room for them.
#[derive(Debug, Clone, PartialEq)]
pub struct WholeRun {
    /// What is known of it.
    pub details: RunDetails,
    /// What each of its attempts asked its models, where the gateway saw it: former ones first.
    pub exchanges: Vec<ReportedExchanges>,
    /// Its texts; `None` where there was no more room.
    pub texts: Option<RunTexts>,
}

/// What an attempt asked its models, as a report has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportedExchanges {
    /// The attempt, where it is a former one.
    pub former: Option<String>,
    /// What the requests come to, in words.
    pub sentence: String,
    /// The first of them.
    pub table: Table,
}

/// The steps of an agent as a report has them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportedSteps {
    /// The first ones: what each is, and the beginning of its text.
    pub first: Vec<(StepKind, Clip)>,
    /// How many more there are.
    pub more: usize,
}

/// The texts of a run that people read, each `None` when it is not there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunTexts {
    /// The beginning of what the agent was told.
    pub prompt: Option<Clip>,
    /// The steps that it took; `None` where agents of its kind tell none, too.
    pub steps: Option<ReportedSteps>,
    /// The beginning of the patch of what it changed.
    pub patch: Option<Clip>,
    /// The end of what it wrote.
    pub output: Option<Clip>,
}

impl RunTexts {
    /// The bytes of all of them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let steps = self.steps.iter().flat_map(|steps| &steps.first).map(|(_, text)| text);
        let texts = [&self.prompt, &self.patch, &self.output].into_iter().flatten();
        texts.chain(steps).map(|clip| clip.text.len()).sum()
    }
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// The part.
    pub text: String,
    /// How many bytes of the whole are not in it.
    pub left_out: u64,
    /// Whether nothing of it is in it because it holds a secret.
    pub is_withheld: bool,
}

impl Clip {
    /// Nothing of the text, because it holds a secret.
    pub fn withhold(&mut self) {
        self.left_out += self.text.len() as u64;
        self.text.clear();
        self.is_withheld = true;
    }
}

impl Reported {
    /// One digest of everything that a report says: of each result, of what has become of runs without one, and of when judges
    /// were checked. The same results give the same digest, wherever they lie.
    #[must_use]
    pub fn results_digest(&self) -> Digest {
        let mut digesting = Digesting::default();
        let mut line = String::new();
        for run in &self.runs {
            let row = &run.row;
            line.clear();
            // A text takes everything that is written to it.
            let _ = match run.digest {
                Some(digest) => writeln!(line, "{}  {}", digest.hex(), row.run),
                None => writeln!(line, "{}  {}  {}  {}", row.status, row.run, row.attempts, row.spent.as_known()),
            };
            digesting.add(line.as_bytes());
        }
        if let Some(check) = &self.judge_check {
            digesting.add(format!("judges checked at {}\n", check.at).as_bytes());
        }
        digesting.end()
    }
}
