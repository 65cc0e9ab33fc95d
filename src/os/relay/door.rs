//! The outer side of a door: connections of a program that has nothing but a loopback are taken where it listens, and served by a gate
//! and an exit of their own.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{Interest, copy_bidirectional};
use tokio::sync::{oneshot, watch};

use super::outward::{Exit, Outward};
use super::passing::{Passed, Passing, Shared, made};
use super::proxied::Asks;
use super::{Answer, Gate, accept, connection};
use crate::os::process::{DOOR_PORT, take_over};

/// The port of a request that names none.
const HTTP: u16 = 80;

/// A door. It is closed when this is dropped; what is on its way through it breaks off then.
#[derive(Debug)]
pub struct Door {
    inner: OwnedFd,
    is_open: Arc<AtomicBool>,
    _closed: oneshot::Sender<()>,
}

/// What is to be served.
pub(super) struct Opening {
    socket: UnixStream,
    gate: Arc<dyn Gate>,
    exit: Arc<dyn Exit>,
    is_open: Arc<AtomicBool>,
    closed: oneshot::Receiver<()>,
}

impl Door {
    pub(super) fn new(gate: Arc<dyn Gate>, exit: Arc<dyn Exit>) -> io::Result<(Self, Opening)> {
        let (socket, inner) = UnixStream::pair()?;
        socket.set_nonblocking(true)?;
        let (is_open, (close, closed)) = (Arc::default(), oneshot::channel());
        let door = Self { inner: inner.into(), is_open: Arc::clone(&is_open), _closed: close };
        Ok((door, Opening { socket, gate, exit, is_open, closed }))
    }

    /// Where the program behind it hands over the socket that it listens at.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn inner(&self) -> io::Result<OwnedFd> {
        self.inner.try_clone()
    }

    /// Whether that was handed over.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }
}

/// Who serves a connection.
pub(super) struct Served {
    /// What passes to models.
    pub passing: Arc<Passing>,
    /// The way to other hosts, where there is one.
    pub outward: Option<Arc<Outward>>,
    /// Whether the connection is one through a tunnel to the gateway: then another one in it would lead nowhere else.
    pub is_inside: bool,
}

impl Opening {
    /// Serves it until it is closed.
    pub(super) async fn serve(self, shared: Shared) {
        let Self { socket, gate, exit, is_open, closed } = self;
        // What goes through tunnels ends with this.
        let (_open, is_closed) = watch::channel(());
        let outward = Some(Arc::new(Outward::new(exit, is_closed)));
        let served = Served { passing: Arc::new(Passing::new(gate, shared)), outward, is_inside: false };
        tokio::select! {
            () = async {
                let Ok(listener) = taken_over(socket, &is_open).await else { return };
                accept(listener, Arc::new(served)).await;
            } => {}
            _ = closed => {}
        }
    }
}

async fn taken_over(socket: UnixStream, is_open: &AtomicBool) -> io::Result<std::net::TcpListener> {
    let socket = tokio::net::UnixStream::from_std(socket)?;
    let handed = socket.as_fd().try_clone_to_owned().map(UnixStream::from)?;
    socket
        .async_io(Interest::READABLE, || {
            let listener = take_over(&handed)?;
            is_open.store(true, Ordering::Release);
            Ok(listener)
        })
        .await
}

/// Where a request wants to go.
enum Target {
    /// To the gateway itself, through a tunnel.
    Gateway,
    /// Through a tunnel.
    Tunnel(String, u16),
    /// To another host.
    Host(String, u16),
    /// It names nothing that could be reached.
    Nothing,
}

/// The target of a request; `None` for one that is put to the gateway.
fn target(request: &Request<Incoming>) -> Option<Target> {
    let uri = request.uri();
    let host = uri.host().unwrap_or_default().to_owned();
    let is_own = host == Ipv4Addr::LOCALHOST.to_string() && uri.port_u16() == Some(DOOR_PORT);
    match (request.method() == Method::CONNECT, uri.scheme_str()) {
        (true, _) if is_own => Some(Target::Gateway),
        (true, _) => Some(uri.port_u16().map_or(Target::Nothing, |port| Target::Tunnel(host, port))),
        (false, Some("http")) if !is_own => Some(Target::Host(host, uri.port_u16().unwrap_or(HTTP))),
        (false, Some("http") | None) => None,
        (false, Some(_)) => Some(Target::Nothing),
    }
}

/// Answers a request, which may be one for another host.
pub(super) async fn answer(served: Arc<Served>, request: Request<Incoming>) -> Response<Passed> {
    let Some((outward, target)) = served.outward.clone().zip(target(&request)) else {
        return Arc::clone(&served.passing).answer(request).await;
    };
    match target {
        Target::Gateway if served.is_inside => {
            made(Answer::words(400, "cargo-scylla: this is a tunnel to the gateway, in which there is no other one"))
        }
        Target::Gateway => {
            let Some(room) = outward.enter().await else {
                return made(Answer::words(503, "cargo-scylla: the gateway is closed"));
            };
            let mut closed = outward.closed.clone();
            let inside = Served { passing: Arc::clone(&served.passing), outward: Some(outward), is_inside: true };
            tokio::spawn(async move {
                let _room = room;
                let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
                tokio::select! {
                    () = connection(upgraded, Arc::new(inside)) => {}
                    _ = closed.changed() => {}
                }
            });
            opened()
        }
        Target::Tunnel(host, port) => match outward.reach(Asks::Tunnel, host, port).await {
            Ok((mut stream, way)) => {
                let mut closed = outward.closed.clone();
                tokio::spawn(async move {
                    let _way = way;
                    let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
                    let mut upgraded = TokioIo::new(upgraded);
                    tokio::select! {
                        // How it ends is of interest to both ends alone.
                        _ = copy_bidirectional(&mut upgraded, &mut stream) => {}
                        _ = closed.changed() => {}
                    }
                });
                opened()
            }
            Err(trouble) => made(trouble.answer()),
        },
        Target::Host(host, port) => match outward.reach(Asks::Answer, host, port).await {
            Ok((stream, way)) => outward.send(request, stream, way).await,
            Err(trouble) => made(trouble.answer()),
        },
        Target::Nothing => {
            made(Answer::words(400, "cargo-scylla: this way leads to hosts by `CONNECT HOST:PORT` and `http:` alone"))
        }
    }
}

/// The answer after which a tunnel begins.
fn opened() -> Response<Passed> {
    made(Answer { status: 200, headers: Vec::new(), body: Vec::new() })
}
