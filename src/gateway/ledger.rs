//! `agent/usage.jsonl`: what every request of an attempt took, a line each, durable before the agent goes on.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::model::exchange::Exchange;
use crate::model::usage::{Cost, CostSource, Usage};

/// So many exchanges are kept in memory: no attempt asks more often within its time.
const MOST_KEPT: usize = 100_000;

/// The file, and what was written to it.
#[derive(Debug)]
pub(super) struct Ledger {
    file: File,
    kept: Vec<Exchange>,
    used: Usage,
    trouble: Option<io::Error>,
    /// Whether it is complete: then its attempt may be sealed.
    is_closed: bool,
}

impl Ledger {
    /// Makes the file.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file, kept: Vec::new(), used: Usage::NOTHING, trouble: None, is_closed: false })
    }

    /// Adds a line. A failure is kept for whoever asks: the answer is paid, so it goes on to the agent.
    pub(super) fn add(&mut self, exchange: Exchange) {
        if self.is_closed {
            return;
        }
        let written = serde_json::to_vec(&exchange).map_err(io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            self.file.write_all(&line)?;
            self.file.sync_data()
        });
        if let Err(error) = written {
            self.trouble.get_or_insert(error);
        }
        let usd = self.used.cost.usd().into_iter().chain(exchange.cost.usd()).sum();
        let cost = Cost::Known { usd, source: CostSource::Metered };
        self.used = Usage { tokens: self.used.tokens.plus(exchange.tokens), cost };
        if self.kept.len() < MOST_KEPT {
            self.kept.push(exchange);
        }
    }

    /// What is known to be used.
    pub(super) fn used(&self) -> Usage {
        self.used
    }

    /// Nothing is added any more. Gives what was written down, or an error where a line could not be.
    pub(super) fn end(&mut self) -> io::Result<Vec<Exchange>> {
        self.is_closed = true;
        match self.trouble.take() {
            Some(error) => Err(error),
            None => Ok(std::mem::take(&mut self.kept)),
        }
    }
}
