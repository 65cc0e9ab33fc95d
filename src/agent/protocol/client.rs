//! The client as a state machine: it hears the lines of a program, and says what is to be done.

use serde_json::{Value, json};

use super::settings::{self, Setting};
use super::{Order, Over, VERSION};
use crate::text::{foreign, short};

/// Most lines that are no messages: more than what a program prints by mistake.
const MOST_PASSED_OVER: u32 = 1000;
/// Longest beginning of such a line that is kept, in characters.
const MOST_SHOWN: usize = 500;
/// The error of JSON-RPC for a method that is not offered.
const NO_SUCH_METHOD: i64 = -32601;
/// The error of JSON-RPC for a request that could not be carried out.
const NOT_DONE: i64 = -32603;

/// What the client hears.
#[derive(Debug)]
pub enum Heard<'a> {
    /// A line of the program, without its end.
    Line(&'a [u8]),
    /// The file that was to be read or written for the request with this id: its text, or why not.
    File(Value, Result<Option<String>, String>),
    /// Somebody asks that it ends.
    Stop,
}

/// What is to be done, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Send a message.
    Send(Value),
    /// Read a file, for the request with this id: from this line on, so many lines.
    Read {
        /// The request.
        id: Value,
        /// The file.
        path: String,
        /// The first line, from 1.
        line: u64,
        /// Most lines.
        limit: u64,
    },
    /// Write a file, for the request with this id.
    Write {
        /// The request.
        id: Value,
        /// The file.
        path: String,
        /// Its text.
        text: String,
    },
    /// Keep a message in the log.
    Received(Value),
    /// Keep the beginning of a line that is no message in the log.
    PassedOver(String),
    /// It is over; why, when no message says it.
    Over(Option<Over>),
}

/// What was asked last, and is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Nothing,
    Initialize,
    Login,
    Session,
    Set(Setting),
    Prompt,
}

/// A client with one session and one prompt.
#[derive(Debug)]
pub struct Client<'a> {
    order: &'a Order,
    /// The folder of the session.
    folder: &'a str,
    prompt: &'a str,
    asked: Asked,
    /// The id of that request.
    last_id: u64,
    session: String,
    /// What is still to be set.
    to_set: Vec<Setting>,
    /// What the session offers to be set.
    offered: Value,
    /// Whether the turn was cancelled by us.
    is_cancelled: bool,
    passed_over: u32,
    is_over: bool,
}

impl<'a> Client<'a> {
    /// A client that has asked nothing yet.
    #[must_use]
    pub fn new(order: &'a Order, folder: &'a str, prompt: &'a str) -> Self {
        Self {
            order,
            folder,
            prompt,
            asked: Asked::Nothing,
            last_id: 0,
            session: String::new(),
            to_set: settings::of(order),
            offered: Value::Null,
            is_cancelled: false,
            passed_over: 0,
            is_over: false,
        }
    }

    /// Begins.
    pub fn begin(&mut self) -> Vec<Act> {
        let files = json!({"readTextFile": true, "writeTextFile": true});
        let parameters = json!({
            "protocolVersion": VERSION,
            "clientCapabilities": {"fs": files, "terminal": false},
            "clientInfo": {"name": "cargo-scylla", "version": env!("CARGO_PKG_VERSION")},
        });
        vec![self.ask(Asked::Initialize, "initialize", &parameters)]
    }

    /// Whether the program has not been given the prompt yet.
    #[must_use]
    pub fn is_starting(&self) -> bool {
        !self.is_over && self.asked != Asked::Prompt
    }

    /// The method that is not answered yet.
    #[must_use]
    pub fn waits_for(&self) -> &'static str {
        match self.asked {
            Asked::Nothing => "nothing",
            Asked::Initialize => "initialize",
            Asked::Login => "authenticate",
            Asked::Session => "session/new",
            Asked::Set(_) => "what it is set to",
            Asked::Prompt => "session/prompt",
        }
    }

    /// The id of the last request.
    #[cfg(test)]
    pub(super) fn last_id(&self) -> u64 {
        self.last_id
    }

    /// Hears something. When it is over, nothing more is done.
    pub fn handle(&mut self, heard: Heard<'_>) -> Vec<Act> {
        if self.is_over {
            return Vec::new();
        }
        let acts = match heard {
            Heard::Line(line) => self.line(line),
            Heard::File(id, Ok(text)) => {
                vec![answer(&id, &text.map_or_else(|| json!({}), |text| json!({"content": text})))]
            }
            Heard::File(id, Err(why)) => vec![refusal(&id, NOT_DONE, &why)],
            Heard::Stop => self.stop(),
        };
        self.is_over = acts.iter().any(|act| matches!(act, Act::Over(_)));
        acts
    }

    fn line(&mut self, line: &[u8]) -> Vec<Act> {
        let Some(message) = foreign::read::<Value>(line).ok().filter(Value::is_object) else {
            return self.pass_over(line);
        };
        let mut acts = vec![Act::Received(message.clone())];
        match (message["method"].as_str(), &message["id"]) {
            (Some(method), id) if !id.is_null() => acts.push(self.request(method, id, &message["params"])),
            (None, id) if self.asked != Asked::Nothing && id.as_u64() == Some(self.last_id) => {
                acts.extend(self.answered(&message));
            }
            (Some(_) | None, _) => {}
        }
        acts
    }

    fn pass_over(&mut self, line: &[u8]) -> Vec<Act> {
        if line.trim_ascii().is_empty() {
            return Vec::new();
        }
        self.passed_over += 1;
        if self.passed_over > MOST_PASSED_OVER {
            let message = format!("the program prints what is no message of the protocol, {MOST_PASSED_OVER} times");
            return over(Over::broken(message));
        }
        vec![Act::PassedOver(short::cut(&String::from_utf8_lossy(line), MOST_SHOWN))]
    }

    /// What the program asks of us.
    fn request(&self, method: &str, id: &Value, parameters: &Value) -> Act {
        let text = |key: &str| parameters[key].as_str().map(str::to_owned);
        match (method, text("path")) {
            ("session/request_permission", _) => {
                answer(id, &json!({"outcome": self.permission(&parameters["options"])}))
            }
            ("fs/read_text_file", Some(path)) => {
                let line = parameters["line"].as_u64().unwrap_or(1).max(1);
                Act::Read { id: id.clone(), path, line, limit: parameters["limit"].as_u64().unwrap_or(u64::MAX) }
            }
            ("fs/write_text_file", Some(path)) => match text("content") {
                Some(text) => Act::Write { id: id.clone(), path, text },
                None => refusal(id, NOT_DONE, "the file has no content"),
            },
            _ => refusal(id, NO_SUCH_METHOD, &format!("there is no `{}` here", short::cut(method, MOST_SHOWN))),
        }
    }

    /// What is answered to a question whether something may be done. Where no answer says what the fixture wants, there is none.
    fn permission(&self, options: &Value) -> Value {
        let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
        let of = |kind: &&str| options.iter().find(|option| option["kind"] == **kind);
        let chosen = self.order.permissions.kinds().iter().find_map(of).filter(|_| !self.is_cancelled);
        chosen.map_or_else(
            || json!({"outcome": "cancelled"}),
            |option| json!({"outcome": "selected", "optionId": option["optionId"]}),
        )
    }

    /// What follows from the answer to what was asked last.
    fn answered(&mut self, message: &Value) -> Vec<Act> {
        let asked = std::mem::replace(&mut self.asked, Asked::Nothing);
        // What the error means is read from the log.
        if message.get("error").is_some_and(|error| !error.is_null()) {
            return vec![Act::Over(None)];
        }
        let result = &message["result"];
        match asked {
            Asked::Nothing => Vec::new(),
            Asked::Initialize if result["protocolVersion"] != VERSION => {
                let message = format!(
                    "the program speaks version {} of the protocol, and version {VERSION} is asked for",
                    short::cut(&result["protocolVersion"].to_string(), MOST_SHOWN)
                );
                over(Over::not_started(message))
            }
            Asked::Initialize => match &self.order.login {
                Some(way) => {
                    let parameters = json!({"methodId": way});
                    vec![self.ask(Asked::Login, "authenticate", &parameters)]
                }
                None => vec![self.open()],
            },
            Asked::Login => vec![self.open()],
            Asked::Session => match result["sessionId"].as_str() {
                Some(session) => {
                    session.clone_into(&mut self.session);
                    self.offered = result.clone();
                    self.set_next()
                }
                None => over(Over::broken("the program answers `session/new` without a session")),
            },
            Asked::Set(setting) => {
                if let Some(ignored) = setting.was_ignored(result) {
                    return over(ignored);
                }
                if result["configOptions"].is_array() {
                    self.offered["configOptions"] = result["configOptions"].clone();
                }
                self.set_next()
            }
            Asked::Prompt => vec![Act::Over(None)],
        }
    }

    fn open(&mut self) -> Act {
        let parameters = json!({"cwd": self.folder, "mcpServers": []});
        self.ask(Asked::Session, "session/new", &parameters)
    }

    /// Sets what is still to be set, and then gives the prompt.
    fn set_next(&mut self) -> Vec<Act> {
        if self.to_set.is_empty() {
            let parameters = json!({"sessionId": self.session, "prompt": [{"type": "text", "text": self.prompt}]});
            return vec![self.ask(Asked::Prompt, "session/prompt", &parameters)];
        }
        let setting = self.to_set.remove(0);
        match setting.request(&self.session, &self.offered) {
            Ok((method, parameters)) => vec![self.ask(Asked::Set(setting), method, &parameters)],
            Err(why) => over(why),
        }
    }

    /// A turn is cancelled, and its answer waited for; without one it is over at once.
    fn stop(&mut self) -> Vec<Act> {
        if self.asked != Asked::Prompt {
            return over(Over::broken("it was asked to end before it was given the prompt"));
        }
        if std::mem::replace(&mut self.is_cancelled, true) {
            return Vec::new();
        }
        let parameters = json!({"sessionId": self.session});
        vec![Act::Send(json!({"jsonrpc": "2.0", "method": "session/cancel", "params": parameters}))]
    }

    fn ask(&mut self, asked: Asked, method: &str, parameters: &Value) -> Act {
        self.last_id += 1;
        self.asked = asked;
        Act::Send(json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": parameters}))
    }
}

fn answer(id: &Value, result: &Value) -> Act {
    Act::Send(json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

fn refusal(id: &Value, code: i64, message: &str) -> Act {
    Act::Send(json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}))
}

fn over(why: Over) -> Vec<Act> {
    vec![Act::Over(Some(why))]
}
