//! What programs behind a door ask for beside their model: tunnels (`CONNECT`) and requests for other hosts, let out where an exit says
//! so. A name is looked up here, once, and only an address that the exit lets through is connected to.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use hyper::http::uri::{PathAndQuery, Uri};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::Answer;
use super::headers::onward;
use super::passing::{Passed, made};
use super::proxied::{Asks, End, Proxies, Reached, through};
use crate::os::clock::Stopwatch;

/// A host must take a connection within this time.
const CONNECTED_WITHIN: Duration = Duration::from_secs(30);
/// So many connections lead through one door at once; others wait.
const MOST_AT_ONCE: usize = 128;
/// Says where programs may be let out to.
pub trait Exit: Send + Sync + 'static {
    /// Whether this port of this host may be asked for; why not, in words.
    ///
    /// # Errors
    /// When it may not.
    fn may_ask(&self, host: &str, port: u16) -> Result<(), String>;
    /// Whether a name that may be asked for may lead to this address.
    fn may_lead_to(&self, address: SocketAddr) -> bool;
    /// A connection begins, which [`Exit::ends`] follows.
    fn begins(&self);
    /// A connection is over, or came to nothing. It is called from an async context, and must not wait.
    fn ends(&self, connection: Connection);
}

/// A connection to another host that is over.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The host, as the program named it.
    pub host: String,
    /// The port.
    pub port: u16,
    /// When it was asked for.
    pub began: Stopwatch,
    /// Why it was not made; `None` when it was.
    pub trouble: Option<Trouble>,
    /// Bytes that the program sent.
    pub sent: u64,
    /// Bytes that it received.
    pub received: u64,
}

/// Why no connection was made, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It may not be.
    Refused(String),
    /// The host could not be reached.
    Unreached(String),
}

/// The way out of one door.
pub(super) struct Outward {
    exit: Arc<dyn Exit>,
    proxies: Proxies,
    room: Arc<Semaphore>,
    /// It has ended when the door is closed.
    pub(super) closed: watch::Receiver<()>,
}

impl Outward {
    pub(super) fn new(exit: Arc<dyn Exit>, closed: watch::Receiver<()>) -> Self {
        Self { exit, proxies: Proxies::of_environment(), room: Arc::new(Semaphore::new(MOST_AT_ONCE)), closed }
    }

    /// Room for one more connection through the door, as soon as there is some.
    pub(super) async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).acquire_owned().await.ok()
    }

    /// Connects to a host, where it may be reached.
    pub(super) async fn reach(&self, asks: Asks, host: String, port: u16) -> Result<(Counted, Way), Trouble> {
        let Some(room) = self.enter().await else {
            return Err(Trouble::Unreached("the gateway is closed".to_owned()));
        };
        let mut way = Way::new(Arc::clone(&self.exit), host, port, room);
        let connected = match self.exit.may_ask(&way.connection.host, port) {
            Ok(()) => self.connected(asks, &way.connection.host, port).await,
            Err(why) => Err(Trouble::Refused(why)),
        };
        match connected {
            Ok(Reached { stream, end }) => {
                // Small parts go at once.
                let _ = stream.set_nodelay(true);
                way.end = end;
                let counts = Arc::clone(&way.counts);
                Ok((Counted { stream, counts }, way))
            }
            Err(trouble) => {
                way.connection.trouble = Some(trouble.clone());
                Err(trouble)
            }
        }
    }

    async fn connected(&self, asks: Asks, host: &str, port: u16) -> Result<Reached, Trouble> {
        let unreached = |why: &str| Trouble::Unreached(format!("`{host}` could not be reached: {why}"));
        let connecting = async {
            match self.proxies.before(asks, host, port) {
                Some(proxy) => through(&proxy, asks, host, port).await.map_err(|why| unreached(&why)),
                None => self.directly(host, port).await,
            }
        };
        let connected = tokio::time::timeout(CONNECTED_WITHIN, connecting).await;
        connected.unwrap_or_else(|_| Err(unreached("nothing came in time")))
    }

    async fn directly(&self, host: &str, port: u16) -> Result<Reached, Trouble> {
        let unreached = |error: io::Error| Trouble::Unreached(format!("`{host}` could not be reached: {error}"));
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let found: Vec<SocketAddr> = match bare.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => lookup_host((host, port)).await.map_err(unreached)?.collect(),
        };
        let open: Vec<SocketAddr> = found.iter().copied().filter(|found| self.exit.may_lead_to(*found)).collect();
        if open.is_empty() && !found.is_empty() {
            let why = format!(
                "`{host}` leads to an address of this machine or of a private network, which is not named itself"
            );
            return Err(Trouble::Refused(why));
        }
        let stream = TcpStream::connect(open.as_slice()).await.map_err(unreached)?;
        Ok(Reached { stream, end: End::Host })
    }

    /// Sends a request on to the host that it names, and its answer back.
    pub(super) async fn send(&self, request: Request<Incoming>, stream: Counted, way: Way) -> Response<Passed> {
        let failed =
            |error: &hyper::Error| made(Answer::words(502, &format!("cargo-scylla: the host gave no answer: {error}")));
        let (mut sender, sending) = match client::handshake(TokioIo::new(stream)).await {
            Ok(both) => both,
            Err(error) => return failed(&error),
        };
        let (mut closed, end) = (self.closed.clone(), way.end.clone());
        tokio::spawn(async move {
            let _way = way;
            tokio::select! {
                // How it ends is told to whoever reads the answer.
                _ = sending => {}
                _ = closed.changed() => {}
            }
        });
        let (mut head, body) = request.into_parts();
        let host = head.uri.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
        head.headers = onward(&head.headers);
        match end {
            End::Proxy(auth) => head.headers.extend(auth.map(|auth| (PROXY_AUTHORIZATION, auth))),
            End::Host => {
                let path = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
                head.uri = Uri::from(path);
            }
        }
        // Another name in there would lead to another host of the same server.
        head.headers.extend(host.map(|host| (HOST, host)));
        match sender.send_request(Request::from_parts(head, body)).await {
            Ok(answer) => {
                let (mut head, body) = answer.into_parts();
                head.headers = onward(&head.headers);
                Response::from_parts(head, Passed::Onward(body))
            }
            Err(error) => failed(&error),
        }
    }
}

impl Trouble {
    pub(super) fn answer(&self) -> Answer {
        let (status, why) = match self {
            Self::Refused(why) => (403, why),
            Self::Unreached(why) => (502, why),
        };
        Answer::words(status, &format!("cargo-scylla: {why}"))
    }
}

/// A connection that is under way, which is told when it is over.
pub(super) struct Way {
    exit: Arc<dyn Exit>,
    connection: Connection,
    /// Who is at its other end.
    end: End,
    counts: Arc<Counts>,
    _room: OwnedSemaphorePermit,
}

impl Way {
    fn new(exit: Arc<dyn Exit>, host: String, port: u16, room: OwnedSemaphorePermit) -> Self {
        exit.begins();
        let connection = Connection { host, port, began: Stopwatch::start(), trouble: None, sent: 0, received: 0 };
        Self { exit, connection, end: End::Host, counts: Arc::default(), _room: room }
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        let sent = self.counts.sent.load(Ordering::Relaxed);
        let received = self.counts.received.load(Ordering::Relaxed);
        self.exit.ends(Connection { sent, received, ..self.connection.clone() });
    }
}

/// Bytes that went each way.
#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    received: AtomicU64,
}

/// A connection whose bytes are counted.
pub(super) struct Counted {
    stream: TcpStream,
    counts: Arc<Counts>,
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        self.counts.received.fetch_add((into.filled().len() - before) as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.counts.sent.fetch_add(written as u64, Ordering::Relaxed);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
