//! What requests to models took together, as the gateway saw it: counted one by one, so that no number of them is too large.

use std::collections::BTreeMap;

use super::agent::{MOST_MODELS, ProgramFacts, program_word};
use super::exchange::{Exchange, Passage};
use super::exchanges::Exchanges;
use super::usage::{Cost, CostSource, Tokens, Total, Usage};

/// So many names of models are told apart where answers are counted: no program has more.
const MOST_NAMES: usize = 1000;

/// The sums.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metered {
    /// How many requests there were.
    pub requests: usize,
    /// How many of them were answered, or were being answered until whoever asked went away, and not refused.
    pub answered: usize,
    /// Their tokens, as far as they are known.
    pub tokens: Tokens,
    /// What they cost; each request whose cost is not known, or not all of it, is a part.
    pub cost: Total,
    /// How long they were held back together, in seconds.
    pub held_seconds: f64,
    /// The models of answers, in the order in which they came first, at most [`MOST_MODELS`]: printable, and short. What was
    /// refused, or was not answered, is of none.
    pub models: Vec<String>,
    /// How many answers came whole, for each model.
    whole: BTreeMap<Option<String>, u64>,
    /// Of how many requests whoever asked cannot know either what they cost: they broke off.
    lost: u32,
    /// Whether any request has a status: that of an answer, or of a refusal.
    has_status: bool,
}

impl Metered {
    /// Counts a request.
    pub fn add(&mut self, exchange: &Exchange) {
        let is_answered = matches!(exchange.status, Some(200..300));
        self.requests += 1;
        self.answered += usize::from(is_answered && exchange.passage != Passage::Cut);
        self.has_status |= exchange.status.is_some();
        self.tokens = self.tokens.plus(exchange.tokens);
        self.cost += exchange.cost.into();
        self.held_seconds += exchange.held_seconds;
        let is_whole = exchange.passage == Passage::Whole;
        self.lost = self.lost.saturating_add(u32::from(!is_whole && exchange.cost.usd().is_none()));
        if !is_answered {
            return;
        }
        let word = exchange.model.as_deref().and_then(program_word);
        if let Some(model) = word.filter(|it| self.models.len() < MOST_MODELS && !self.models.contains(it)) {
            self.models.push(model);
        }
        if is_whole {
            let is_known =
                |model: &String| self.whole.len() < MOST_NAMES || self.whole.contains_key(&Some(model.clone()));
            let model = exchange.model.clone().filter(is_known);
            *self.whole.entry(model).or_default() += 1;
        }
    }

    /// Counts requests of which nothing can be read, or could be written down.
    pub fn add_lost(&mut self, requests: usize) {
        let count = u32::try_from(requests).unwrap_or(u32::MAX);
        self.requests = self.requests.saturating_add(requests);
        self.cost.unknown = self.cost.unknown.saturating_add(count);
        self.lost = self.lost.saturating_add(count);
    }

    /// What they took; `None` when no answer came to any.
    #[must_use]
    pub fn usage(&self, reported: Cost) -> Option<Usage> {
        let cost = self.cost(reported).filter(|_| self.has_status)?;
        Some(Usage { tokens: self.tokens, cost })
    }

    /// What they cost; `None` when there were none. Where it is not known of an answer that came whole, whoever asked may know it: what that
    /// has `reported` counts, where it is no less than what was seen.
    #[must_use]
    pub fn cost(&self, reported: Cost) -> Option<Cost> {
        let seen = || Cost::of(self.cost, CostSource::Metered);
        match reported.at_least().filter(|(usd, _)| !self.cost.is_whole() && *usd >= self.cost.known) {
            _ if self.requests == 0 => None,
            Some((known, source)) => {
                let unknown = self.lost.saturating_add(u32::from(reported.usd().is_none()));
                Some(Cost::of(Total { known, unknown, ..Total::ZERO }, source))
            }
            None => Some(seen()),
        }
    }

    /// How many answers came whole of the model that was asked for, or of any where none was: what a program counts as turns.
    #[must_use]
    pub fn answers(&self, told: Option<&str>) -> u64 {
        let is_meant = |model: &Option<String>| {
            let models = ProgramFacts { agent_version: None, agent_models: model.iter().cloned().collect() };
            told.is_none_or(|told| !models.has_another_model_than(told))
        };
        self.whole.iter().filter(|(model, _)| is_meant(model)).map(|(_, count)| count).sum()
    }
}

impl<'a> FromIterator<&'a Exchange> for Metered {
    fn from_iter<I: IntoIterator<Item = &'a Exchange>>(exchanges: I) -> Self {
        let mut all = Self::default();
        exchanges.into_iter().for_each(|exchange| all.add(exchange));
        all
    }
}

impl From<&Exchanges> for Metered {
    fn from(read: &Exchanges) -> Self {
        let mut all: Self = read.all.iter().collect();
        all.add_lost(read.damaged_lines);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::Usd;
    use crate::model::samples::exchange;

    fn usd(dollars: f64) -> Usd {
        Usd::from_dollars(dollars).unwrap()
    }

    fn paid(dollars: f64) -> Exchange {
        let tokens = Tokens { input: Some(10), ..Tokens::default() };
        let cost = Cost::Known { usd: usd(dollars), source: CostSource::Metered };
        Exchange { status: Some(200), passage: Passage::Whole, tokens, cost, ..exchange() }
    }

    fn silent(status: Option<u16>, passage: Passage) -> Exchange {
        Exchange { status, passage, tokens: Tokens::default(), cost: Cost::Unknown, ..exchange() }
    }

    fn cost(exchanges: &[Exchange], reported: Cost) -> Option<Cost> {
        exchanges.iter().collect::<Metered>().cost(reported)
    }

    #[test]
    fn the_models_that_answered_are_those_of_answers_once_and_in_their_order() {
        let of = |status, model: &str| Exchange { model: Some(model.to_owned()), status, ..exchange() };
        let (ok, refused) = (Some(200), Some(529));
        let exchanges =
            [of(refused, "down"), of(None, "gone"), of(ok, "b\u{1b}[2J"), of(ok, "a"), of(ok, "b\u{1b}[2J")];
        assert_eq!(exchanges.iter().collect::<Metered>().models, ["b[2J", "a"]);
        let many: Vec<Exchange> = (0..100).map(|number| of(ok, &number.to_string())).collect();
        assert_eq!(many.iter().collect::<Metered>().models.len(), MOST_MODELS);
    }

    #[test]
    fn what_is_not_known_of_a_request_is_never_nothing_and_takes_nothing_off_what_is_known() {
        let (cut, left) = (silent(Some(200), Passage::Cut), silent(None, Passage::Left));
        let bare = silent(Some(200), Passage::Whole);
        assert_eq!(cost(&[], Cost::Unknown), None);
        for unknown in [&cut, &left, &bare] {
            let one = [unknown.clone()];
            assert_eq!(cost(&one, Cost::Unknown), Some(Cost::Unknown), "{unknown:?}");
            let with = [paid(0.5), unknown.clone(), paid(0.25)];
            let expected = Cost::AtLeast { usd: usd(0.75), source: CostSource::Metered, unknown: 1 };
            assert_eq!(cost(&with, Cost::Unknown), Some(expected), "{unknown:?}");
        }
        let whole = Cost::Known { usd: usd(0.75), source: CostSource::Metered };
        assert_eq!(cost(&[paid(0.5), paid(0.25)], Cost::reported(Some(usd(9.0)))), Some(whole));
    }

    #[test]
    fn whoever_asked_may_know_what_a_whole_answer_cost_and_never_what_a_broken_one_did() {
        let (cut, bare) = (silent(Some(200), Passage::Cut), silent(Some(200), Passage::Whole));
        let reported = Cost::reported(Some(usd(0.75)));
        assert_eq!(cost(&[paid(0.5), bare.clone()], reported), Some(reported));
        let expected = Cost::AtLeast { usd: usd(0.75), source: CostSource::Reported, unknown: 1 };
        assert_eq!(cost(&[paid(0.5), bare.clone(), cut], reported), Some(expected));
        let less = Cost::reported(Some(usd(0.25)));
        let seen = Cost::AtLeast { usd: usd(0.5), source: CostSource::Metered, unknown: 1 };
        assert_eq!(cost(&[paid(0.5), bare], less), Some(seen), "who says less than what was seen does not know it");
    }

    #[test]
    fn a_line_that_cannot_be_read_is_a_request_whose_cost_is_not_known() {
        let line = format!("{}\n", serde_json::to_string(&paid(0.5)).unwrap());
        let read = Exchanges::read(format!("{line}{}", &line[..40]).as_bytes());
        let cost = Metered::from(&read).cost(Cost::Unknown);
        assert_eq!(cost, Some(Cost::AtLeast { usd: usd(0.5), source: CostSource::Metered, unknown: 1 }));
    }
}
