//! The door of one program that has no network: by it the program reaches its model through the gateway, and the hosts that the fixture
//! names. Each connection to such a host, and each that was refused, is written down.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::account::door;
use super::lease::{Lease, NO_PROXY};
use super::{Desk, Gateway, refused};
use crate::model::connection::{Connection, LeftOut};
use crate::model::hosts::{AllowedHost, Host, may_lead_to};
use crate::os::clock;
use crate::os::relay::{self, Admission, Asked, Exit, Gate, Trouble};

/// The variables that name the proxy of programs.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
/// Those that name one for everything, which would be another one.
const OTHER_PROXIES: [&str; 2] = ["ALL_PROXY", "all_proxy"];
/// The hosts that no proxy leads to: the program's own.
const OWN_HOSTS: &str = "127.0.0.1,localhost,::1";
/// So many connections are written down; of the others it is said how many there were.
const MOST_LINES: u64 = 10_000;
/// So long it is waited for connections that break off because the program is gone.
const QUIET_WITHIN: Duration = Duration::from_secs(10);

/// A door, until it is closed.
#[derive(Debug)]
pub struct Door {
    outer: relay::Door,
    way: Arc<WayOut>,
}

/// Admits what belongs to one attempt.
pub(super) struct Own {
    pub desk: Arc<Desk>,
    /// The token of the attempt; `None` of a program that asks no model.
    pub token: Option<String>,
}

impl Gate for Own {
    fn admit(&self, asked: &Asked<'_>) -> Admission {
        let path = asked.path.strip_prefix('/').unwrap_or(asked.path);
        let token = path.split('/').next().unwrap_or_default();
        if self.token.as_deref() != Some(token) {
            return refused(401, "this address does not belong to the attempt that asks");
        }
        self.desk.admit(asked)
    }
}

/// The hosts that are let through, and the record of what was.
#[derive(Debug)]
struct WayOut {
    allowed: Vec<AllowedHost>,
    record: Mutex<Record>,
    fewer: Condvar,
}

/// `connections.jsonl`.
#[derive(Debug)]
struct Record {
    path: PathBuf,
    /// Made with the first line.
    file: Option<File>,
    /// How many connections are under way.
    under_way: usize,
    lines: u64,
    left_out: u64,
    trouble: Option<io::Error>,
    /// Whether it is complete: then its attempt may be sealed.
    is_closed: bool,
}

impl Gateway {
    /// Makes a door for the program of a lease, or for one that asks no model. It lets the program out to the hosts that are `allowed`;
    /// what it was let out for is appended to the file `record`.
    ///
    /// # Errors
    /// When no socket or thread can be had, or a variable names a proxy that cannot be used.
    pub fn door(&self, lease: Option<&Lease>, allowed: &[AllowedHost], record: &Path) -> io::Result<Door> {
        let gate = Own { desk: Arc::clone(&self.desk), token: lease.map(|lease| lease.token().to_owned()) };
        let way = Arc::new(WayOut {
            allowed: allowed.to_vec(),
            record: Mutex::new(Record::new(record)),
            fewer: Condvar::new(),
        });
        let outer = self.with_relay(|relay| relay.door(Arc::new(gate), Arc::clone(&way) as Arc<dyn Exit>))?;
        Ok(Door { outer, way })
    }
}

impl Door {
    /// Where our own program hands its socket over inside of the sandbox.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn inner(&self) -> io::Result<OwnedFd> {
        self.outer.inner()
    }

    /// Leads the programs that get these variables to the door, for hosts beside their model. Proxies of this machine are out of their reach:
    /// the door goes through them.
    pub fn lead(&self, environment: &mut BTreeMap<OsString, OsString>) {
        for name in PROXIES.iter().chain(&OTHER_PROXIES) {
            environment.remove(OsStr::new(name));
        }
        if self.way.allowed.is_empty() {
            return;
        }
        for name in PROXIES {
            environment.insert(name.into(), format!("http://{}", door()).into());
        }
        for name in NO_PROXY {
            environment.insert(name.into(), OWN_HOSTS.into());
        }
    }

    /// Closes it when the program is gone. Gives whether the program had reached it.
    ///
    /// # Errors
    /// When a connection could not be written down.
    pub fn close(self) -> io::Result<bool> {
        let Self { outer, way } = self;
        let was_open = outer.is_open();
        drop(outer);
        way.end()?;
        Ok(was_open)
    }
}

impl WayOut {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, for a while, for connections that break off, and makes the record durable.
    fn end(&self) -> io::Result<()> {
        let record = self.record();
        let waited = self.fewer.wait_timeout_while(record, QUIET_WITHIN, |record| record.under_way > 0);
        waited.unwrap_or_else(PoisonError::into_inner).0.end()
    }
}

impl Exit for WayOut {
    fn may_ask(&self, host: &str, port: u16) -> Result<(), String> {
        let asked = Host::read(host);
        if asked.is_some_and(|asked| self.allowed.iter().any(|allowed| allowed.admits(&asked, port))) {
            return Ok(());
        }
        Err(format!("`{host}:{port}` is none of the hosts that this task may reach (`network.allow`)"))
    }

    fn may_lead_to(&self, address: SocketAddr) -> bool {
        may_lead_to(&self.allowed, address.ip(), address.port())
    }

    fn begins(&self) {
        self.record().under_way += 1;
    }

    fn ends(&self, connection: relay::Connection) {
        let relay::Connection { host, port, began, trouble, sent, received } = connection;
        let took = began.worked();
        let at = clock::now();
        let at = jiff::SignedDuration::try_from(took).ok().and_then(|took| at.checked_sub(took).ok()).unwrap_or(at);
        let allowed = !matches!(trouble, Some(Trouble::Refused(_)));
        let why = trouble.map(|(Trouble::Refused(why) | Trouble::Unreached(why))| why);
        let seconds = took.as_secs_f64();
        let line = Connection { at, host, port, allowed, why, sent_bytes: sent, received_bytes: received, seconds };
        let mut record = self.record();
        record.under_way = record.under_way.saturating_sub(1);
        record.add(&line.shortened());
        self.fewer.notify_all();
    }
}

impl Record {
    fn new(path: &Path) -> Self {
        let path = path.to_owned();
        Self { path, file: None, under_way: 0, lines: 0, left_out: 0, trouble: None, is_closed: false }
    }

    /// Adds a line. It is durable when the record ends: until then nothing rests on it.
    fn add(&mut self, connection: &Connection) {
        if self.is_closed {
            return;
        }
        if self.lines == MOST_LINES {
            self.left_out += 1;
            return;
        }
        self.lines += 1;
        self.write(serde_json::to_vec(connection));
    }

    fn write(&mut self, line: serde_json::Result<Vec<u8>>) {
        let written = line.map_err(io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            if self.file.is_none() {
                self.file = Some(OpenOptions::new().create(true).append(true).open(&self.path)?);
            }
            self.file.as_mut().map_or(Ok(()), |file| file.write_all(&line))
        });
        if let Err(error) = written {
            self.trouble.get_or_insert(error);
        }
    }

    /// Nothing is added any more.
    fn end(&mut self) -> io::Result<()> {
        if self.left_out > 0 && !self.is_closed {
            self.write(serde_json::to_vec(&LeftOut { left_out: self.left_out }));
        }
        self.is_closed = true;
        match (self.trouble.take(), &self.file) {
            (Some(error), _) => Err(error),
            (None, Some(file)) => file.sync_all(),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn connections_are_written_down_up_to_a_number_and_of_the_others_it_is_said_how_many() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("connections.jsonl");
        let mut record = Record::new(&path);
        record.end().unwrap();
        assert!(!path.exists(), "where nothing was asked for there is no file");
        let mut record = Record::new(&path);
        let connection = Connection {
            at: clock::now(),
            host: "x".repeat(100_000),
            port: 443,
            allowed: true,
            why: None,
            sent_bytes: 1,
            received_bytes: 2,
            seconds: 0.5,
        };
        let connection = connection.shortened();
        for _ in 0..MOST_LINES + 3 {
            record.add(&connection);
        }
        record.end().unwrap();
        record.add(&connection);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.len() < 5 << 20, "{}", text.len());
        assert_eq!((text.lines().count() as u64, text.lines().last()), (MOST_LINES + 1, Some("{\"left_out\":3}")));
        let first: Connection = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(first, connection);
    }
}
