//! Requests that pass through this process on their way to another host: the door to `hyper`, `reqwest` and `tokio`.
//!
//! One thread of its own with a runtime of its own; everything else here is threads and channels. Each program asks at a [`Port`] of its
//! own on 127.0.0.1, or, where it has no network, through a [`Door`], by which an [`Exit`] may let it out to other hosts: what one takes of
//! connections and memory is taken from no other. Who may ask for what is a [`Gate`]'s to say; what passes is shown to a [`Tap`], and is
//! passed on unchanged, a stream as a stream.

mod door;
mod headers;
mod outward;
mod passing;
mod port;
mod proxied;

use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

pub use door::Door;
use door::Served;
pub use outward::{Connection, Exit, Trouble};
use passing::{Shared, client};
pub use port::Port;

/// The largest request. Those of agents hold a whole conversation; with images it may have many megabytes.
pub const MOST_REQUEST_BYTES: usize = 64 << 20;
/// So many requests are on their way to hosts at once; others wait.
const MOST_AT_ONCE: usize = 512;
/// So many gates are asked at once, each on a thread; each may hold a request back for minutes.
const MOST_WAITING: usize = 2048;
/// So many connections of one program are open at once; its others wait, so that it cannot take the descriptors of all.
const MOST_CONNECTIONS: usize = 128;
/// A client must have sent the head of a request within this time.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// How long it is waited before connections are accepted again when the system has no room for one more.
const PAUSE: Duration = Duration::from_millis(50);

/// A request that somebody makes.
#[derive(Debug)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path with its query.
    pub path: &'a str,
    /// Its headers, names in lower case.
    pub headers: &'a Headers,
    /// Its whole body.
    pub body: &'a [u8],
}

/// Headers, names in lower case.
pub type Headers = Vec<(String, Vec<u8>)>;

/// An answer that is made here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers, the type of the body among them.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What a gate says of a request.
pub enum Admission {
    /// It is answered here.
    Answered(Answer),
    /// It goes on.
    Passes {
        /// Where it goes.
        url: String,
        /// Its headers.
        headers: Headers,
        /// Its body, where it is not the one that came.
        body: Option<Vec<u8>>,
        /// Who looks at the answer.
        tap: Box<dyn Tap>,
    },
}

/// Decides about requests. It may wait: it is asked on a thread of its own.
pub trait Gate: Send + Sync + 'static {
    /// Decides about one.
    fn admit(&self, asked: &Asked<'_>) -> Admission;
}

/// Looks at the answer to one request as it passes.
pub trait Tap: Send {
    /// Whether an answer with this status is weighed, which needs all of it, before anything of it is passed on.
    fn weighs(&self, status: u16) -> bool;
    /// Weighs it: `true` when the same request is to be sent again, and this answer forgotten. It may wait: it is called on a thread of
    /// its own, and the request is sent when it is over.
    fn asks_again(&mut self, status: u16, headers: &Headers, body: &[u8]) -> bool;
    /// The answer begins; names of headers are in lower case.
    fn begins(&mut self, status: u16, headers: &Headers);
    /// These bytes come; `true` when something must be durable before they are passed on.
    fn comes(&mut self, bytes: &[u8]) -> bool;
    /// Makes durable what is known. It may wait: it is called on a thread of its own.
    fn settle(&mut self);
    /// The answer has ended, which [`Tap::settle`] follows.
    fn ends(&mut self, end: Ending);
}

/// How an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It was passed on to its end.
    Whole,
    /// Whoever asked went away.
    Left,
    /// The other side broke off; in words, which hold no header.
    Cut(String),
    /// The other side could not be reached, so that it knows nothing of the request; in such words, too.
    Unreached(String),
}

/// The server. It ends when this is dropped; requests that are on their way break off then.
#[derive(Debug)]
pub struct Relay {
    openings: mpsc::UnboundedSender<Opening>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Begins, and listens nowhere yet.
    ///
    /// # Errors
    /// When no thread can be had, or a variable names a proxy that cannot be used.
    pub fn open() -> io::Result<Self> {
        let shared = Shared { client: client()?, room: Arc::new(Semaphore::new(MOST_AT_ONCE)) };
        let (openings, to_serve) = mpsc::unbounded_channel();
        let runtime = Builder::new_current_thread()
            .enable_all()
            .thread_name("gateway-wait")
            .max_blocking_threads(MOST_WAITING)
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("gateway".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(to_serve, shared) => {}
                    _ = stopped => {}
                }
            });
            // What still waits on a thread of its own makes a record durable: it ends by itself.
            runtime.shutdown_timeout(HEAD_WITHIN);
        })?;
        Ok(Self { openings, stop: Some(stop), thread: Some(thread) })
    }

    /// Listens on 127.0.0.1, at a free port, for one program, whose requests are this gate's to admit.
    ///
    /// # Errors
    /// When no socket can be had, or the server has ended.
    pub fn port(&self, gate: Arc<dyn Gate>) -> io::Result<Port> {
        let (port, opening) = Port::new(gate)?;
        self.serve(Opening::Port(opening))?;
        Ok(port)
    }

    /// Makes a door for one program, whose requests are this gate's to admit and whose connections to other hosts this exit's to let out.
    ///
    /// # Errors
    /// When there are no descriptors left, or the server has ended.
    pub fn door(&self, gate: Arc<dyn Gate>, exit: Arc<dyn Exit>) -> io::Result<Door> {
        let (door, opening) = Door::new(gate, exit)?;
        self.serve(Opening::Door(opening))?;
        Ok(door)
    }

    fn serve(&self, opening: Opening) -> io::Result<()> {
        self.openings.send(opening).map_err(|_| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has ended the server already, and was told.
            let _ = thread.join();
        }
    }
}

/// What is to be served.
enum Opening {
    Door(door::Opening),
    Port(port::Opening),
}

/// Serves each until it is closed.
async fn serve(mut openings: mpsc::UnboundedReceiver<Opening>, shared: Shared) {
    while let Some(opening) = openings.recv().await {
        match opening {
            Opening::Door(opening) => drop(tokio::spawn(opening.serve(shared.clone()))),
            Opening::Port(opening) => drop(tokio::spawn(opening.serve(shared.clone()))),
        }
    }
}

/// Serves whoever connects, until this is dropped.
async fn accept(listener: TcpListener, served: Arc<Served>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        // Small parts of a stream go at once.
        let _ = stream.set_nodelay(true);
        while connections.try_join_next().is_some() {}
        if connections.len() >= MOST_CONNECTIONS {
            connections.join_next().await;
        }
        connections.spawn(connection(TokioIo::new(stream), Arc::clone(&served)));
    }
}

/// Serves one connection. It may be one through another one, so that its type must not name itself.
fn connection<C>(stream: C, served: Arc<Served>) -> Pin<Box<dyn Future<Output = ()> + Send>>
where
    C: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    Box::pin(async move {
        let service = service_fn(move |request| {
            let served = Arc::clone(&served);
            async move { Ok::<_, std::convert::Infallible>(door::answer(served, request).await) }
        });
        // How a connection ends is of interest to its client alone: what passed was told to its tap.
        let _ = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .serve_connection(stream, service)
            .with_upgrades()
            .await;
    })
}
