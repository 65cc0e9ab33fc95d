//! What an agent may use: its output is read as it comes, and an agent that has used more is ended; and what came of the limits
//! that the kernel keeps.

use crate::engine::worker::stages::Work;
use crate::engine::worker::stages::priced::priced;
use crate::gateway::{Exchanged, Recall};
use crate::model::agent::{Agent, Output, Reader};
use crate::model::allowance::{Allowance, Exceeded};
use crate::model::flag::Flag;
use crate::model::outcome::AgentEnd;
use crate::model::result::AgentResult;
use crate::model::usage::OwnPrices;
use crate::os::clock;
use crate::os::process::{End, Ended, OutputWatch, Pulse};

/// The number of SIGKILL: by it the kernel ends a program when memory runs out, and a shell reports it for its child.
pub(super) const KILL: i32 = 9;
/// The exit code of such a shell.
pub(super) const KILLED_BY_CODE: i32 = 128 + KILL;

/// Whether the kernel ended a process of a program because the program's limit of memory was reached.
pub(super) fn was_over_memory(ended: &Ended) -> bool {
    ended.used.is_some_and(|used| used.ended_for_memory > 0)
}

/// Whether it ended the program itself so.
pub(super) fn is_ended_for_memory(ended: &Ended) -> bool {
    matches!(ended.end, End::Exited(KILLED_BY_CODE) | End::Signaled(KILL)) && was_over_memory(ended)
}

/// Looks at an agent while it works.
#[derive(Debug)]
struct Watched {
    reader: Option<Box<dyn Reader>>,
    allowance: Allowance,
    model: Option<String>,
    prices: OwnPrices,
    recall: Option<Recall>,
}

impl Watched {
    fn exceeded(&self) -> Option<Exceeded> {
        let reading = self.reader.as_ref()?.reading(clock::now())?;
        let usage = priced(reading.usage, &reading.requests, self.model.as_deref(), &self.prices).usage;
        self.allowance.exceeded(&usage, reading.turns)
    }
}

impl OutputWatch for Watched {
    fn must_end(&mut self, written: &[u8]) -> bool {
        if let Some(reader) = &mut self.reader {
            reader.feed(Output::Stdout, written);
        }
        self.exceeded().is_some()
    }

    fn pulse(&self) -> Pulse {
        match &self.recall {
            Some(recall) if recall.is_due() => Pulse::Over,
            Some(recall) if recall.is_held() => Pulse::Held,
            _ => Pulse::Quiet,
        }
    }
}

impl Work<'_> {
    /// Who looks at an agent of this kind: when it is limited and tells what it uses while it works, or asks its models by a lease.
    pub(super) fn watch(&self, agent: &Agent, recall: Option<Recall>) -> Option<Box<dyn OutputWatch>> {
        let allowance = self.place.config.allowance();
        let reader = agent.reader().filter(|reader| !allowance.is_unlimited() && reader.reports_as_it_works());
        if reader.is_none() && recall.is_none() {
            return None;
        }
        let (model, prices) =
            (self.place.assigned_model(self.run).map(str::to_owned), self.place.config.prices.clone());
        Some(Box::new(Watched { reader, allowance, model, prices, recall }))
    }

    /// Notes which limit the agent exceeded, however it ended: at the gateway, which refused it there, or by what it used. One that ended by itself
    /// beyond a limit ended over its budget, too: all agents are measured by the same limits, whether they tell what they use while they work
    /// or only at their end.
    pub(super) fn note_exceeded(
        &self,
        reader: Option<&dyn Reader>,
        exchanged: Option<&Exchanged>,
        result: &mut AgentResult,
    ) {
        let refused = exchanged.and_then(|exchanged| exchanged.exceeded);
        let turns = reader.and_then(|reader| reader.reading(clock::now())).and_then(|reading| reading.turns);
        // Some programs do not say how often their model answered.
        let seen = || exchanged.map(|it| it.used.answers(self.place.assigned_model(self.run)));
        let turns = turns.or_else(seen);
        let allowance = self.place.config.allowance();
        // A program that keeps a limit itself ends at it, and not beyond it.
        let kept = || allowance.reached(&result.usage, turns).filter(|_| result.end == AgentEnd::OverBudget);
        let exceeded = refused.or_else(|| allowance.exceeded(&result.usage, turns)).or_else(kept);
        let Some(exceeded) = exceeded else { return };
        // Whatever else ended it, what it used is more than it may: a model that refuses is paid, too.
        result.exceeded = Some(exceeded);
        let is_by_itself = matches!(result.end, AgentEnd::Finished | AgentEnd::OverBudget);
        // Whoever is refused has nothing more to wait for.
        if is_by_itself || refused.is_some() {
            result.end = AgentEnd::OverBudget;
        }
        self.notice(&format!("the agent ended over a limit: {exceeded}"));
    }

    /// Notes what an agent used of the machine, and which limits that the kernel keeps it came to.
    pub(super) fn note_resources(&self, ended: &Ended, result: &mut AgentResult) {
        result.isolation = Some(self.place.isolation(ended.used));
        if was_over_memory(ended) {
            result.flags.insert(Flag::MemoryLimit);
        }
        if ended.used.is_some_and(|used| used.refused_processes > 0) {
            result.flags.insert(Flag::ProcessLimit);
        }
        if let Some(exceeded) = self.memory_exceeded(ended).filter(|_| is_ended_for_memory(ended)) {
            result.exceeded = Some(exceeded);
            self.notice(&format!("the agent ended over a limit: {exceeded}"));
        }
    }

    /// The limit of memory that a program exceeded, if it did.
    pub(super) fn memory_exceeded(&self, ended: &Ended) -> Option<Exceeded> {
        let most = self.place.config.max_memory.filter(|_| was_over_memory(ended))?;
        Some(Exceeded::Memory { most: most.bytes() })
    }
}
