//! What our own program does in the place of a judge that asks through an agent program: it starts that program with what its standard
//! input says as the prompt, and writes what it prints and what follows from that. It is started by a worker, and no person types it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::config::fixture;
use crate::judge::asking;
use crate::judge::asking::through::{From, LastWords, Order, Printed, RUBRIC, ask, last_words, trouble, used};
use crate::judge::trouble::Trouble;
use crate::model::agent::{Agent, AgentStart, Assignment, EndedAgent, Output, Paths};
use crate::model::allowance::Allowance;
use crate::model::ids::{AttemptNumber, RunId, RunNumber, SubtestId, TierId};
use crate::model::limits::OUTPUT_BYTES;
use crate::model::outcome::AgentEnd;
use crate::model::setup::Setup;
use crate::os::process::{End, listen_to};
use crate::os::{clock, files, program};

/// Most bytes of one line that are kept as one piece.
const MOST_LINE: u64 = 4 << 20;

/// Asks, and writes the answer to `out`. `arguments` follow the command's word.
///
/// # Errors
/// Why there is none.
pub fn answer(arguments: &[OsString], out: &mut dyn Write) -> Result<(), String> {
    let order = arguments.first().and_then(|argument| argument.to_str()).unwrap_or_default();
    let order: Order = serde_json::from_str(order).map_err(|error| format!("no agent is named: {error}"))?;
    let agent = fixture::agent_of(&Value::Object(order.agent).to_string()).map_err(|mistakes| {
        let first = mistakes.first().map(ToString::to_string).unwrap_or_default();
        format!("the agent cannot be read{first}")
    })?;
    let place = std::env::current_dir().map_err(|error| format!("there is no folder to work in: {error}"))?;
    let rubric = fs::read(place.join(RUBRIC)).map_err(|error| format!("the rubric cannot be read: {error}"))?;
    let rubric = serde_json::from_slice(&rubric).map_err(|error| format!("the rubric cannot be read: {error}"))?;
    let mut prompt = String::new();
    io::stdin().read_to_string(&mut prompt).map_err(|error| format!("the prompt cannot be read: {error}"))?;
    let mut asker = Asker { agent: &agent, model: order.model, place, kept: Kept { out, bytes: Vec::new() } };
    asker.kept.write(&format!("{{\"agent\": {}, \"printed\": [", json!(agent.kind().name)))?;
    let outcome = ask(&rubric, &prompt, &mut |question, text| asker.put(question, text));
    asker.kept.end(&agent, &outcome)
}

/// Who starts the program.
struct Asker<'a> {
    agent: &'a Agent,
    model: Option<String>,
    /// The folder that everything is made in.
    place: PathBuf,
    kept: Kept<'a>,
}

impl Asker<'_> {
    /// Asks one question. Gives the last words, or why there are none.
    fn put(&mut self, question: u32, prompt: &str) -> Result<LastWords, Trouble> {
        let broken = |why: String| Trouble { kind: None, message: why, retry_at: None };
        let files =
            self.make(question, prompt).map_err(|error| broken(format!("its files cannot be made: {error}")))?;
        let agent = self.agent;
        let Some(mut reader) = agent.reader() else { return Err(broken("its program prints nothing".to_owned())) };
        let (argv, environment) = self.command(&files, prompt).map_err(broken)?;
        let stderr = File::create(&files.stderr).map_err(|error| broken(error.to_string()))?;
        let started = listen_to(&argv, &environment, &files.paths.workspace, stderr);
        let (output, wait) = started.map_err(|error| {
            broken(format!(
                "`{}` cannot be started: {error}",
                argv.first().cloned().unwrap_or_default().to_string_lossy()
            ))
        })?;
        let mut output = BufReader::new(output);
        let mut stdout = Vec::new();
        loop {
            let mut line = Vec::new();
            let read = output.by_ref().take(MOST_LINE).read_until(b'\n', &mut line);
            if !matches!(read, Ok(1..)) {
                break;
            }
            self.kept.printed(question, From::Stdout, &line);
            reader.feed(Output::Stdout, &line);
            if (stdout.len() + line.len()) as u64 <= OUTPUT_BYTES {
                stdout.append(&mut line);
            }
        }
        let ended = match wait() {
            Ok(End::Exited(code)) => EndedAgent::Exited(code),
            Ok(End::Signaled(signal)) => EndedAgent::Signaled(signal),
            Ok(_) | Err(_) => return Err(broken("how its program ended is not known".to_owned())),
        };
        let stderr = files::read_start(&files.stderr, MOST_LINE).ok().flatten().unwrap_or_default();
        let _ = io::stderr().write_all(&stderr);
        let record = files::read_start(&files.paths.record_file, OUTPUT_BYTES).ok().flatten().unwrap_or_default();
        for (output, from, bytes) in [(Output::Stderr, From::Stderr, &stderr), (Output::Record, From::Record, &record)]
        {
            if reader.wants().contains(&output) && !bytes.is_empty() {
                self.kept.printed(question, from, bytes);
                reader.feed(output, bytes);
            }
        }
        let outcome = reader.outcome(ended, clock::now()).map_err(|failure| trouble(&failure))?;
        if outcome.end != AgentEnd::Finished {
            return Ok(Err(format!("its program {}", outcome.end.verb())));
        }
        let told_in = agent.steps().map(|steps| steps.output);
        Ok(last_words(agent, if told_in == Some(Output::Record) { &record } else { &stdout }))
    }

    /// What one question needs: the file with the prompt, and an empty folder to work in.
    fn make(&self, question: u32, prompt: &str) -> io::Result<Files> {
        let own = self.place.join(format!("question-{question}"));
        let workspace = own.join("empty");
        fs::create_dir_all(&workspace)?;
        let prompt_file = own.join("prompt.md");
        fs::write(&prompt_file, prompt)?;
        let (fixture, record_file) = (self.place.clone(), own.join("last.json"));
        let paths = Paths { workspace, prompt_file, record_file, fixture, solution: None };
        Ok(Files { stderr: own.join("stderr.log"), paths })
    }

    fn command(&self, files: &Files, prompt: &str) -> Result<(Vec<OsString>, BTreeMap<OsString, OsString>), String> {
        let given = std::env::vars_os().filter(|(name, _)| !name.to_string_lossy().starts_with("SCYLLA_"));
        let setup = Setup::default();
        let assignment = Assignment {
            setup: &setup,
            run: RunId { tier: TierId(0), subtest: SubtestId(0), run: RunNumber::FIRST },
            attempt: AttemptNumber(1),
            model: self.model.as_deref(),
            prompt,
            thinking: "None",
            allowance: Allowance::default(),
            environment: given.collect(),
            paths: files.paths.clone(),
        };
        let AgentStart::Command { mut argv, is_ours, environment, needs } = self.agent.start(&assignment) else {
            return Err("its agent starts no program".to_owned());
        };
        if is_ours && let Some(first) = argv.first_mut() {
            *first = program::own().map_err(|error| error.to_string())?.into();
        }
        let path = environment.get(OsStr::new("PATH")).map(OsString::as_os_str);
        match needs.filter(|needed| !program::is_found(OsStr::new(needed), path)) {
            Some(missing) => Err(format!("`{missing}` is not installed")),
            None => Ok((argv, environment)),
        }
    }
}

/// The files of one question.
struct Files {
    stderr: PathBuf,
    paths: Paths,
}

/// The answer as it is written: one JSON object. Each piece that a program prints is written as it comes, so that what it used is known
/// whenever it is stopped.
struct Kept<'a> {
    out: &'a mut dyn Write,
    /// The same, to be read once more at the end.
    bytes: Vec<u8>,
}

impl Kept<'_> {
    /// Keeps a piece. One that cannot be kept was still printed.
    fn printed(&mut self, question: u32, from: From, piece: &[u8]) {
        let text = String::from_utf8_lossy(piece).into_owned();
        let line = serde_json::to_string(&Printed { question, from, text }).unwrap_or_default();
        let before = if self.bytes.ends_with(b"[") { "\n" } else { ",\n" };
        let _ = self.write(&format!("{before}{line}"));
    }

    fn end(&mut self, agent: &Agent, outcome: &asking::Outcome) -> Result<(), String> {
        let tokens = used(agent, &self.bytes).tokens;
        let keys = asking::kept(outcome, &tokens);
        let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{}: {value}", json!(key))).collect();
        self.write(&format!("\n],\n{}}}\n", keys.join(",\n")))
    }

    fn write(&mut self, text: &str) -> Result<(), String> {
        self.bytes.extend_from_slice(text.as_bytes());
        let written = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        written.map_err(|error| format!("the answer cannot be written: {error}"))
    }
}
