//! What an agent asks its model and is answered, kept while it works; or given to it again, where a recorded run is replayed.

use crate::engine::worker::stages::{Halt, Work};
use crate::gateway::{Exchanged, Passing, Words};
use crate::model::flag::Flag;
use crate::model::outcome::{Failure, FailureKind};
use crate::model::result::AgentResult;
use crate::model::tape::{OwnWords, RecordChoice};
use crate::store::recorded::{self, Answers};
use crate::text::words::counted;

fn were(count: usize) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

impl Work<'_> {
    /// What becomes of what this attempt asks and is answered.
    pub(super) fn passing(&self) -> Result<Passing, Halt> {
        let place = self.place;
        let work = self.agents_folder()?.path().to_string_lossy().into_owned();
        // Programs name folders of their own after the one that they work in.
        let flat = work.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '-' }).collect();
        let own = OwnWords(vec![(work, "work"), (flat, "work-")]);
        let words = Words { own, secrets: place.secrets.clone() };
        Ok(match self.replayed()? {
            Some(answers) => Passing::Given(answers.exchanges, words),
            None if place.config.record == Some(RecordChoice::Exchanges) => {
                Passing::Kept(self.folder.exchanges(), words)
            }
            None => Passing::Forgotten,
        })
    }

    /// What models answered in the recorded run that is replayed here, where one is.
    pub(super) fn replayed(&self) -> Result<Option<Answers>, Failure> {
        let Some(named) = &self.place.config.replay else { return Ok(None) };
        let answers = recorded::answers(&self.place.folder, &crate::agent::id(named), self.run);
        answers.map(Some).map_err(|why| Failure::new(FailureKind::Unrecorded, why))
    }

    /// Fails an attempt whose agent asked something else than what was recorded, and notes what was replayed or recorded.
    pub(super) fn note_tape(&self, exchanged: &Exchanged, result: &mut AgentResult) -> Result<(), Halt> {
        if let Some(why) = &exchanged.left_out {
            let what = "not all that the agent asked its model could be kept, so this run cannot be replayed";
            self.notice(&format!("{what}: {why}"));
            result.flags.insert(Flag::ExchangesLeftOut);
        }
        let Some(answers) = self.replayed()? else { return Ok(()) };
        if let Some(why) = &exchanged.unmatched {
            return Err(Failure::new(FailureKind::Unrecorded, why.as_str()).into());
        }
        if exchanged.used.requests == 0 && exchanged.unasked > 0 {
            let (left, were) = (counted(exchanged.unasked, "request"), were(exchanged.unasked));
            let why = format!("the agent asked no model, and {left} {were} recorded");
            return Err(Failure::new(FailureKind::Unrecorded, why).into());
        }
        if exchanged.unasked > 0 {
            let (left, were) = (counted(exchanged.unasked, "request"), were(exchanged.unasked));
            self.notice(&format!("{left} of the recorded agent {were} not asked again"));
        }
        result.replayed = Some(answers.told);
        result.flags.insert(Flag::PlayedBack);
        Ok(())
    }
}
