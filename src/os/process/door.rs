//! The way out of a network of one's own: one port of its loopback, whose connections are taken outside of it.
//!
//! A namespace of networks has nothing but a loopback. Our own program is the first one in there: it listens at the port, hands the
//! listening socket over to whoever waits at the other end of its standard input, and becomes the program that was to be started.
//! A socket belongs to the namespace that it was made in, whoever has it. So nothing of ours stays inside that could be ended or
//! counted, and nothing lies in the file system.

use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

/// The word by which our own program is told to open a door.
pub const OPEN_DOOR: &str = "open-door";
/// The port. Each namespace has its own, so that it is free; it is none that programs which agents start ask for.
pub const DOOR_PORT: u16 = 21_731;
/// What goes with the socket, and what comes back when it was taken.
const MARK: u8 = b'\n';
/// The socket is taken within this time.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);

/// The inner side of a door, for one program.
#[derive(Debug)]
pub struct Doorway {
    /// Our own program.
    pub own: PathBuf,
    /// Where the listening socket is handed over.
    pub socket: OwnedFd,
}

impl Doorway {
    /// The words before those of a program that starts behind the door.
    pub(super) fn words(&self) -> [OsString; 2] {
        [self.own.clone().into(), OPEN_DOOR.into()]
    }

    /// The standard input of our own program.
    pub(super) fn stdin(&self) -> io::Result<Stdio> {
        self.socket.try_clone().map(Stdio::from)
    }
}

/// Opens a door, and becomes the program that `arguments` name.
///
/// # Errors
/// Why it could not.
pub fn open_door(arguments: &[OsString]) -> Result<(), String> {
    let (program, arguments) = arguments.split_first().ok_or("no program is named")?;
    hand_over().map_err(|error| format!("the port {DOOR_PORT} could not be opened to the gateway: {error}"))?;
    let error = Command::new(program).args(arguments).stdin(Stdio::null()).exec();
    Err(format!("`{}` cannot be started: {error}", program.display()))
}

fn hand_over() -> io::Result<()> {
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, DOOR_PORT))?;
    let handed = [listener.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    beside.push(SendAncillaryMessage::ScmRights(&handed));
    sendmsg(&socket, &[IoSlice::new(&[MARK])], &mut beside, SendFlags::NOSIGNAL)?;
    socket.set_read_timeout(Some(TAKEN_WITHIN))?;
    socket.read_exact(&mut [0])
}

/// Takes the listening socket that our own program hands over.
///
/// # Errors
/// [`io::ErrorKind::WouldBlock`] when it was not handed over yet; else when there will be none.
pub fn take_over(mut socket: &UnixStream) -> io::Result<TcpListener> {
    let mut mark = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(socket, &mut [IoSliceMut::new(&mut mark)], &mut beside, RecvFlags::CMSG_CLOEXEC)?;
    let mut handed = beside.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut sockets) => sockets.next(),
        _ => None,
    });
    let listener = handed.next().filter(|_| !received.flags.contains(ReturnFlags::CTRUNC)).map(TcpListener::from);
    let listener = listener.ok_or(io::ErrorKind::UnexpectedEof)?;
    listener.set_nonblocking(true)?;
    socket.write_all(&[MARK])?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_over_from_one_who_hands_nothing_over() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        assert_eq!(take_over(&ours).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        theirs.write_all(&[MARK]).unwrap();
        assert_eq!(take_over(&ours).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        drop(theirs);
        assert_eq!(take_over(&ours).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
