//! The ceilings of the whole experiment, of its cost and its time: when they are reached, and which costs cannot be limited
//! because they are not known.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use crate::engine::coordinator::Coordinator;
use crate::gateway::{Way, is_given};
use crate::model::agent::Agent;
use crate::model::event::Event;
use crate::model::ids::RunId;
use crate::model::money::Usd;
use crate::model::sandbox::Network;
use crate::model::usage::Total;
use crate::rules::facts::Fact;

impl Coordinator<'_> {
    /// Starts nothing more: another run could exceed the ceiling.
    pub(super) fn reach_budget(&mut self, expected: Usd, ceiling: Usd) {
        self.apply(Fact::BudgetReached);
        let (spent, assumed) = (self.state.spent(), self.state.assumed());
        self.emit(&Event::BudgetReached { spent, assumed, expected, ceiling });
    }

    /// Starts nothing more: the experiment was worked on for as long as it may be.
    pub(super) fn reach_time(&mut self, limit: Duration) {
        self.apply(Fact::TimeReached);
        let (worked_seconds, in_flight) = (self.worked().as_secs_f64(), self.state.in_flight());
        self.emit(&Event::TimeReached { worked_seconds, max_time_seconds: limit.as_secs(), in_flight });
    }

    /// Reports at the start which costs the ceiling cannot limit.
    pub(super) fn report_what_is_not_limited(&mut self, inherited: &BTreeMap<OsString, OsString>) {
        let silent = self.state.spent().unknown;
        let owes_none =
            |run| self.place.subtest(run).is_some_and(|subtest| self.hides_its_cost(&subtest.agent, inherited));
        let why = match silent {
            0 if self.progress.to_do().any(owes_none) => "agents that owe no record may not say what they cost",
            0 => return,
            1 => "one agent or judge did not say what it cost",
            _ => "agents or judges did not say what they cost",
        };
        let why = if silent > 1 { format!("{silent} {why}") } else { why.to_owned() };
        self.report_ceiling(&why);
    }

    /// Whether an agent may keep to itself what it costs: nobody makes it say so, and the gateway does not see it.
    fn hides_its_cost(&self, agent: &Agent, inherited: &BTreeMap<OsString, OsString>) -> bool {
        let (place, config) = (&self.place, &self.place.config);
        let network = config.sandbox.as_ref().map_or(Network::Open, |sandbox| sandbox.network);
        let asked = (config.gateway_use(), network);
        let given = place.fixture.variables_given_to(agent);
        let has = |name: &str| is_given(agent, &given, inherited, name);
        let is_metered = || matches!(Way::of(agent, place.model(), asked, has), Some(Way::Through(_)));
        agent.may_hide_its_cost() && config.replay.is_none() && !is_metered()
    }

    /// Reports the first cost that is not known: `before` is what was spent without the run.
    pub(super) fn report_first_unknown(&mut self, run: RunId, before: Total) {
        if before.is_whole() && !self.state.spent().is_whole() {
            let why = format!("what {run} cost is not known");
            // How such an attempt counts is reported only once.
            if self.ceiling_reported {
                self.emit(&Event::Notice { message: why });
            } else {
                self.report_ceiling(&why);
            }
        }
    }

    fn report_ceiling(&mut self, why: &str) {
        let Some(ceiling) = self.limits.max_cost else { return };
        self.ceiling_reported = true;
        let message = format!(
            "{why}: the ceiling of {ceiling} cannot hold what is not known; each such attempt counts as the dearest run of \
             its tier of which something is known, and as nothing while there is none"
        );
        self.emit(&Event::Notice { message });
    }
}
