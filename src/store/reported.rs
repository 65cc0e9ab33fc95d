//! Everything that reports say of runs, read on several threads: numbers of judged ones, or all that folders tell with the texts
//! that people read.

use std::collections::BTreeMap;

use crate::model::agent::StepsIn;
use crate::model::details::RunDetails;
use crate::model::exchanges::OfAttempt;
use crate::model::ids::RunId;
use crate::model::reported::{Clip, ReportedExchanges, ReportedSteps, RunTexts, WholeRun};
use crate::model::steps::Steps;
use crate::text::exchanges::{sentence, table};
use crate::text::leaks::shows_a_key;

use super::details::{Counted, Extent, Reading, Text, View, output, texts};
use super::threads;

/// Most bytes that are kept of a patch.
const MOST_PATCH: usize = 48 << 10;
/// Most bytes that are kept of each other text.
const MOST_OTHER: usize = 8 << 10;
/// Most steps of an agent that are kept.
const MOST_STEPS: usize = 100;
/// Most requests of an attempt to its models that are kept.
const MOST_REQUESTS: usize = 100;
/// Most bytes that are kept of one step.
const MOST_STEP: usize = 2 << 10;
/// Bytes beyond a part in which a key may end, or begin.
const MOST_KEY: usize = 1 << 10;

/// Reads what counts of these runs. One that has no result, or cannot be read any more, is left out.
#[must_use]
pub fn runs(reading: &Reading<'_>, runs: &[RunId]) -> BTreeMap<RunId, Counted> {
    threads::read_each(runs, |run| reading.counted(run).ok().filter(|counted| counted.digest.is_some()))
}

/// Reads all else that the folders of these runs tell, beside what counts of them where that is known, and their texts where they
/// are asked for, with the steps of those whose agents tell them. A run that cannot be read is left out.
#[must_use]
pub fn whole(
    reading: &Reading<'_>,
    runs: &BTreeMap<RunId, (Option<&RunDetails>, Option<StepsIn>)>,
    with_texts: bool,
) -> BTreeMap<RunId, WholeRun> {
    let ids: Vec<RunId> = runs.keys().copied().collect();
    threads::read_each(&ids, |run| {
        let (known, steps_in) = *runs.get(&run)?;
        let details = match known {
            Some(known) => {
                let mut details = known.clone();
                reading.complete(&mut details).ok()?;
                details
            }
            None => reading.read(run, Extent::Whole).ok()?,
        };
        let exchanges = exchanges_of(reading, &details);
        Some(WholeRun { details, exchanges, texts: with_texts.then(|| texts_of(reading, run, steps_in)) })
    })
}

/// What its attempts asked their models. What cannot be read is told by `show`.
fn exchanges_of(reading: &Reading<'_>, run: &RunDetails) -> Vec<ReportedExchanges> {
    let started_at = run.agent.as_ref().and_then(|agent| agent.started_at);
    let attempts = reading.exchanges(run.run).unwrap_or_default();
    let of = |attempt: &OfAttempt| {
        let asked = attempt.ledger.read().filter(|asked| !asked.all.is_empty())?;
        let number = attempt.attempt.map_or_else(|| "?".to_owned(), |number| number.0.to_string());
        Some(ReportedExchanges {
            former: attempt.is_former.then_some(number),
            sentence: sentence(&asked.sum()),
            table: table(asked, started_at.filter(|_| !attempt.is_former), MOST_REQUESTS, None),
        })
    };
    attempts.iter().filter_map(of).collect()
}

fn texts_of(reading: &Reading<'_>, run: RunId, steps_in: Option<StepsIn>) -> RunTexts {
    let first =
        |view| texts(reading, run, view).ok().and_then(|texts| texts.into_iter().find(|text| !text.bytes.is_empty()));
    RunTexts {
        prompt: first(View::Prompt).map(|text| clip(&text, MOST_OTHER, Part::Beginning)),
        steps: steps_in.and_then(|steps_in| {
            let written = output(reading, run, steps_in.output).ok().flatten()?;
            Some(first_steps(&(steps_in.read)(&written.bytes)))
        }),
        patch: first(View::Diff).map(|text| clip(&text, MOST_PATCH, Part::Beginning)),
        output: first(View::Log).map(|text| clip(&text, MOST_OTHER, Part::End)),
    }
}

/// The first steps of an agent, each with the beginning of its text.
fn first_steps(steps: &Steps) -> ReportedSteps {
    let kept = steps.kept();
    let first = kept.iter().take(MOST_STEPS).map(|step| {
        let (bytes, left_out) = (step.readable().into_bytes(), step.left_out_bytes);
        let text = Text { title: "", path: String::new(), bytes, left_out };
        (step.kind.clone(), clip(&text, MOST_STEP, Part::Beginning))
    });
    ReportedSteps { first: first.collect(), more: steps.left_out() + kept.len().saturating_sub(MOST_STEPS) }
}

/// The part of a text that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Beginning,
    End,
}

/// A part of a text, up to or from the end of a line where one is near.
fn clip(text: &Text, most: usize, part: Part) -> Clip {
    let bytes = &text.bytes;
    let is_end = |byte: &u8| *byte == b'\n';
    let kept = if bytes.len() <= most {
        &bytes[..]
    } else if part == Part::Beginning {
        let kept = &bytes[..most];
        kept.iter().rposition(is_end).map_or(kept, |end| &kept[..=end])
    } else {
        let kept = &bytes[bytes.len() - most..];
        kept.iter().position(is_end).map_or(kept, |end| &kept[end + 1..])
    };
    let left_out = text.left_out + (bytes.len() - kept.len()) as u64;
    let mut clip = Clip { text: String::from_utf8_lossy(kept).into_owned(), left_out, is_withheld: false };
    // A key may be cut where the part ends.
    let near = match part {
        Part::Beginning => &bytes[..bytes.len().min(most + MOST_KEY)],
        Part::End => &bytes[bytes.len().saturating_sub(most + MOST_KEY)..],
    };
    if shows_a_key(near) {
        clip.withhold();
    }
    clip
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_ends_or_begins_with_a_line_and_tells_what_is_left_out() {
        let text =
            |words: &str, left_out| Text { title: "", path: String::new(), bytes: words.as_bytes().to_vec(), left_out };
        let kept = |text: &Text, part| {
            let clip = clip(text, 8, part);
            (clip.text, clip.left_out)
        };
        let lines = text("one\ntwo\nthree\n", 5);
        assert_eq!(kept(&lines, Part::Beginning), ("one\ntwo\n".to_owned(), 11));
        assert_eq!(kept(&lines, Part::End), ("three\n".to_owned(), 13));
        assert_eq!(kept(&text("a line too long", 0), Part::Beginning), ("a line t".to_owned(), 7));
        assert_eq!(kept(&text("short", 0), Part::End), ("short".to_owned(), 0));
    }

    #[test]
    fn a_text_with_a_key_is_withheld_also_when_the_part_cuts_the_key() {
        let key = ["AKIA", "IOSFODNN7EXAMPLE"].concat();
        for (words, part) in [
            (format!("a {key}"), Part::Beginning),
            (format!("{key} and more than eight"), Part::Beginning),
            (format!("begun {key}"), Part::End),
        ] {
            let bytes = words.clone().into_bytes();
            let clip = clip(&Text { title: "", path: String::new(), bytes, left_out: 0 }, 8, part);
            assert_eq!(
                (clip.text.as_str(), clip.left_out, clip.is_withheld),
                ("", words.len() as u64, true),
                "{words}"
            );
        }
    }
}
