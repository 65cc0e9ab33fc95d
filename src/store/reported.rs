//! Everything that reports say of runs, read on several threads: numbers of judged ones, or all that folders tell with the texts
//! that people read.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::model::details::RunDetails;
use crate::model::digest::Digest;
use crate::model::ids::RunId;
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::reported::{Clip, RunTexts, WholeRun};
use crate::os::files;

use super::details::{Extent, Reading, Text, View, texts};
use super::threads;

/// Most bytes that are kept of a patch.
const MOST_PATCH: usize = 48 << 10;
/// Most bytes that are kept of each other text.
const MOST_OTHER: usize = 8 << 10;

/// Reads these runs, which are judged: of each what its result says, and the digest of the result's bytes. A run that cannot
/// be read any more is left out.
#[must_use]
pub fn runs(reading: &Reading<'_>, runs: &[RunId]) -> BTreeMap<RunId, (RunDetails, Digest)> {
    let all = Mutex::new(BTreeMap::new());
    let take = |mut part: BTreeMap<RunId, (RunDetails, Digest)>| {
        all.lock().unwrap_or_else(PoisonError::into_inner).append(&mut part);
    };
    let each = |part: &mut BTreeMap<RunId, (RunDetails, Digest)>, run: &RunId| {
        part.extend(one(reading, *run).map(|read| (*run, read)));
    };
    threads::share(runs, BTreeMap::new, each, take);
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn one(reading: &Reading<'_>, run: RunId) -> Option<(RunDetails, Digest)> {
    let details = reading.read(run, Extent::Result).ok()?;
    let place = reading.place(run).ok()?;
    let by_counting = place.graded(reading.counting).result();
    let path = if matches!(files::kind_of(&by_counting), Ok(Some(_))) { by_counting } else { place.result() };
    let bytes = files::read_if_readable(&path, MOST_STAGE_FILE_BYTES)?;
    Some((details, Digest::of(&bytes)))
}

/// Reads all that the folders of these runs tell, and their texts where they are asked for. A run that cannot be read is left out.
#[must_use]
pub fn whole(reading: &Reading<'_>, runs: &[RunId], with_texts: bool) -> BTreeMap<RunId, WholeRun> {
    let all = Mutex::new(BTreeMap::new());
    let take = |mut part: BTreeMap<RunId, WholeRun>| {
        all.lock().unwrap_or_else(PoisonError::into_inner).append(&mut part);
    };
    let each = |part: &mut BTreeMap<RunId, WholeRun>, run: &RunId| {
        if let Ok(details) = reading.read(*run, Extent::Whole) {
            part.insert(*run, WholeRun { details, texts: with_texts.then(|| texts_of(reading, *run)) });
        }
    };
    threads::share(runs, BTreeMap::new, each, take);
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn texts_of(reading: &Reading<'_>, run: RunId) -> RunTexts {
    let first =
        |view| texts(reading, run, view).ok().and_then(|texts| texts.into_iter().find(|text| !text.bytes.is_empty()));
    RunTexts {
        prompt: first(View::Prompt).map(|text| clip(&text, MOST_OTHER, Part::Beginning)),
        patch: first(View::Diff).map(|text| clip(&text, MOST_PATCH, Part::Beginning)),
        output: first(View::Log).map(|text| clip(&text, MOST_OTHER, Part::End)),
    }
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
    Clip { text: String::from_utf8_lossy(kept).into_owned(), left_out }
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
}
