//! A scripted model server on 127.0.0.1, at a port of its own: it speaks the APIs of several providers, whole or as streams, records
//! who asked what, and ends with its test.

mod api;
mod http;
mod stream;
mod tests;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use api::Turn;
pub(crate) use api::{Api, Call, USED};
pub(crate) use http::Flood;
use http::{Events, Request};

/// How many requests are kept with what they said: a program that asks without end must not take all memory.
const MOST_KEPT: usize = 1000;

/// A request that somebody made.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) api: Api,
    pub(crate) model: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
    /// Whether the answer is to come as a stream of events.
    pub(crate) is_streamed: bool,
    /// How many requests for this model came before.
    pub(crate) before: usize,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The text of the question.
    pub(crate) fn question(&self) -> String {
        self.api.question(&self.body)
    }

    /// The names of the tools that the model may call.
    pub(crate) fn tools(&self) -> Vec<&str> {
        self.api.tools(&self.body)
    }

    /// How many calls of tools have been answered in the conversation that it shows.
    pub(crate) fn results(&self) -> usize {
        self.api.results(&self.body)
    }
}

/// What the server does about a request.
#[derive(Debug, Clone)]
pub(crate) enum Say {
    /// The model answers with this text, which is JSON where the request asks for a form.
    Answer(String),
    /// The model answers with a text and the call of a tool.
    Call(String, Call),
    /// A refusal: a status, headers and the message of the error.
    Refuse(u16, Vec<(&'static str, String)>, String),
    /// Status 200 with this body, whatever it is; one that begins with `data: ` is a stream.
    Body(String),
    /// These bytes, whatever they are, and the end of the connection.
    Bytes(Vec<u8>),
    /// An answer of at least so many bytes.
    Flood(Flood, u64),
    /// Nothing, until the test ends or the other side hangs up.
    Hang,
    /// The connection breaks in the middle of an answer.
    Cut,
    /// The half of an answer, and then nothing, until the test ends or the other side hangs up.
    Stall,
}

impl Say {
    /// The model answers with this JSON.
    #[expect(clippy::needless_pass_by_value, reason = "values are made in the call")]
    pub(crate) fn json(value: Value) -> Self {
        Self::Answer(value.to_string())
    }

    /// Scores for items, each with a reason.
    pub(crate) fn scores(scores: &[(&str, f64)]) -> Self {
        let item = |(id, score): &(&str, f64)| ((*id).to_owned(), json!({"explanation": "seen", "score": score}));
        let items: serde_json::Map<String, Value> = scores.iter().map(item).collect();
        Self::json(json!({"reasoning": "read it all", "items": items}))
    }

    pub(crate) fn refuse(status: u16, message: &str) -> Self {
        Self::Refuse(status, Vec::new(), message.to_owned())
    }
}

type Script = dyn Fn(&Asked) -> Say + Send + Sync;

struct Shared {
    script: Box<Script>,
    asked: Mutex<Vec<Asked>>,
    /// How often each path was asked for that is no question to a model.
    visits: Mutex<BTreeMap<String, usize>>,
    over: Mutex<bool>,
    /// Told when `over` or `asked` changes.
    changed: Condvar,
}

/// The server.
pub(crate) struct ModelServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl ModelServer {
    /// Starts one that does what the script says about each request.
    pub(crate) fn start(script: impl Fn(&Asked) -> Say + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            asked: Mutex::default(),
            visits: Mutex::default(),
            over: Mutex::default(),
            changed: Condvar::new(),
        });
        let accepting = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self { address, shared, accepting: Some(accepting) }
    }

    /// What an API's base URL is here.
    pub(crate) fn base_url(&self, api: Api) -> String {
        format!("http://{}{}", self.address, api.base())
    }

    /// Every request so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// How often a path was asked for that is no question to a model, such as `HEAD /`.
    pub(crate) fn visits(&self, line: &str) -> usize {
        self.shared.visits.lock().unwrap().get(line).copied().unwrap_or_default()
    }

    /// How often a model was asked.
    pub(crate) fn times(&self, model: &str) -> usize {
        self.asked().iter().filter(|asked| asked.model == model).count()
    }

    /// Waits until a model was asked so often.
    pub(crate) fn wait_for(&self, model: &str, times: usize) {
        let enough = |asked: &mut Vec<Asked>| asked.iter().filter(|asked| asked.model == model).count() < times;
        let asked = self.shared.asked.lock().unwrap();
        let (asked, waited) = self.shared.changed.wait_timeout_while(asked, crate::world::PATIENCE, enough).unwrap();
        drop(asked);
        assert!(!waited.timed_out(), "`{model}` was not asked {times} times");
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        *self.shared.over.lock().unwrap() = true;
        self.shared.changed.notify_all();
        // Wakes who waits for a connection.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut serving = Vec::new();
    for stream in listener.incoming().map_while(Result::ok) {
        if *shared.over.lock().unwrap() {
            break;
        }
        let shared = Arc::clone(shared);
        serving.push(std::thread::spawn(move || serve(stream, &shared)));
    }
    for thread in serving {
        let _ = thread.join();
    }
}

/// Answers the one request of a connection.
fn serve(mut stream: TcpStream, shared: &Shared) {
    let Some(request) = http::read(&stream) else { return };
    let line = format!("{} {}", request.method, request.path);
    let Some((asked, number)) = note(request, shared) else {
        *shared.visits.lock().unwrap().entry(line.clone()).or_default() += 1;
        return match line.as_str() {
            "POST /v1/messages/count_tokens" => http::write(&mut stream, 200, &[], r#"{"input_tokens":1200}"#),
            line if line.starts_with("HEAD ") => http::write(&mut stream, 200, &[], ""),
            _ => http::write(&mut stream, 404, &[], r#"{"error":{"message":"no such path"}}"#),
        };
    };
    let turn = |text: &str| Turn { text: text.to_owned(), call: None };
    let cut = || turn("This is never read to its end.");
    match (shared.script)(&asked) {
        Say::Answer(text) => answer(&mut stream, &asked, number, &turn(&text), true),
        Say::Call(text, call) => answer(&mut stream, &asked, number, &Turn { text, call: Some(call) }, true),
        Say::Refuse(status, headers, message) => {
            http::write(&mut stream, status, &headers, &asked.api.refusal(status, &message).to_string());
        }
        Say::Body(body) => http::write(&mut stream, 200, &[], &body),
        Say::Bytes(bytes) => drop(stream.write_all(&bytes)),
        Say::Flood(flood, bytes) => drop(http::flood(&mut stream, flood, bytes)),
        Say::Cut => answer(&mut stream, &asked, number, &cut(), false),
        Say::Hang => wait_for_end(shared),
        Say::Stall => {
            answer(&mut stream, &asked, number, &cut(), false);
            wait_for_end(shared);
        }
    }
}

/// Sends an answer or the half of it, as a stream where that was asked for. Who does not listen any more misses it.
fn answer(stream: &mut TcpStream, asked: &Asked, number: usize, turn: &Turn, is_whole: bool) {
    let answer = asked.api.answer(&asked.model, &asked.body, turn, number);
    if !asked.is_streamed {
        let body = answer.to_string();
        return if is_whole { http::write(stream, 200, &[], &body) } else { http::write_half(stream, &body) };
    }
    let pieces = stream::events(asked.api, &answer);
    let sent = if is_whole { &pieces[..] } else { &pieces[..pieces.len() / 2] };
    let _ = Events::begin(stream).and_then(|mut events| {
        events.write(sent)?;
        if is_whole { events.end() } else { Ok(()) }
    });
}

fn wait_for_end(shared: &Shared) {
    let over = shared.over.lock().unwrap();
    drop(shared.changed.wait_while(over, |over| !*over).unwrap());
}

/// Notes a question to a model, and says the how-many-eth it is.
fn note(request: Request, shared: &Shared) -> Option<(Asked, usize)> {
    let api = Api::of(&request.path).filter(|_| request.method == "POST")?;
    let model = api.model(&request.path, &request.body)?;
    let is_streamed = api.is_streamed(&request.path, &request.body);
    let mut all = shared.asked.lock().unwrap();
    let before = all.iter().filter(|asked| asked.model == model).count();
    let asked = Asked { api, model, headers: request.headers, body: request.body, is_streamed, before };
    let number = all.len();
    all.push(if number < MOST_KEPT { asked.clone() } else { Asked { body: Value::Null, ..asked.clone() } });
    shared.changed.notify_all();
    Some((asked, number))
}
