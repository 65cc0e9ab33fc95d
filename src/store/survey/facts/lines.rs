//! The facts of a result that is byte for byte as it was written, taken from its lines.
//!
//! A result is written with one key a line, indented by its depth, and its last line is a digest of all others. Where that
//! digest is right, nobody needs a parser to find the few keys that count: most bytes are passed over. Whatever does not
//! look exactly so is `None`, and for the parser of JSON.

use memchr::memchr;
use serde::Deserialize;

use super::{Check, Judges, ReadFacts, Text};

/// What stands behind a key.
const AFTER_KEY: &[u8] = b"\": ";

/// The keys of an object or the elements of a list, a line each, at one depth.
struct Level<'a> {
    rest: &'a [u8],
    indent: usize,
}

/// A key of an object.
struct Member<'a> {
    key: &'a [u8],
    /// The bytes of its value, from bracket to bracket where it has lines of its own.
    value: &'a [u8],
}

impl<'a> Level<'a> {
    /// The lines between the brackets of an object or list that stands at a depth.
    fn inside(value: &'a [u8], indent: usize) -> Option<Self> {
        let rest = value.get(1..)?.strip_prefix(b"\n")?;
        Some(Self { rest, indent: indent + 2 })
    }

    /// The next line, without its indent and end.
    fn line(&mut self) -> Option<&'a [u8]> {
        let end = memchr(b'\n', self.rest)?;
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..)?;
        let (indent, line) = line.split_at_checked(self.indent)?;
        (indent.iter().all(|byte| *byte == b' ') && line.first() != Some(&b' ')).then_some(line)
    }

    /// Whether only the closing bracket is left.
    fn is_at_end(&self) -> bool {
        self.rest.get(self.indent.saturating_sub(2)).is_some_and(|byte| matches!(byte, b'}' | b']'))
    }

    /// A value that begins at the end of a line; that line is passed.
    fn value(&mut self, begin: &'a [u8], whole: &'a [u8]) -> Option<&'a [u8]> {
        let scalar = begin.strip_suffix(b",").unwrap_or(begin);
        if !matches!(scalar, b"{" | b"[") {
            return Some(scalar);
        }
        let from = whole.len() - self.rest.len() - 1 - begin.len();
        let close = if scalar == b"{" { b'}' } else { b']' };
        loop {
            let before = whole.len() - self.rest.len();
            let end = memchr(b'\n', self.rest)?;
            let line = &self.rest[..end];
            self.rest = &self.rest[end + 1..];
            // A deeper line has a space there.
            match line.get(self.indent)? {
                b' ' => {}
                byte if *byte == close => return whole.get(from..=before + self.indent),
                _ => return None,
            }
        }
    }

    /// The next key with its value; `None` at the end, and where something else stands.
    fn member(&mut self) -> Option<Member<'a>> {
        let whole = self.rest;
        let line = self.line()?.strip_prefix(b"\"")?;
        let (key, behind) = line.split_at_checked(line.iter().position(|byte| *byte == b'"')?)?;
        let value = self.value(behind.strip_prefix(AFTER_KEY)?, whole)?;
        Some(Member { key, value })
    }

    /// The next element of a list of objects.
    fn element(&mut self) -> Option<&'a [u8]> {
        let whole = self.rest;
        let line = self.line()?;
        self.value(line, whole).filter(|value| value.first() == Some(&b'{'))
    }
}

/// Reads the facts of a result whose digest of itself is right.
pub(in crate::store::survey) fn facts(bytes: &[u8]) -> Option<ReadFacts<'_>> {
    let mut level = Level::inside(bytes.strip_suffix(b"\n")?, 0).filter(|_| bytes.first() == Some(&b'{'))?;
    let mut facts = ReadFacts::default();
    while !level.is_at_end() {
        let Member { key, value } = level.member()?;
        match key {
            b"version" => text(&mut facts.version, value)?,
            b"experiment_id" => text(&mut facts.experiment_id, value)?,
            b"tier" => text(&mut facts.tier, value)?,
            b"subtest" => text(&mut facts.subtest, value)?,
            b"config_hash" => text(&mut facts.config_hash, value)?,
            b"baseline_commit" => text(&mut facts.baseline_commit, value)?,
            b"agent_end" => text(&mut facts.agent_end, value)?,
            b"seal" => text(&mut facts.seal, value)?,
            b"run_number" => json(&mut facts.run_number, value)?,
            b"former_attempts" => json(&mut facts.former_attempts, value)?,
            b"former_cost_usd" => json(&mut facts.former_cost_usd, value)?,
            b"former_cost_unknown" => json(&mut facts.former_cost_unknown, value)?,
            b"judge_passed" => boolean(&mut facts.judge_passed, value)?,
            b"judge_score" => json(&mut facts.judge_score, value)?,
            b"cost_usd" => json(&mut facts.cost_usd, value)?,
            b"judge_cost_usd" => json(&mut facts.judge_cost_usd, value)?,
            b"judge_cost_unknown" => json(&mut facts.judge_cost_unknown, value)?,
            b"failed_judge_cost_usd" => json(&mut facts.failed_judge_cost_usd, value)?,
            b"failed_judge_cost_unknown" => json(&mut facts.failed_judge_cost_unknown, value)?,
            b"duration_seconds" => json(&mut facts.duration_seconds, value)?,
            b"keeps_workspace" => boolean(&mut facts.keeps_workspace, value)?,
            b"exit_code" => json(&mut facts.exit_code, value)?,
            b"changed_nothing" => boolean(&mut facts.changed_nothing, value)?,
            b"not_captured" => json(&mut facts.not_captured, value)?,
            b"judges" if facts.judges.listed == 0 => facts.judges = judges(value)?,
            b"checks" if facts.checks.is_none() => facts.checks = Some(checks(value)?),
            b"inherited_from" | b"flags" if value == b"[]" => {}
            key if is_passed_over(key) => {}
            // Keys that few results have, and such as nobody knows.
            _ => return None,
        }
    }
    (level.rest == b"}").then_some(facts)
}

/// Keys of every result that no fact rests on.
fn is_passed_over(key: &[u8]) -> bool {
    matches!(
        key,
        b"attempt"
            | b"timed_out"
            | b"token_stats"
            | b"cost_source"
            | b"agent_duration_seconds"
            | b"judge_duration_seconds"
            | b"judge_grade"
            | b"composed"
            | b"started_at"
            | b"committed_at"
            | b"digest"
    )
}

fn judges(value: &[u8]) -> Option<Judges> {
    let mut judges = Judges::default();
    if value == b"[]" {
        return Some(judges);
    }
    let mut list = Level::inside(value, 2)?;
    while !list.is_at_end() {
        let mut judge = Level::inside(list.element()?, 4)?;
        let (mut passed, mut score) = (None, None);
        while !judge.is_at_end() {
            match judge.member()? {
                Member { key: b"passed", value } => boolean(&mut passed, value)?,
                Member { key: b"score", value } => json(&mut score, value)?,
                Member { key: b"is_valid" | b"fallback", .. } => return None,
                _ => {}
            }
        }
        judges.add(passed, score);
    }
    Some(judges)
}

fn checks(value: &[u8]) -> Option<Vec<Check<'_>>> {
    let mut checks = Vec::new();
    if value == b"[]" {
        return Some(checks);
    }
    let mut list = Level::inside(value, 2)?;
    while !list.is_at_end() {
        let mut check = Level::inside(list.element()?, 4)?;
        let (mut name, mut passed, mut timed_out, mut duration_seconds) = (None, None, None, None);
        while !check.is_at_end() {
            match check.member()? {
                Member { key: b"name", value } => text(&mut name, value)?,
                Member { key: b"passed", value } => boolean(&mut passed, value)?,
                Member { key: b"timed_out", value } => boolean(&mut timed_out, value)?,
                Member { key: b"duration_seconds", value } => json(&mut duration_seconds, value)?,
                Member { key: b"not_applicable", .. } => return None,
                _ => {}
            }
        }
        checks.push(Check {
            name: name?,
            passed: passed?,
            timed_out: timed_out.unwrap_or_default(),
            duration_seconds: duration_seconds.unwrap_or_default(),
            not_applicable: None,
        });
    }
    Some(checks)
}

/// Takes a value that is there once.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// A text without escapes.
fn text<'a>(place: &mut Option<Text<'a>>, value: &'a [u8]) -> Option<()> {
    if value == b"null" && place.is_none() {
        return Some(());
    }
    let inside = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if inside.iter().any(|byte| matches!(byte, b'"' | b'\\' | ..b' ')) {
        return None;
    }
    once(place, Text(std::str::from_utf8(inside).ok()?.into()))
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

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::store::sample::{run, run_result};

    fn result() -> Value {
        let mut result = serde_json::to_value(run_result(run("T0/00/1"), true)).unwrap();
        let judge = json!({"judge_number": 1, "model": "m", "score": 0.5, "passed": true, "grade": "A",
            "reasoning": "two\nlines, \"quoted\" and {", "criteria_scores": {"R001": {"score": 1.0, "passed": false}}});
        let check =
            json!({"name": "builds", "passed": false, "exit_code": 1, "timed_out": true, "duration_seconds": 2.5});
        result["judges"] = json!([judge, judge]);
        result["checks"] = json!([check]);
        result["not_captured"] = json!({"ignored_files": 1, "ignored_bytes": 2, "left_out": 3});
        result
    }

    fn written(result: &Value) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(result).unwrap();
        bytes.push(b'\n');
        bytes
    }

    fn parsed(bytes: &[u8]) -> String {
        format!("{:?}", ReadFacts::parse(bytes).unwrap())
    }

    fn from_lines(bytes: &[u8]) -> Option<String> {
        facts(bytes).map(|facts| format!("{facts:?}"))
    }

    #[test]
    fn a_result_as_it_is_written_gives_the_same_facts_without_a_parser() {
        for change in [json!({}), json!({"judges": []}), json!({"checks": [], "judge_score": null, "seal": "x"})] {
            let mut result = result();
            result.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let bytes = written(&result);
            assert_eq!(from_lines(&bytes), Some(parsed(&bytes)), "{result}");
        }
    }

    #[test]
    fn what_is_not_usual_is_left_to_the_parser() {
        for (key, value) in [
            ("flags", json!(["secret_in_patch"])),
            ("inherited_from", json!(["T0/03"])),
            ("grading", json!(2)),
            ("experiment_id", json!("a\"b")),
            ("new", json!(1)),
            ("judges", json!([1])),
            ("judges", json!([{"is_valid": false}])),
            ("checks", json!([{"name": "x", "passed": false, "not_applicable": {}}])),
            ("checks", json!({})),
            ("run_number", json!("1")),
        ] {
            let mut result = result();
            result[key] = value;
            assert_eq!(from_lines(&written(&result)), None, "{key}");
        }
        let text = String::from_utf8(written(&result())).unwrap();
        for altered in [
            text.replacen("\n  \"tier\"", "\n  \"tier\": \"T1\",\n  \"tier\"", 1),
            text.replacen(": ", ":", 1),
            text.trim_end().to_owned(),
            text.replacen("\n    }\n  ]", "\n    }\n  }", 1),
            text.replacen('\n', "\n\n", 1),
            text.replacen("{\n", "[\n", 1),
        ] {
            assert_ne!(altered, text);
            assert!(facts(altered.as_bytes()).is_none(), "{altered}");
        }
    }

    proptest! {
        #[test]
        fn lines_in_any_order_never_panic_and_never_give_other_facts(
            picked in vec(any::<proptest::sample::Index>(), 0..4), doubled in any::<bool>(),
        ) {
            let text = String::from_utf8(written(&result())).unwrap();
            let mut lines: Vec<&str> = text.lines().collect();
            for index in picked {
                let at = index.index(lines.len());
                let line = lines[at];
                if doubled { lines.insert(at, line) } else { lines.remove(at); }
            }
            let altered = format!("{}\n", lines.join("\n"));
            if let (Some(found), Ok(parsed)) = (from_lines(altered.as_bytes()), ReadFacts::parse(altered.as_bytes())) {
                prop_assert_eq!(found, format!("{parsed:?}"));
            }
        }
    }
}
