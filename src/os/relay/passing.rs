//! One request on its way: read, admitted, sent on, and its answer handed back as it comes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::{Method, Request, Response, StatusCode};
use reqwest::Client;
use reqwest::redirect::Policy;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::spawn_blocking;

use crate::os::http::refuse_wrong_proxy;

use super::headers::{anew, of_map, to_map};
use super::{Admission, Answer, Asked, Ending, Gate, Headers, MOST_REQUEST_BYTES, Tap};

/// A host must take a connection within this time.
const CONNECTED_WITHIN: Duration = Duration::from_secs(30);
/// A body must have come within this time.
const BODY_WITHIN: Duration = Duration::from_mins(2);
/// So long nothing may come of an answer. Models think for minutes before the first word; providers keep a stream awake.
const SILENT_FOR: Duration = Duration::from_mins(15);
/// The longest answer that is weighed: refusals are short.
const MOST_WEIGHED: usize = 1 << 20;
/// So many bytes of the requests of one program are held at once, in parts of [`PART`]; its others wait.
const MOST_HELD: usize = 4 * MOST_REQUEST_BYTES;
/// The part of a request for which room is taken.
const PART: usize = 64 << 10;

/// What every request needs.
#[derive(Clone)]
pub(super) struct Shared {
    pub client: Client,
    /// For requests on their way.
    pub room: Arc<Semaphore>,
}

/// The requests of one program.
pub(super) struct Passing {
    gate: Arc<dyn Gate>,
    shared: Shared,
    /// For parts of its requests.
    held: Arc<Semaphore>,
}

/// The body of a request, for which room is taken until it is on its way.
struct Body {
    bytes: Bytes,
    _held: Option<OwnedSemaphorePermit>,
}

/// A client that follows no redirection, so that a key goes to no other host.
pub(super) fn client() -> io::Result<Client> {
    // This client would pass by one that it cannot read.
    refuse_wrong_proxy().map_err(io::Error::other)?;
    // Another part of the program may have chosen one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .redirect(Policy::none())
        .connect_timeout(CONNECTED_WITHIN)
        .read_timeout(SILENT_FOR)
        .tcp_nodelay(true)
        .build();
    client.map_err(|error| io::Error::other(words(&error)))
}

impl Passing {
    /// Those of a program whose requests this gate admits.
    pub(super) fn new(gate: Arc<dyn Gate>, shared: Shared) -> Self {
        Self { gate, shared, held: Arc::new(Semaphore::new(MOST_HELD / PART)) }
    }

    /// Reads a body.
    async fn read(&self, body: Incoming) -> Result<Body, Box<dyn std::error::Error + Send + Sync>> {
        let mut body = Limited::new(body, MOST_REQUEST_BYTES);
        let (mut bytes, mut held) = (Vec::new(), None::<OwnedSemaphorePermit>);
        let mut parts = 0;
        while let Some(frame) = body.frame().await {
            let Ok(part) = frame?.into_data() else { continue };
            let needed = (bytes.len() + part.len()).div_ceil(PART);
            while parts < needed {
                let one = Arc::clone(&self.held).acquire_owned().await?;
                match held.as_mut() {
                    Some(held) => held.merge(one),
                    None => held = Some(one),
                }
                parts += 1;
            }
            bytes.extend_from_slice(&part);
        }
        Ok(Body { bytes: bytes.into(), _held: held })
    }

    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Passed> {
        let (head, body) = request.into_parts();
        let body = match tokio::time::timeout(BODY_WITHIN, self.read(body)).await {
            Ok(Ok(body)) => body,
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                return made(Answer::words(413, "the request is larger than the gateway lets pass (64 MiB)"));
            }
            Ok(Err(_)) => return made(Answer::words(400, "the request broke off")),
            Err(_) => return made(Answer::words(408, "the request did not come to its end in time")),
        };
        let (method, path) = (head.method, head.uri.path_and_query().map_or("/", |it| it.as_str()).to_owned());
        let (headers, gate) = (of_map(&head.headers), Arc::clone(&self.gate));
        let (asked_body, asked_method) = (body.bytes.clone(), method.clone());
        let admitted = spawn_blocking(move || {
            let asked = Asked { method: asked_method.as_str(), path: &path, headers: &headers, body: &asked_body };
            gate.admit(&asked)
        });
        match admitted.await {
            Ok(Admission::Answered(answer)) => made(answer),
            Ok(Admission::Passes { url, headers, body: other, tap }) => {
                let body = Body { bytes: other.map_or(body.bytes, Bytes::from), ..body };
                let watched = Held { tap: Some(tap), end: Ending::Left };
                match Arc::clone(&self.shared.room).acquire_owned().await {
                    Ok(room) => self.pass(&method, &url, &headers, body, watched, room).await,
                    Err(_) => watched.lost(Ending::Cut("the gateway is closed".to_owned())).await,
                }
            }
            Err(_) => made(Answer::words(500, "the gateway has failed")),
        }
    }

    async fn pass(
        &self,
        method: &Method,
        url: &str,
        headers: &Headers,
        body: Body,
        mut held: Held,
        room: OwnedSemaphorePermit,
    ) -> Response<Passed> {
        let mut answer = loop {
            let sent = self
                .shared
                .client
                .request(method.clone(), url)
                .headers(to_map(headers))
                .body(body.bytes.clone())
                .send()
                .await;
            let answer = match sent {
                Ok(answer) => answer,
                Err(error) if error.is_connect() => return held.lost(Ending::Unreached(words(&error))).await,
                Err(error) => return held.lost(Ending::Cut(words(&error))).await,
            };
            let status = answer.status();
            if !held.tap.as_ref().is_some_and(|tap| tap.weighs(status.as_u16())) {
                break answer;
            }
            let headers = anew(answer.headers());
            let body = match whole(answer).await {
                Ok(body) => body,
                Err(why) => return held.lost(Ending::Cut(why)).await,
            };
            if !held.asks_again(status.as_u16(), of_map(&headers), body.clone()).await {
                return held.passes_whole(status, headers, body).await;
            }
        };
        let (status, headers) = (answer.status(), anew(answer.headers()));
        if let Some(tap) = held.tap.as_mut() {
            tap.begins(status.as_u16(), &of_map(&headers));
        }
        let (give, parts) = mpsc::channel(1);
        tokio::spawn(async move {
            let _room = room;
            loop {
                let part = tokio::select! {
                    part = answer.chunk() => part,
                    () = give.closed() => break,
                };
                match part {
                    Ok(Some(bytes)) => {
                        if held.tap.as_mut().is_some_and(|tap| tap.comes(&bytes)) {
                            held.settle().await;
                        }
                        if give.send(Ok(bytes)).await.is_err() {
                            break;
                        }
                    }
                    Ok(None) => {
                        held.end = Ending::Whole;
                        held.settled().await;
                        return;
                    }
                    Err(error) => {
                        held.end = Ending::Cut(words(&error));
                        held.settled().await;
                        // The client must not take half an answer for a whole one.
                        let _ = give.send(Err(BrokenOff)).await;
                        return;
                    }
                }
            }
            held.settled().await;
        });
        let mut response = Response::new(Passed::Parts(parts));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

/// A tap, which is told of an end whatever happens.
struct Held {
    tap: Option<Box<dyn Tap>>,
    end: Ending,
}

impl Held {
    /// Makes durable what is known so far.
    async fn settle(&mut self) {
        let Some(mut tap) = self.tap.take() else { return };
        let settled = spawn_blocking(move || {
            tap.settle();
            tap
        });
        self.tap = settled.await.ok();
    }

    /// Whether the request is to be sent again.
    async fn asks_again(&mut self, status: u16, headers: Headers, body: Bytes) -> bool {
        let Some(mut tap) = self.tap.take() else { return false };
        let weighed = spawn_blocking(move || {
            let again = tap.asks_again(status, &headers, &body);
            (tap, again)
        });
        let Ok((tap, again)) = weighed.await else { return false };
        self.tap = Some(tap);
        again
    }

    /// Passes on an answer that is here as a whole.
    async fn passes_whole(mut self, status: StatusCode, headers: HeaderMap, body: Bytes) -> Response<Passed> {
        if let Some(tap) = self.tap.as_mut() {
            tap.begins(status.as_u16(), &of_map(&headers));
            tap.comes(&body);
        }
        self.end = Ending::Whole;
        self.settled().await;
        let mut response = Response::new(Passed::Made(Full::new(body)));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    /// There is no answer.
    async fn lost(mut self, end: Ending) -> Response<Passed> {
        let why = match &end {
            Ending::Cut(why) | Ending::Unreached(why) => format!(": {why}"),
            Ending::Whole | Ending::Left => String::new(),
        };
        self.end = end;
        self.settled().await;
        made(Answer::words(502, &format!("the gateway got no answer{why}")))
    }

    /// The end of it.
    async fn settled(mut self) {
        if let Some(tap) = self.tap.as_mut() {
            tap.ends(std::mem::replace(&mut self.end, Ending::Whole));
        }
        self.settle().await;
        self.tap = None;
    }
}

impl Drop for Held {
    /// The server ends in the middle of an answer, or the client went away before it began.
    fn drop(&mut self) {
        if let Some(mut tap) = self.tap.take() {
            tap.ends(self.end.clone());
            tap.settle();
        }
    }
}

/// An answer that is weighed, as a whole.
async fn whole(mut answer: reqwest::Response) -> Result<Bytes, String> {
    let mut body = Vec::new();
    loop {
        match tokio::time::timeout(BODY_WITHIN, answer.chunk()).await {
            Ok(Ok(Some(bytes))) if body.len() + bytes.len() <= MOST_WEIGHED => body.extend_from_slice(&bytes),
            Ok(Ok(Some(_))) => return Err("a refusal was longer than the gateway reads (1 MiB)".to_owned()),
            Ok(Ok(None)) => return Ok(body.into()),
            Ok(Err(error)) => return Err(words(&error)),
            Err(_) => return Err("a refusal did not come to its end in time".to_owned()),
        }
    }
}

/// The body of an answer.
pub(super) enum Passed {
    Made(Full<Bytes>),
    Parts(mpsc::Receiver<Result<Bytes, BrokenOff>>),
    /// That of a host beside the providers.
    Onward(Incoming),
}

/// The answer broke off.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off")]
pub(super) struct BrokenOff;

impl HttpBody for Passed {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Made(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
            Self::Onward(body) => Pin::new(body).poll_frame(context).map_err(|_| BrokenOff),
            Self::Parts(parts) => parts.poll_recv(context).map(|part| part.map(|part| part.map(Frame::data))),
        }
    }
}

impl Answer {
    /// An answer of a sentence.
    pub(super) fn words(status: u16, words: &str) -> Self {
        let headers = vec![("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())];
        Self { status, headers, body: format!("{words}\n").into_bytes() }
    }
}

pub(super) fn made(answer: Answer) -> Response<Passed> {
    let mut response = Response::new(Passed::Made(Full::new(Bytes::from(answer.body))));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = answer.headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
    *response.headers_mut() = to_map(&headers);
    response
}

/// What went wrong, with its causes. A URL may hold a key, so it is left out.
fn words(error: &reqwest::Error) -> String {
    let mut words = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    let kind = match () {
        () if error.is_timeout() => "nothing came in time",
        () if error.is_connect() => "the host could not be reached",
        () if error.is_body() || error.is_decode() => "the answer broke off",
        () => "the request could not be sent",
    };
    [kind.to_owned()].into_iter().chain(words.into_iter().next_back()).collect::<Vec<_>>().join(": ")
}
