//! What our own program does in a judge's place: it asks the model that its argument names what its standard input says, and writes
//! an answer. It is started by a worker, and no person types it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read as _, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::config;
use crate::judge::asking::{self, Reply};
use crate::judge::endpoint::{Addressed, Endpoint};
use crate::judge::trouble::Trouble;
use crate::os::clock;
use crate::os::http::{self, Post};

/// Most bytes of one reply.
const MOST_REPLY: u64 = 4 << 20;

/// Asks, and writes the answer to `out`. `arguments` follow the command's word.
///
/// # Errors
/// Why there is none.
pub fn answer(arguments: &[OsString], out: &mut dyn Write) -> Result<(), String> {
    let endpoint = arguments.first().and_then(|argument| argument.to_str()).unwrap_or_default();
    let endpoint: Endpoint =
        serde_json::from_str(endpoint).map_err(|error| format!("no endpoint is named: {error}"))?;
    let variables: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let fixture = variables.get("SCYLLA_FIXTURE").map(PathBuf::from).ok_or("`SCYLLA_FIXTURE` is not set")?;
    let fixture = config::fixture::load(&fixture).map_err(|_| "the fixture cannot be read")?;
    let mut prompt = String::new();
    io::stdin().read_to_string(&mut prompt).map_err(|error| format!("the prompt cannot be read: {error}"))?;

    let mut kept = Kept { out, replies: 0 };
    kept.begin(&endpoint)?;
    let (outcome, tokens) = match endpoint.addressed(&variables) {
        Ok(addressed) => {
            let mut asker = Asker { addressed, began: Instant::now(), seconds: endpoint.timeout_seconds };
            asking::ask(&endpoint, &fixture.rubric, &prompt, &mut |body| {
                let reply = asker.post(body)?;
                // A reply that cannot be kept is still an answer.
                let _ = kept.reply(&reply);
                Ok(reply)
            })
        }
        Err(error) => (asking::Outcome::Kept(Trouble::auth(error.to_string())), crate::model::usage::Tokens::default()),
    };
    kept.end(&outcome, &tokens)
}

/// Who sends the requests, within one time limit for all of them.
struct Asker {
    addressed: Addressed,
    began: Instant,
    seconds: u64,
}

impl Asker {
    fn post(&mut self, body: &Value) -> Result<Reply, Trouble> {
        let limit = Duration::from_secs(self.seconds);
        let left = limit.saturating_sub(self.began.elapsed()).max(Duration::from_secs(1));
        let Addressed { url, headers } = &self.addressed;
        let body = body.to_string();
        let reply = http::post(&Post { url, headers, body: body.as_bytes(), timeout: left, most_bytes: MOST_REPLY });
        let http::Reply { status, headers, body } = reply.map_err(|error| {
            let host = url.split('/').nth(2).unwrap_or_default();
            let host = host.rsplit('@').next().unwrap_or_default();
            Trouble::provider(format!("the provider at {host} does not answer: {error}"))
        })?;
        Ok(Reply { status, headers, body, at: clock::now() })
    }
}

/// The answer as it is written: one JSON object. Raw replies are written as they come, so that one is not lost when the next
/// question is stopped.
struct Kept<'a> {
    out: &'a mut dyn Write,
    replies: u32,
}

impl Kept<'_> {
    fn begin(&mut self, endpoint: &Endpoint) -> Result<(), String> {
        self.write(&format!("{{\"api\": {}, \"model\": {}, \"replies\": [", json!(endpoint.api), json!(endpoint.model)))
    }

    fn reply(&mut self, reply: &Reply) -> Result<(), String> {
        let before = if self.replies == 0 { "\n" } else { ",\n" };
        self.replies += 1;
        let raw = json!({"status": reply.status, "body": String::from_utf8_lossy(&reply.body)});
        self.write(&format!("{before}{raw}"))
    }

    fn end(&mut self, outcome: &asking::Outcome, tokens: &crate::model::usage::Tokens) -> Result<(), String> {
        let keys = asking::kept(outcome, tokens);
        let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{}: {value}", json!(key))).collect();
        self.write(&format!("\n],\n{}}}\n", keys.join(",\n")))
    }

    fn write(&mut self, text: &str) -> Result<(), String> {
        let written = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        written.map_err(|error| format!("the answer cannot be written: {error}"))
    }
}
