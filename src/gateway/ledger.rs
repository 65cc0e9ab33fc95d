//! `agent/usage.jsonl`: what every request of an attempt took, a line each, durable before the agent goes on.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::model::exchange::Exchange;
use crate::model::metered::Metered;

/// So many exchanges are kept in memory, the last ones: all are in the file, and in the sums.
const MOST_KEPT: usize = 1000;

/// The file, and what was written to it.
#[derive(Debug)]
pub(super) struct Ledger {
    file: File,
    kept: VecDeque<Exchange>,
    used: Metered,
    trouble: Option<io::Error>,
    /// How many exchanges could not be written down.
    unwritten: usize,
    /// Whether it is complete: then its attempt may be sealed.
    is_closed: bool,
}

/// What was written to a ledger that is complete.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// The last exchanges.
    pub(super) last: Vec<Exchange>,
    /// What all of them took.
    pub(super) used: Metered,
}

/// Exchanges that could not be written down.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Unwritten {
    /// Why.
    #[source]
    pub why: io::Error,
    /// How many.
    pub exchanges: usize,
}

impl Ledger {
    /// Makes the file.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self {
            file,
            kept: VecDeque::new(),
            used: Metered::default(),
            trouble: None,
            unwritten: 0,
            is_closed: false,
        })
    }

    /// Adds a line. A failure is kept for whoever asks: the answer is paid, so it goes on to the agent, but no further request does.
    pub(super) fn add(&mut self, exchange: Exchange) {
        if self.is_closed {
            return;
        }
        let written = serde_json::to_vec(&exchange).map_err(io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            self.file.write_all(&line)?;
            self.file.sync_data()
        });
        self.used.add(&exchange);
        if let Err(error) = written {
            self.trouble.get_or_insert(error);
            self.unwritten += 1;
        }
        if self.kept.len() == MOST_KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(exchange);
    }

    /// What is known to be used.
    pub(super) fn used(&self) -> &Metered {
        &self.used
    }

    /// Whether a line could not be written.
    pub(super) fn is_in_trouble(&self) -> bool {
        self.trouble.is_some()
    }

    /// Nothing is added any more. Gives what was written down, or an error where a line could not be.
    pub(super) fn end(&mut self) -> Result<Written, Unwritten> {
        self.is_closed = true;
        match self.trouble.take() {
            Some(why) => Err(Unwritten { why, exchanges: self.unwritten }),
            None => Ok(Written { last: std::mem::take(&mut self.kept).into(), used: std::mem::take(&mut self.used) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::Usd;
    use crate::model::samples::exchange;
    use crate::model::usage::{Cost, CostSource, Tokens, Total};

    #[test]
    fn the_sums_are_those_of_every_exchange_and_the_last_ones_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(&folder.path().join("usage.jsonl")).unwrap();
        let free = Exchange { tokens: Tokens::NOTHING, cost: Cost::NOTHING, ..exchange() };
        for _ in 0..MOST_KEPT {
            ledger.add(free.clone());
        }
        let tokens = Tokens { input: Some(7), ..Tokens::NOTHING };
        let cost = Cost::of(Total::from(Usd::from_dollars(0.5).unwrap()), CostSource::Metered);
        let paid = Exchange { status: Some(200), tokens, cost, ..exchange() };
        ledger.add(paid.clone());
        ledger.add(paid.clone());
        let Written { last, used } = ledger.end().unwrap();
        assert_eq!((last.len(), last.last()), (MOST_KEPT, Some(&paid)));
        assert_eq!((used.requests, used.tokens.input), (MOST_KEPT + 2, Some(14)));
        assert_eq!(used.cost.to_string(), "$1.00");
    }
}
