//! A scripted model server on 127.0.0.1, at a port of its own: it speaks the APIs of several providers, records who asked what, and
//! ends with its test.

mod api;
mod http;
mod tests;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};

pub(crate) use api::Api;
use http::Request;

/// A request that somebody made.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) api: Api,
    pub(crate) model: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
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
}

/// What the server does about a request.
#[derive(Debug, Clone)]
pub(crate) enum Say {
    /// The model answers with this text, which is JSON where the request asks for a form.
    Answer(String),
    /// A refusal: a status, headers and the message of the error.
    Refuse(u16, Vec<(&'static str, String)>, String),
    /// Status 200 with this body, whatever it is.
    Body(String),
    /// Nothing, until the test ends or the other side hangs up.
    Hang,
    /// The connection breaks in the middle of an answer.
    Cut,
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
    let Some(asked) = note(request, shared) else {
        return http::write(&mut stream, 404, &[], r#"{"error":{"message":"no such path"}}"#);
    };
    match (shared.script)(&asked) {
        Say::Answer(text) => http::write(&mut stream, 200, &[], &asked.api.answer(&asked.body, &text).to_string()),
        Say::Refuse(status, headers, message) => {
            http::write(&mut stream, status, &headers, &asked.api.refusal(status, &message).to_string());
        }
        Say::Body(body) => http::write(&mut stream, 200, &[], &body),
        Say::Cut => http::write_cut(&mut stream, &asked.api.answer(&asked.body, "never read").to_string()),
        Say::Hang => {
            let over = shared.over.lock().unwrap();
            drop(shared.changed.wait_while(over, |over| !*over).unwrap());
        }
    }
}

fn note(request: Request, shared: &Shared) -> Option<Asked> {
    let api = Api::of(&request.path)?;
    let model = api.model(&request.path, &request.body)?;
    let mut all = shared.asked.lock().unwrap();
    let before = all.iter().filter(|asked| asked.model == model).count();
    let asked = Asked { api, model, headers: request.headers, body: request.body, before };
    all.push(asked.clone());
    shared.changed.notify_all();
    Some(asked)
}
