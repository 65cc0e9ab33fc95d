//! The predicates: what can be asked of a run.

use std::ops::Range;
use std::str::FromStr;

use crate::model::flag::Flag;
use crate::model::ids::{RunId, RunNumber, SubtestId, TierId};
use crate::model::outcome::AgentEnd;
use crate::model::row::{RowStatus, RunRow};
use crate::model::score::Grade;

use super::error::FilterError;
use super::lex::Call;
use super::numbers::{Bound, Compared, Unit};
use super::pattern::Pattern;

/// Every predicate by its name.
pub(super) const NAMES: [&str; 20] = [
    "all",
    "attempts",
    "cost",
    "end",
    "flag",
    "grade",
    "missing",
    "model",
    "none",
    "reason",
    "run",
    "score",
    "setup",
    "spent",
    "status",
    "subtest",
    "tier",
    "time",
    "tokens",
    "unknown_cost",
];

/// Words for how agents end.
const ENDS: [(&str, AgentEnd); 8] = [
    ("finished", AgentEnd::Finished),
    ("timeout", AgentEnd::TimedOut),
    ("timed_out", AgentEnd::TimedOut),
    ("no_progress", AgentEnd::NoProgress),
    ("output_limit", AgentEnd::OutputLimit),
    ("over_budget", AgentEnd::OverBudget),
    ("refused", AgentEnd::Refused),
    ("context_too_long", AgentEnd::ContextTooLong),
];

/// The word by which every run is meant that has no verdict.
const MISSING: &str = "missing";

/// One question.
#[derive(Debug, Clone)]
pub(super) enum Predicate {
    All,
    None,
    Missing,
    UnknownCost,
    Tier(TierId),
    Subtest(Option<TierId>, SubtestId),
    Number(RunNumber),
    Run(RunId),
    Setup(Pattern),
    Model(Pattern),
    Reason(Pattern),
    Status(RowStatus),
    Grade(Compared, Grade),
    End(AgentEnd),
    Flag(Flag),
    Score(Bound),
    Cost(Bound),
    Spent(Bound),
    Tokens(Bound),
    Time(Bound),
    Attempts(Bound),
}

impl Predicate {
    pub(super) fn holds(&self, row: &RunRow) -> bool {
        let fits = |pattern: &Pattern, text: Option<&String>| text.is_some_and(|text| pattern.fits(text));
        match self {
            Self::All => true,
            Self::None => false,
            Self::Missing => row.is_missing(),
            Self::UnknownCost => row.cost.is_some_and(|cost| !cost.is_whole()),
            Self::Tier(tier) => row.run.tier == *tier,
            Self::Subtest(tier, subtest) => row.run.subtest == *subtest && tier.is_none_or(|tier| row.run.tier == tier),
            Self::Number(number) => row.run.run == *number,
            Self::Run(run) => row.run == *run,
            Self::Setup(pattern) => fits(pattern, row.name.as_ref()),
            Self::Model(pattern) => fits(pattern, row.model.as_ref()),
            Self::Reason(pattern) => fits(pattern, row.reason.as_ref()),
            Self::Status(status) => row.status == *status,
            // Grades are ordered from the best, numbers from the least.
            Self::Grade(compared, bound) => row.grade.is_some_and(|grade| compared.allows(bound.cmp(&grade))),
            Self::End(end) => row.end == Some(*end),
            Self::Flag(flag) => row.flags.contains(flag),
            Self::Score(bound) => row.score.is_some_and(|score| bound.allows(score)),
            Self::Cost(bound) => row.cost.is_some_and(|cost| bound.allows_total(cost)),
            Self::Spent(bound) => bound.allows_total(row.spent),
            Self::Tokens(bound) => row.tokens.is_some_and(|tokens| bound.allows(of_count(tokens))),
            Self::Time(bound) => row.seconds.is_some_and(|seconds| bound.allows(seconds)),
            Self::Attempts(bound) => bound.allows(f64::from(row.attempts)),
        }
    }
}

fn of_count(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "no run uses 2^53 tokens")]
    let count = count as f64;
    count
}

/// Reads a predicate.
pub(super) fn read(call: &Call<'_>) -> Result<Predicate, FilterError> {
    let (argument, at) = (call.argument, &call.argument_at);
    let bound = |unit| Bound::read(unit, argument, at);
    Ok(match call.name {
        "all" => without_argument(call, Predicate::All)?,
        "none" => without_argument(call, Predicate::None)?,
        MISSING => without_argument(call, Predicate::Missing)?,
        "unknown_cost" => without_argument(call, Predicate::UnknownCost)?,
        "tier" => Predicate::Tier(id(argument, at, "a tier", "such as `tier(T1)`")?),
        "subtest" => subtest(argument, at)?,
        "run" => run(argument, at)?,
        "setup" => Predicate::Setup(Pattern::read(argument, at)?),
        "model" => Predicate::Model(Pattern::read(argument, at)?),
        "reason" => Predicate::Reason(Pattern::read(argument, at)?),
        "status" => status(argument, at)?,
        "grade" => grade(argument, at)?,
        "end" => Predicate::End(one_of(argument, at, "a way to end", &ENDS)?),
        "flag" => Predicate::Flag(one_of(argument, at, "a flag", &Flag::ALL.map(|flag| (flag.name(), flag)))?),
        "score" => Predicate::Score(bound(Unit::Score)?),
        "cost" => Predicate::Cost(bound(Unit::Dollars)?),
        "spent" => Predicate::Spent(bound(Unit::Dollars)?),
        "tokens" => Predicate::Tokens(bound(Unit::Tokens)?),
        "time" => Predicate::Time(bound(Unit::Seconds)?),
        "attempts" => Predicate::Attempts(bound(Unit::Count)?),
        name => return Err(unknown(name, call.name_at.clone())),
    })
}

fn unknown(name: &str, at: Range<usize>) -> FilterError {
    FilterError::new(at, format!("there is no predicate `{name}`")).one_of(name, NAMES)
}

fn without_argument(call: &Call<'_>, predicate: Predicate) -> Result<Predicate, FilterError> {
    if call.argument.is_empty() {
        return Ok(predicate);
    }
    let name = call.name;
    Err(FilterError::new(call.argument_at.clone(), format!("`)` is expected here: `{name}()` asks for nothing more")))
}

/// A value that is spelled in one way; `=` before it says nothing new.
fn id<T: FromStr>(argument: &str, at: &Range<usize>, what: &str, example: &str) -> Result<T, FilterError> {
    let argument = argument.strip_prefix('=').unwrap_or(argument).trim_start();
    argument.parse().map_err(|_| {
        FilterError::new(at.end - argument.len()..at.end, format!("{what} is expected here")).hint(example.to_owned())
    })
}

fn subtest(argument: &str, at: &Range<usize>) -> Result<Predicate, FilterError> {
    const WHAT: &str = "a subtest";
    const EXAMPLE: &str = "such as `subtest(00)`, or with its tier `subtest(T1/00)`";
    let Some((tier, subtest)) = argument.split_once('/') else {
        return Ok(Predicate::Subtest(None, id(argument, at, WHAT, EXAMPLE)?));
    };
    let tier = id(tier, &(at.start..at.start + tier.len()), "a tier", EXAMPLE)?;
    let subtest = id(subtest, &(at.end - subtest.len()..at.end), WHAT, EXAMPLE)?;
    Ok(Predicate::Subtest(Some(tier), subtest))
}

fn run(argument: &str, at: &Range<usize>) -> Result<Predicate, FilterError> {
    let example = "such as `run(3)`, or with its subtest `run(T0/00/3)`";
    if argument.contains('/') {
        return Ok(Predicate::Run(id(argument, at, "a run", example)?));
    }
    // The name of its folder says it, too.
    match RunNumber::from_folder(argument) {
        Some(number) => Ok(Predicate::Number(number)),
        None => Ok(Predicate::Number(id(argument, at, "the number of a run", example)?)),
    }
}

fn status(argument: &str, at: &Range<usize>) -> Result<Predicate, FilterError> {
    if argument == MISSING {
        return Ok(Predicate::Missing);
    }
    let known = RowStatus::ALL.map(|status| (status.word(), status));
    Ok(Predicate::Status(one_of(argument, at, "a status", &known)?))
}

fn grade(argument: &str, at: &Range<usize>) -> Result<Predicate, FilterError> {
    let (compared, letter, letter_at) = Compared::split(argument, at);
    let grade = [Grade::S, Grade::A, Grade::B, Grade::C, Grade::D, Grade::F]
        .into_iter()
        .find(|grade| grade.to_string().eq_ignore_ascii_case(letter));
    let expected = || {
        FilterError::new(letter_at, "a grade is expected here")
            .hint("grades are `S`, `A`, `B`, `C`, `D` and `F`; `grade(>=B)` is B or better")
    };
    Ok(Predicate::Grade(compared, grade.ok_or_else(expected)?))
}

/// One of some words.
fn one_of<T: Copy>(
    argument: &str,
    at: &Range<usize>,
    what: &str,
    known: &[(&'static str, T)],
) -> Result<T, FilterError> {
    let word = argument.strip_prefix('=').unwrap_or(argument).trim_start();
    let normal = word.to_lowercase().replace(['-', ' '], "_");
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == normal) {
        return Ok(*value);
    }
    let wrong = if word.is_empty() { format!("{what} is expected here") } else { format!("`{word}` is not {what}") };
    Err(FilterError::new(at.end - word.len()..at.end, wrong).one_of(word, known.iter().map(|(name, _)| *name)))
}
