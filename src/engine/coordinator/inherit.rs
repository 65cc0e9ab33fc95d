//! Chooses the winners that a tier inherits from: once, from what is committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::coordinator::Coordinator;
use crate::engine::error::EngineError;
use crate::engine::error::with_causes;
use crate::model::event::Event;
use crate::model::ids::TierId;
use crate::model::inherited::TakenOver;
use crate::model::inherited::Winner;
use crate::os::clock;
use crate::rules::facts::Fact;
use crate::stats::winner::winner_among;
use crate::store::results;
use crate::text::words::list;
use crate::workspace::base;

/// The outcome of the choice for a tier.
enum Choice {
    /// Each source tier has a winner; the winners are frozen, and the tier's baselines are made.
    Winners(BTreeMap<TierId, Winner>),
    /// These source tiers have no result of an agent.
    Nobody(Vec<TierId>),
}

impl Coordinator<'_> {
    /// Chooses the winners that a tier waits for: they are frozen first, then the tier's baselines are made.
    pub(in crate::engine) fn inherit(&mut self, tier: TierId) {
        match self.choose_winners(tier) {
            Ok(Choice::Winners(sources)) => {
                self.emit(&Event::TierInherits { tier, sources });
                let place = Arc::clone(&self.place);
                let of = (&place.fixture, &*place.folder.fixture());
                for group in self.tier_inheritance.alike(of, &place.config.thinking_mode, tier) {
                    let named: Vec<String> = group.iter().map(|(tier, subtest)| format!("{tier}/{subtest}")).collect();
                    let message =
                        format!("{} are set up the same: they measure one setup more than once", list(&named));
                    self.emit(&Event::Notice { message });
                }
            }
            Ok(Choice::Nobody(sources)) => {
                self.apply(Fact::Blocked(tier));
                let (what, has) = if sources.len() == 1 { ("the winner", "has") } else { ("the winners", "have") };
                let sources = list(&sources.iter().map(ToString::to_string).collect::<Vec<_>>());
                let message = format!(
                    "{tier} is not started: it takes over {what} of {sources}, which {has} no result of an agent"
                );
                self.emit(&Event::Notice { message });
            }
            Err(error) => {
                let message = format!("{tier} is not started: {}", with_causes(&error));
                self.halt(&message);
            }
        }
    }

    fn choose_winners(&mut self, tier: TierId) -> Result<Choice, EngineError> {
        let mut inherited = self.tier_inheritance.frozen(tier);
        let mut nobody = Vec::new();
        for source in self.tier_inheritance.waiting().remove(&tier).unwrap_or_default() {
            // A source tier without runs to do was never asked what it inherits itself, and its own composition depends
            // on that.
            if self.tier_inheritance.waiting().contains_key(&source)
                && let Choice::Nobody(below) = self.choose_winners(source)?
            {
                return Ok(Choice::Nobody(below));
            }
            match self.winner_of(source)? {
                Some(winner) => _ = inherited.sources.insert(source, winner),
                None => nobody.push(source),
            }
        }
        if !nobody.is_empty() {
            return Ok(Choice::Nobody(nobody));
        }
        let winners = inherited.sources.iter().map(|(source, frozen)| (*source, frozen.winner.clone())).collect();
        let place = &self.place;
        self.tier_inheritance.freeze(&place.folder, &place.config, &place.fixture, inherited)?;
        self.apply(Fact::Inherited(tier));
        Ok(Choice::Winners(winners))
    }

    /// The winner of a tier by its committed runs; `None` when no run of an agent is committed.
    fn winner_of(&self, tier: TierId) -> Result<Option<TakenOver>, EngineError> {
        let (folder, counting) = (&self.locked.folder, self.place.grader.counting);
        // A control is no setup of an agent: there is nothing in it that a tier could take over.
        let controls = self.place.fixture.controls();
        let committed = self.progress.committed_in(tier).filter(|run| controls.measures_agent(*run));
        let compared = committed.map(|run| results::compared(folder, run, counting)).collect::<Result<Vec<_>, _>>()?;
        let Some(winner) = winner_among(compared.into_iter().flatten()) else { return Ok(None) };
        let composed = base::composed(&self.locked.folder.repo(), tier, winner.subtest)?;
        Ok(Some(TakenOver { at: clock::now(), winner, planned: self.progress.planned_in(tier), composed }))
    }
}
