//! The facts of a result that is byte for byte as it was written, taken from its lines.
//!
//! A result is written with one key per line, indented by its depth, in one order, and its last line is a digest of all
//! others. When that digest is right, no parser is needed to find the few keys that matter: each line is compared once
//! with the key that comes next. Anything that does not look exactly so gives `None`, and is left to the JSON parser.

use memchr::memchr;
use serde::Deserialize;

use super::{Check, Judges, NotCaptured, ReadFacts, Text};

/// Handles the value of a key: the rest of its line, and the lines after it.
type ReadValue<T> = for<'a> fn(&mut T, &'a [u8], &mut Lines<'a>) -> Option<()>;
/// The same for values whose texts are borrowed from the file.
type ReadFact = for<'a> fn(&mut ReadFacts<'a>, &'a [u8], &mut Lines<'a>) -> Option<()>;
type ReadOfCheck = for<'a> fn(&mut CheckLines<'a>, &'a [u8], &mut Lines<'a>) -> Option<()>;
/// A key with the function that handles its value, for a given lifetime of the file's bytes.
type Key<'a, T> = (&'a [u8], fn(&mut T, &'a [u8], &mut Lines<'a>) -> Option<()>);

/// The beginning of a line with a key.
macro_rules! key {
    ($indent:literal, $name:literal) => {
        concat!($indent, "\"", $name, "\": ").as_bytes()
    };
}

/// The source of a cost that is estimated, as it is written.
const ESTIMATED: &[u8] = b"\"estimated\"";

/// The keys of a result in the order in which they are written, without those that only few results have.
const RESULT: &[(&[u8], ReadFact)] = &[
    (key!("  ", "version"), |facts, value, _| text(&mut facts.version, value)),
    (key!("  ", "experiment_id"), |facts, value, _| text(&mut facts.experiment_id, value)),
    (key!("  ", "tier"), |facts, value, _| text(&mut facts.tier, value)),
    (key!("  ", "subtest"), |facts, value, _| text(&mut facts.subtest, value)),
    (key!("  ", "run_number"), |facts, value, _| json(&mut facts.run_number, value)),
    (key!("  ", "attempt"), |_, value, _| scalar(value)),
    (key!("  ", "config_hash"), |facts, value, _| text(&mut facts.config_hash, value)),
    (key!("  ", "exit_code"), |facts, value, _| json(&mut facts.exit_code, value)),
    (key!("  ", "agent_end"), |facts, value, _| text(&mut facts.agent_end, value)),
    (key!("  ", "timed_out"), |_, value, _| scalar(value)),
    (key!("  ", "token_stats"), |_, value, lines| lines.pass(value, 2)),
    (key!("  ", "cost_usd"), |facts, value, _| json(&mut facts.cost_usd, value)),
    (key!("  ", "cost_source"), |facts, value, _| text(&mut facts.cost_source, value)),
    (key!("  ", "cost_unknown"), |facts, value, _| json(&mut facts.cost_unknown, value)),
    (key!("  ", "prices"), |_, value, lines| lines.pass(value, 2)),
    (key!("  ", "reported"), |_, value, lines| lines.pass(value, 2)),
    (key!("  ", "exceeded"), |_, value, lines| lines.pass(value, 2)),
    (key!("  ", "agent_version"), |_, value, _| scalar(value)),
    (key!("  ", "agent_models"), |_, value, lines| lines.pass(value, 2)),
    (key!("  ", "sandbox"), |facts, value, _| text(&mut facts.sandbox, value)),
    (key!("  ", "network"), |facts, value, _| text(&mut facts.network, value)),
    (key!("  ", "not_isolated"), |facts, value, lines| texts(&mut facts.not_isolated, value, lines)),
    (key!("  ", "image_id"), |_, value, _| scalar(value)),
    (key!("  ", "resources"), |_, value, lines| lines.pass(value, 2)),
    (key!("  ", "readable"), |facts, value, lines| texts(&mut facts.readable, value, lines)),
    (key!("  ", "judge_cost_usd"), |facts, value, _| json(&mut facts.judge_cost_usd, value)),
    (key!("  ", "judge_cost_unknown"), |facts, value, _| json(&mut facts.judge_cost_unknown, value)),
    (key!("  ", "judge_cost_estimated"), |facts, value, _| boolean(&mut facts.judge_cost_estimated, value)),
    (key!("  ", "failed_judge_cost_usd"), |facts, value, _| json(&mut facts.failed_judge_cost_usd, value)),
    (key!("  ", "failed_judge_cost_unknown"), |facts, value, _| json(&mut facts.failed_judge_cost_unknown, value)),
    (key!("  ", "failed_judge_cost_estimated"), |facts, value, _| {
        boolean(&mut facts.failed_judge_cost_estimated, value)
    }),
    (key!("  ", "duration_seconds"), |facts, value, _| json(&mut facts.duration_seconds, value)),
    (key!("  ", "agent_duration_seconds"), |_, value, _| scalar(value)),
    (key!("  ", "judge_duration_seconds"), |_, value, _| scalar(value)),
    (key!("  ", "judge_score"), |facts, value, _| json(&mut facts.judge_score, value)),
    (key!("  ", "judge_passed"), |facts, value, _| boolean(&mut facts.judge_passed, value)),
    (key!("  ", "judge_grade"), |_, value, _| scalar(value)),
    (key!("  ", "judges"), |facts, value, lines| judges(&mut facts.judges, value, lines)),
    (key!("  ", "checks"), |facts, value, lines| checks(facts.checks.insert(Vec::new()), value, lines)),
    (key!("  ", "keeps_workspace"), |facts, value, _| boolean(&mut facts.keeps_workspace, value)),
    (key!("  ", "composed"), |_, value, _| scalar(value)),
    (key!("  ", "inherited_from"), |_, value, _| (value == b"[]").then_some(())),
    (key!("  ", "baseline_commit"), |facts, value, _| text(&mut facts.baseline_commit, value)),
    (key!("  ", "former_attempts"), |facts, value, _| json(&mut facts.former_attempts, value)),
    (key!("  ", "former_cost_usd"), |facts, value, _| json(&mut facts.former_cost_usd, value)),
    (key!("  ", "former_cost_unknown"), |facts, value, _| json(&mut facts.former_cost_unknown, value)),
    (key!("  ", "former_cost_estimated"), |_, value, _| scalar(value)),
    (key!("  ", "started_at"), |_, value, _| scalar(value)),
    (key!("  ", "committed_at"), |_, value, _| scalar(value)),
    (key!("  ", "not_captured"), |facts, value, lines| not_captured(&mut facts.not_captured, value, lines)),
    (key!("  ", "changed_nothing"), |facts, value, _| boolean(&mut facts.changed_nothing, value)),
    (key!("  ", "seal"), |facts, value, _| text(&mut facts.seal, value)),
    (key!("  ", "digest"), |_, value, _| scalar(value)),
];

/// The keys of each of its judges.
const JUDGE: &[(&[u8], ReadValue<Judge>)] = &[
    (key!("      ", "judge_number"), |_, value, _| scalar(value)),
    (key!("      ", "model"), |_, value, _| scalar(value)),
    (key!("      ", "score"), |judge, value, _| json(&mut judge.score, value)),
    (key!("      ", "passed"), |judge, value, _| boolean(&mut judge.passed, value)),
    (key!("      ", "grade"), |_, value, _| scalar(value)),
    (key!("      ", "reasoning"), |_, value, _| scalar(value)),
    (key!("      ", "criteria_scores"), |_, value, lines| lines.pass(value, 6)),
    (key!("      ", "token_stats"), |_, value, lines| lines.pass(value, 6)),
    (key!("      ", "cost_usd"), |_, value, _| scalar(value)),
    (key!("      ", "cost_source"), |judge, value, _| {
        judge.is_estimated = value == ESTIMATED;
        scalar(value)
    }),
    (key!("      ", "cost_unknown"), |_, value, _| scalar(value)),
    (key!("      ", "prices"), |_, value, lines| lines.pass(value, 6)),
    (key!("      ", "duration_seconds"), |_, value, _| scalar(value)),
];

/// The keys of each of its checks.
const CHECK: &[(&[u8], ReadOfCheck)] = &[
    (key!("      ", "name"), |check, value, _| text(&mut check.name, value)),
    (key!("      ", "passed"), |check, value, _| boolean(&mut check.passed, value)),
    (key!("      ", "exit_code"), |_, value, _| scalar(value)),
    (key!("      ", "timed_out"), |check, value, _| number(&mut check.timed_out, value)),
    (key!("      ", "duration_seconds"), |check, value, _| number(&mut check.duration_seconds, value)),
    (key!("      ", "before"), |_, value, _| scalar(value)),
    (key!("      ", "exceeded"), |_, value, lines| lines.pass(value, 6)),
];

/// The keys of what was not captured.
const NOT_CAPTURED: &[(&[u8], ReadValue<NotCaptured>)] = &[
    (key!("    ", "ignored_files"), |rest, value, _| number(&mut rest.ignored_files, value)),
    (key!("    ", "ignored_bytes"), |rest, value, _| number(&mut rest.ignored_bytes, value)),
    (key!("    ", "left_out"), |rest, value, _| number(&mut rest.left_out, value)),
];

/// The parts of a judge that matter.
#[derive(Default)]
struct Judge {
    passed: Option<bool>,
    score: Option<f64>,
    is_estimated: bool,
}

/// The parts of a check that matter.
#[derive(Default)]
struct CheckLines<'a> {
    name: Option<Text<'a>>,
    passed: Option<bool>,
    timed_out: bool,
    duration_seconds: f64,
}

/// The remaining lines of a result.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    /// The next line, without its line feed.
    fn line(&mut self) -> Option<&'a [u8]> {
        let (line, rest) = self.rest.split_at(memchr(b'\n', self.rest)?);
        self.rest = rest.get(1..)?;
        Some(line)
    }

    /// The rest of the next line after this beginning, without the comma at its end; a line that begins otherwise is
    /// not consumed.
    fn after(&mut self, begin: &[u8]) -> Option<&'a [u8]> {
        let rest = self.rest.strip_prefix(begin)?;
        let mut lines = Lines { rest };
        let value = lines.line()?;
        self.rest = lines.rest;
        Some(value.strip_suffix(b",").unwrap_or(value))
    }

    /// Whether the next line closes an object or list; if so, it is consumed.
    fn close(&mut self, bracket: &[u8]) -> bool {
        self.after(bracket).is_some_and(<[u8]>::is_empty)
    }

    /// Skips a value that begins at the end of a line at a depth.
    fn pass(&mut self, begin: &[u8], depth: usize) -> Option<()> {
        let close = match begin {
            b"{" => b'}',
            b"[" => b']',
            value => return scalar(value),
        };
        loop {
            match self.line()?.get(depth)? {
                // A deeper line.
                b' ' => {}
                byte if *byte == close => return Some(()),
                _ => return None,
            }
        }
    }

    /// Reads the members of an object up to the line that closes it.
    fn members<T>(&mut self, close: &[u8], keys: &[Key<'a, T>], into: &mut T) -> Option<()> {
        let mut keys = keys.iter();
        while !self.close(close) {
            let (value, take) = keys.find_map(|(begin, take)| Some((self.after(begin)?, take)))?;
            take(into, value, self)?;
        }
        Some(())
    }
}

/// Reads the facts of a result whose digest of itself is right.
pub(in crate::store::survey) fn facts(bytes: &[u8]) -> Option<ReadFacts<'_>> {
    let mut lines = Lines { rest: bytes.strip_prefix(b"{\n")? };
    let mut facts = ReadFacts::default();
    lines.members(b"}", RESULT, &mut facts)?;
    lines.rest.is_empty().then_some(facts)
}

fn judges<'a>(judges: &mut Judges, value: &'a [u8], lines: &mut Lines<'a>) -> Option<()> {
    list(value, lines, |lines| {
        let mut judge = Judge::default();
        lines.members(b"    }", JUDGE, &mut judge)?;
        judges.add(judge.passed, judge.score, judge.is_estimated);
        Some(())
    })
}

fn checks<'a>(checks: &mut Vec<Check<'a>>, value: &'a [u8], lines: &mut Lines<'a>) -> Option<()> {
    list(value, lines, |lines| {
        let mut check = CheckLines::default();
        lines.members(b"    }", CHECK, &mut check)?;
        let CheckLines { name, passed, timed_out, duration_seconds } = check;
        checks.push(Check { name: name?, passed: passed?, timed_out, duration_seconds, not_applicable: None });
        Some(())
    })
}

/// Reads a list of texts, each on a line of its own.
fn texts<'a>(texts: &mut Vec<Text<'a>>, value: &[u8], lines: &mut Lines<'a>) -> Option<()> {
    match value {
        b"[]" => return Some(()),
        b"[" => {}
        _ => return None,
    }
    while !lines.close(b"  ]") {
        texts.push(unquoted(lines.after(b"    ")?)?);
    }
    Some(())
}

/// Reads each object of a list.
fn list<'a>(value: &[u8], lines: &mut Lines<'a>, mut take: impl FnMut(&mut Lines<'a>) -> Option<()>) -> Option<()> {
    match value {
        b"[]" => return Some(()),
        b"[" => {}
        _ => return None,
    }
    while !lines.close(b"  ]") {
        lines.after(b"    {").filter(|rest| rest.is_empty())?;
        take(lines)?;
    }
    Some(())
}

fn not_captured<'a>(place: &mut Option<NotCaptured>, value: &'a [u8], lines: &mut Lines<'a>) -> Option<()> {
    if value != b"{" {
        return None;
    }
    lines.members(b"  }", NOT_CAPTURED, place.insert(NotCaptured::default()))
}

/// A value that is not needed and that ends with its line.
fn scalar(value: &[u8]) -> Option<()> {
    (!matches!(value, b"{" | b"[")).then_some(())
}

/// Stores a value that may occur only once.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// A text without escapes.
fn unquoted(value: &[u8]) -> Option<Text<'_>> {
    let inside = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    // No early exit at a wrong byte: so the compiler can vectorize the loop.
    let is_usual = inside.iter().fold(true, |usual, byte| usual & !matches!(byte, b'"' | b'\\' | ..b' '));
    is_usual.then_some(Text(std::str::from_utf8(inside).ok()?.into()))
}

fn text<'a>(place: &mut Option<Text<'a>>, value: &'a [u8]) -> Option<()> {
    if value == b"null" && place.is_none() {
        return Some(());
    }
    once(place, unquoted(value)?)
}

fn boolean(place: &mut Option<bool>, value: &[u8]) -> Option<()> {
    match value {
        b"true" => once(place, true),
        b"false" => once(place, false),
        b"null" if place.is_none() => Some(()),
        _ => None,
    }
}

fn json<'a, T: Deserialize<'a>>(place: &mut Option<T>, value: &'a [u8]) -> Option<()> {
    if value == b"null" && place.is_none() {
        return Some(());
    }
    once(place, serde_json::from_slice(value).ok()?)
}

fn number<'a, T: Deserialize<'a>>(place: &mut T, value: &'a [u8]) -> Option<()> {
    *place = serde_json::from_slice(value).ok()?;
    Some(())
}

#[cfg(test)]
mod tests;
