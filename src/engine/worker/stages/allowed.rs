//! What an agent may use: its output is read as it comes, and an agent that has used more is ended.

use crate::engine::worker::stages::Work;
use crate::engine::worker::stages::priced::priced;
use crate::model::agent::{Agent, Output, Reader};
use crate::model::allowance::{Allowance, Exceeded};
use crate::model::outcome::AgentEnd;
use crate::model::result::AgentResult;
use crate::model::usage::OwnPrices;
use crate::os::clock;
use crate::os::process::OutputWatch;

/// Reads what an agent writes while it works.
#[derive(Debug)]
struct Watched {
    reader: Box<dyn Reader>,
    allowance: Allowance,
    model: Option<String>,
    prices: OwnPrices,
}

impl Watched {
    fn exceeded(&self) -> Option<Exceeded> {
        let reading = self.reader.reading(clock::now())?;
        let usage = priced(reading.usage, self.model.as_deref(), &self.prices).usage;
        self.allowance.exceeded(&usage, reading.turns)
    }
}

impl OutputWatch for Watched {
    fn must_end(&mut self, written: &[u8]) -> bool {
        self.reader.feed(Output::Stdout, written);
        self.exceeded().is_some()
    }
}

impl Work<'_> {
    /// Who reads what an agent of this kind writes, when it is limited and tells what it uses while it works.
    pub(super) fn watch(&self, agent: &Agent) -> Option<Box<dyn OutputWatch>> {
        let allowance = self.place.config.allowance();
        let reader = agent.reader().filter(|reader| !allowance.is_unlimited() && reader.reports_as_it_works())?;
        let (model, prices) = (self.place.model().map(str::to_owned), self.place.config.prices.clone());
        Some(Box::new(Watched { reader, allowance, model, prices }))
    }

    /// Notes which limit the agent exceeded. One that ended by itself beyond a limit ended over its budget, too: all agents are
    /// measured by the same limits, whether they tell what they use while they work or only at their end.
    pub(super) fn note_exceeded(&self, reader: &dyn Reader, result: &mut AgentResult) {
        let turns = reader.reading(clock::now()).and_then(|reading| reading.turns);
        let Some(exceeded) = self.place.config.allowance().exceeded(&result.usage, turns) else { return };
        if matches!(result.end, AgentEnd::Finished | AgentEnd::OverBudget) {
            (result.end, result.exceeded) = (AgentEnd::OverBudget, Some(exceeded));
            self.notice(&format!("the agent ended over a limit: {exceeded}"));
        }
    }
}
