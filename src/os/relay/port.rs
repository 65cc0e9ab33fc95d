//! Where one program connects that has a network: a port of its own, which is closed when its attempt is over.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::door::Served;
use super::passing::{Passing, Shared};
use super::{Gate, accept};

/// A port. It is closed when this is dropped; what is on its way breaks off then.
#[derive(Debug)]
pub struct Port {
    address: SocketAddr,
    _closed: oneshot::Sender<()>,
}

/// What is to be served.
pub(super) struct Opening {
    listener: TcpListener,
    gate: Arc<dyn Gate>,
    closed: oneshot::Receiver<()>,
}

impl Port {
    pub(super) fn new(gate: Arc<dyn Gate>) -> io::Result<(Self, Opening)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (close, closed) = oneshot::channel();
        Ok((Self { address, _closed: close }, Opening { listener, gate, closed }))
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Opening {
    /// Serves it until it is closed.
    pub(super) async fn serve(self, shared: Shared) {
        let served = Served { passing: Arc::new(Passing::new(self.gate, shared)), outward: None, is_inside: false };
        tokio::select! {
            () = accept(self.listener, Arc::new(served)) => {}
            _ = self.closed => {}
        }
    }
}
