//! The requests of an attempt together: read from the lines of `agent/usage.jsonl`, which of them ask again, and what they come to.

use schemars::JsonSchema;
use serde::Serialize;

use super::exchange::{Exchange, Passage};
use super::ids::{AttemptNumber, JudgeNumber};
use super::naming::family;
use super::usage::{self, Tokens, Total};

/// So many lines that say nothing are named one by one.
const MOST_NAMED: usize = 20;

/// The requests of an attempt, in the order in which they came.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exchanges {
    /// Each of them.
    pub all: Vec<Exchange>,
    /// The first lines that say nothing that can be read.
    pub damaged: Vec<DamagedLine>,
    /// How many such lines there are.
    pub damaged_lines: usize,
}

/// A line that says nothing that can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DamagedLine {
    /// Its number in the file, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub wrong: String,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The model answered, and its answer was passed on to the end.
    Answered,
    /// The provider refused it.
    Refused,
    /// The gateway itself answered that it is not passed on, for a limit.
    Withheld,
    /// The provider broke off, or was not reached.
    Cut,
    /// Whoever asked went away before the end of the answer.
    Left,
}

impl Exchange {
    /// What became of it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match (self.passage, self.status) {
            (Passage::Refused, _) => Outcome::Withheld,
            (_, Some(400..)) => Outcome::Refused,
            (Passage::Whole, Some(_)) => Outcome::Answered,
            (Passage::Left, _) => Outcome::Left,
            (Passage::Cut, _) | (Passage::Whole, None) => Outcome::Cut,
        }
    }

    /// The model's name without its provider and its date.
    #[must_use]
    pub fn family(&self) -> Option<&str> {
        self.model.as_deref().map(family)
    }
}

/// What requests come to.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, JsonSchema)]
pub struct Sum {
    /// How many there are.
    pub requests: usize,
    /// How many were answered, to the end of the answer.
    pub answered: usize,
    /// How many the provider refused.
    pub refused: usize,
    /// How many the gateway itself refused, for a limit.
    pub withheld: usize,
    /// How many answers the provider broke off, or never began.
    pub cut: usize,
    /// How many answers nobody waited for to their end.
    pub left: usize,
    /// How many ask the same model again after a request that was not answered.
    pub retries: usize,
    /// Their tokens.
    #[serde(rename = "token_stats")]
    pub tokens: Tokens,
    /// What they cost.
    #[serde(flatten, with = "usage::total")]
    #[schemars(with = "usage::total::Keys")]
    pub cost: Total,
    /// How long they were held back together, in seconds.
    pub held_seconds: f64,
    /// How long their answers took together, in seconds.
    pub seconds: f64,
}

impl Sum {
    /// What one request comes to.
    #[must_use]
    pub fn of(exchange: &Exchange) -> Self {
        let mut sum = Self::default();
        sum.add(exchange, false);
        sum
    }

    fn add(&mut self, exchange: &Exchange, is_retry: bool) {
        self.requests += 1;
        *match exchange.outcome() {
            Outcome::Answered => &mut self.answered,
            Outcome::Refused => &mut self.refused,
            Outcome::Withheld => &mut self.withheld,
            Outcome::Cut => &mut self.cut,
            Outcome::Left => &mut self.left,
        } += 1;
        self.retries += usize::from(is_retry);
        self.tokens = self.tokens.plus(exchange.tokens);
        self.cost += exchange.cost.into();
        self.held_seconds += exchange.held_seconds;
        self.seconds += exchange.seconds;
    }
}

impl Exchanges {
    /// What these lines say. Lines that say nothing are named and cost no other line.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let mut read = Self::default();
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        for (line, text) in (1..).zip(lines).filter(|(_, text)| !text.trim_ascii().is_empty()) {
            match serde_json::from_slice::<Exchange>(text) {
                Ok(exchange) => read.all.push(exchange),
                Err(_) if !text.ends_with(b"\n") => {
                    read.add_damaged(line, "it is cut off, or is being written".to_owned());
                }
                Err(error) => {
                    // The rest of its message numbers the lines of this line.
                    let wrong = error.to_string();
                    read.add_damaged(line, wrong.split(" at line ").next().unwrap_or_default().to_owned());
                }
            }
        }
        // They are written down as they end.
        read.all.sort_by_key(|exchange| exchange.at);
        read
    }

    fn add_damaged(&mut self, line: usize, wrong: String) {
        self.damaged_lines += 1;
        if self.damaged.len() < MOST_NAMED {
            self.damaged.push(DamagedLine { line, wrong });
        }
    }

    /// For each of them, how many requests for the same model directly before it were not answered: it asks again.
    #[must_use]
    pub fn retries(&self) -> Vec<usize> {
        let mut in_a_row: Vec<(Option<&str>, usize)> = Vec::new();
        let of_one = |exchange: &Exchange, row: &mut usize| {
            let before = *row;
            *row = if exchange.outcome() == Outcome::Answered { 0 } else { before + 1 };
            before
        };
        let mut retries = Vec::with_capacity(self.all.len());
        for exchange in &self.all {
            let family = exchange.family();
            let known = in_a_row.iter().position(|(known, _)| *known == family);
            let place = known.unwrap_or_else(|| {
                in_a_row.push((family, 0));
                in_a_row.len() - 1
            });
            retries.push(of_one(exchange, &mut in_a_row[place].1));
        }
        retries
    }

    /// What they come to.
    #[must_use]
    pub fn sum(&self) -> Sum {
        let mut sum = Sum::default();
        for (exchange, before) in self.all.iter().zip(self.retries()) {
            sum.add(exchange, before > 0);
        }
        sum
    }

    /// The same for each model that was asked, in the order in which they came first; its name is the one that answered, where one did.
    #[must_use]
    pub fn by_model(&self) -> Vec<(Option<&str>, Sum)> {
        let mut sums: Vec<(Option<&Exchange>, Option<&str>, Sum)> = Vec::new();
        for (exchange, before) in self.all.iter().zip(self.retries()) {
            let family = exchange.family();
            let known = sums.iter().position(|(_, known, _)| *known == family);
            let place = known.unwrap_or_else(|| {
                sums.push((None, family, Sum::default()));
                sums.len() - 1
            });
            let (named, _, sum) = &mut sums[place];
            let answers = |known: &Exchange| known.outcome() == Outcome::Answered;
            if named.is_none_or(|named| !answers(named) && answers(exchange)) {
                *named = Some(exchange);
            }
            sum.add(exchange, before > 0);
        }
        sums.into_iter().map(|(named, _, sum)| (named.and_then(|named| named.model.as_deref()), sum)).collect()
    }
}

/// Requests as a table, whose columns are those that say something and have room.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Table {
    /// The titles of its columns.
    pub titles: Vec<&'static str>,
    /// For each of them whether it holds words, not numbers.
    pub of_words: Vec<bool>,
    /// A row for each request, and whether it was answered.
    pub rows: Vec<(Vec<String>, bool)>,
    /// What all of them come to, those too that have no row.
    pub sum: Vec<String>,
    /// How many requests have no row.
    pub more: usize,
    /// What one has to know to read it, a sentence each.
    pub notes: Vec<String>,
}

/// The file in which an attempt's requests are written down.
#[derive(Debug, Clone, PartialEq)]
pub enum Ledger {
    /// It is not there: nothing of the attempt was to pass through the gateway.
    Absent,
    /// It is there, and not read.
    Unreadable(String),
    /// What it says.
    Read(Exchanges),
}

impl Ledger {
    /// What it says; `None` when that is not known.
    #[must_use]
    pub fn read(&self) -> Option<&Exchanges> {
        match self {
            Self::Read(exchanges) => Some(exchanges),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }
}

/// The requests of an attempt of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct OfAttempt {
    /// The attempt; `None` when its folder does not say which one it is.
    pub attempt: Option<AttemptNumber>,
    /// Whether it was set aside.
    pub is_former: bool,
    /// The place of its ledger.
    pub path: String,
    /// What that says.
    pub ledger: Ledger,
}

/// The requests of a judge of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct OfJudge {
    /// The judge.
    pub judge: JudgeNumber,
    /// Whether what it answered was set aside, because it was not valid.
    pub is_former: bool,
    /// The place of its ledger.
    pub path: String,
    /// What that says, which is there.
    pub ledger: Ledger,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::money::Usd;

    fn line(second: u32, model: &str, status: Option<u16>, passage: &str) -> String {
        let tokens = if status == Some(200) { json!({"input_tokens": 10, "output_tokens": 2}) } else { json!({}) };
        let source = if status == Some(200) { "metered" } else { "unknown" };
        let usd = (status == Some(200)).then_some(0.5);
        let line = json!({
            "at": format!("2026-11-23T10:00:{second:02}Z"), "interface": "anthropic", "model": model, "status": status, "passage": passage,
            "tokens": tokens, "cost_usd": usd, "cost_source": source, "held_seconds": 0.25, "seconds": 1.5,
        });
        format!("{line}\n")
    }

    fn read(lines: &[String]) -> Exchanges {
        Exchanges::read(lines.concat().as_bytes())
    }

    #[test]
    fn requests_that_ask_the_same_model_again_are_counted_until_it_answers() {
        let read = read(&[
            line(3, "other", Some(200), "whole"),
            line(1, "p/sonnet", Some(429), "whole"),
            line(2, "sonnet-latest", None, "cut"),
            line(4, "sonnet-20250929", Some(200), "whole"),
            line(5, "sonnet-2025-09-29", Some(403), "refused"),
            line(6, "sonnet@20250929", Some(200), "left"),
            line(7, "sonnet-4", Some(200), "whole"),
        ]);
        assert_eq!(read.retries(), [0, 1, 0, 2, 0, 1, 0]);
        let sum = read.sum();
        let counts = [sum.requests, sum.answered, sum.refused, sum.withheld, sum.cut, sum.left, sum.retries];
        assert_eq!(counts, [7, 3, 1, 1, 1, 1, 3]);
        assert_eq!((sum.tokens.input, sum.held_seconds), (Some(40), 1.75));
        let models: Vec<_> = read.by_model().iter().map(|(name, sum)| (name.unwrap(), sum.requests)).collect();
        assert_eq!(models, [("sonnet-20250929", 5), ("other", 1), ("sonnet-4", 1)]);
    }

    #[test]
    fn of_what_broke_off_before_anything_was_known_the_cost_is_not_known() {
        let sum = read(&[line(1, "m", Some(200), "whole"), line(2, "m", None, "cut")]).sum();
        assert_eq!(sum.cost, Total::from(Usd::from_dollars(0.5).unwrap()) + Total::UNKNOWN);
        let silent = line(1, "m", Some(201), "whole");
        assert_eq!(read(&[silent]).sum().cost, Total::UNKNOWN);
    }

    #[test]
    fn a_line_that_says_nothing_is_named_and_costs_no_other() {
        let whole = line(1, "m", Some(200), "whole");
        let text = format!("{whole}no line\n\n{{\"at\": 5}}\n{whole}{}", &whole[..40]);
        let read = Exchanges::read(text.as_bytes());
        assert_eq!((read.all.len(), read.damaged_lines), (2, 3));
        let lines: Vec<usize> = read.damaged.iter().map(|damaged| damaged.line).collect();
        assert_eq!(lines, [2, 4, 6]);
        assert_eq!(read.damaged[2].wrong, "it is cut off, or is being written");
        let many = Exchanges::read("x\n".repeat(100).as_bytes());
        assert_eq!((many.damaged_lines, many.damaged.len()), (100, MOST_NAMED));
    }
}
