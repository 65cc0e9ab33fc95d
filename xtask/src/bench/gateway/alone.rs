//! A process that is a gateway and nothing else, so that its memory is known.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use scylla::gateway::{Gateway, Passing, Terms};
use scylla::model::allowance::Allowance;
use scylla::model::exchange::GatewayUse;
use scylla::model::ids::ModelName;
use scylla::model::limits::HOLD_SECONDS;
use scylla::model::usage::OwnPrices;

use super::asking::Way;
use super::provider::Provider;
use crate::bench::child;
use crate::bench::flat::megabytes;
use crate::failure::Failure;

/// What the process is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The folder for what passes
    folder: PathBuf,
    /// The address of the provider
    provider: String,
    /// How many attempts ask
    attempts: usize,
}

/// The process, seen from the one that measures.
#[derive(Debug)]
pub(super) struct Alone {
    child: Child,
    /// One for each attempt.
    pub(super) ways: Vec<Way>,
}

impl Alone {
    pub(super) fn start(folder: &Path, provider: &Provider, attempts: usize) -> Result<Self, Failure> {
        fs::create_dir_all(folder).map_err(Failure::file("make", folder))?;
        let failed = |error: io::Error| Failure::Measure { what: "start a gateway", why: error.to_string() };
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.arg("gateway-alone").arg(folder).arg(format!("http://{}", provider.address)).arg(attempts.to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let lines = child.stdout.take().into_iter().flat_map(|it| BufReader::new(it).lines().map_while(Result::ok));
        let ways: Vec<Way> = lines.take(attempts).map(|line| Way::of(&line)).collect();
        let alone = Self { child, ways };
        if alone.ways.len() < attempts {
            return Err(failed(io::Error::other("it named too few addresses")));
        }
        Ok(alone)
    }

    /// The most memory that it had, in megabytes.
    pub(super) fn peak_megabytes(&self) -> Result<f64, Failure> {
        let path = PathBuf::from(format!("/proc/{}/status", self.child.id()));
        let status = fs::read_to_string(&path).map_err(Failure::file("read", &path))?;
        Ok(megabytes(child::peak_in(&status)))
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // It ends when nobody writes to it any more.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Is a gateway until nobody writes to it any more.
pub(crate) fn be(arguments: &Arguments) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::Measure { what: "be a gateway", why: error.to_string() };
    let gateway = Gateway::of(GatewayUse::Meter, Duration::from_secs(HOLD_SECONDS))
        .ok_or_else(|| failed(io::Error::other("there is none")))?;
    let (mut leases, mut out) = (Vec::new(), io::stdout());
    for attempt in 0..arguments.attempts {
        let run = format!("T0/00/{}", attempt + 1).parse().map_err(|error| failed(io::Error::other(error)))?;
        let model = Some(ModelName::new("claude-sonnet-4-5"));
        let terms = Terms {
            run,
            model,
            allowance: Allowance::default(),
            heeds_ceiling: true,
            patience: None,
            prices: OwnPrices::default(),
            passing: Passing::Forgotten,
        };
        let ledger = arguments.folder.join(format!("{attempt}.jsonl"));
        let lease = gateway.lease(&ledger, terms).map_err(failed)?;
        let mut environment = BTreeMap::from([
            ("ANTHROPIC_API_KEY".into(), "sk-none".into()),
            ("ANTHROPIC_BASE_URL".into(), arguments.provider.clone().into()),
        ]);
        lease.redirect(&mut environment, None);
        let own = environment.remove(std::ffi::OsStr::new("ANTHROPIC_BASE_URL")).unwrap_or_default();
        writeln!(out, "{}", own.to_string_lossy()).map_err(failed)?;
        leases.push(lease);
    }
    out.flush().map_err(failed)?;
    io::stdin().read_to_end(&mut Vec::new()).map_err(failed)?;
    for lease in leases {
        lease.end().map_err(|unwritten| failed(unwritten.why))?;
    }
    Ok(())
}
