//! The way out of a network of one's own: one port of its loopback, whose connections are taken outside of it.
//!
//! A namespace of networks has nothing but a loopback. Our own program is the first one in there: it listens at the port, hands the
//! listening socket over to whoever waits at the other end of its standard input, and becomes the program that was to be started.
//! A socket belongs to the namespace that it was made in, whoever has it. So nothing of ours stays inside that could be ended or
//! counted, and nothing lies in the file system.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
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
/// Where our own program, and what it needs, is shown in the files of an image.
const IN_IMAGE: &str = "/.cargo-scylla";
/// Its name there.
const OWN_NAME: &str = "cargo-scylla";
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

    /// The same in the files of an image, whose libraries may be others: what bubblewrap is told to show there, and the words. Our own program
    /// is started by the loader and with the libraries that it has here; one that needs none is started as it is.
    pub(super) fn in_image(&self) -> io::Result<(Vec<OsString>, Vec<OsString>)> {
        let place = |name: &OsStr| Path::new(IN_IMAGE).join(name);
        let (own, here) = (place(OWN_NAME.as_ref()), fs::canonicalize("/proc/self/exe")?);
        let mut shown = vec![(self.own.clone(), own.clone())];
        let mut words = vec![own.into(), OPEN_DOOR.into()];
        for library in mapped(&fs::read_to_string("/proc/self/maps")?).into_iter().filter(|path| *path != here) {
            let Some(name) = library.file_name() else { continue };
            let names = names_of(&library)?;
            if is_loader(name) {
                let library_path = ["--library-path".into(), IN_IMAGE.into()];
                words.splice(0..0, [place(name).into()].into_iter().chain(library_path));
            }
            shown.extend(names.iter().map(|name| (library.clone(), place(name))));
        }
        let mount = |(from, to): (PathBuf, PathBuf)| ["--ro-bind".into(), from.into(), to.into()];
        Ok((shown.into_iter().flat_map(mount).collect(), words))
    }

    /// The standard input of our own program.
    pub(super) fn stdin(&self) -> io::Result<Stdio> {
        self.socket.try_clone().map(Stdio::from)
    }
}

/// The files that a process runs code of.
fn mapped(maps: &str) -> BTreeSet<PathBuf> {
    let path = |line: &str| {
        let (rights, path) = (line.split_ascii_whitespace().nth(1)?, line.find('/').map(|at| &line[at..])?);
        rights.contains('x').then(|| PathBuf::from(path))
    };
    maps.lines().filter_map(path).collect()
}

/// Whether a library is the one that loads programs and their libraries.
fn is_loader(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    ["ld-", "ld64.", "ld."].iter().any(|begin| name.starts_with(begin)) && name.contains(".so")
}

/// The names by which a library may be asked for: its own, and those of links to it that lie beside it.
fn names_of(library: &Path) -> io::Result<BTreeSet<OsString>> {
    let own = library.file_name().unwrap_or_default();
    let mut names = BTreeSet::from([own.to_owned()]);
    for entry in fs::read_dir(library.parent().unwrap_or(library))? {
        let entry = entry?;
        if fs::read_link(entry.path()).is_ok_and(|target| target.file_name() == Some(own)) {
            names.insert(entry.file_name());
        }
    }
    Ok(names)
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
    fn what_a_process_runs_code_of_is_read_from_its_maps_and_a_library_has_the_names_of_its_links() {
        let maps = "7f01-7f02 r-xp 00000000 08:01 42 /usr/lib/libc-2.31.so\n7f02-7f03 r--p 00000000 08:01 43 /usr/share/x\n\
            7f04-7f05 r-xp 00000000 00:00 0 [vdso]\n7f06-7f07 r-xp 00000000 08:01 44 /a folder/ld-linux-x86-64.so.2\n";
        let found: Vec<PathBuf> = mapped(maps).into_iter().collect();
        assert_eq!(found, [Path::new("/a folder/ld-linux-x86-64.so.2"), Path::new("/usr/lib/libc-2.31.so")]);
        let is = |name: &str| is_loader(name.as_ref());
        assert!(is("ld-linux-x86-64.so.2") && is("ld-2.31.so") && is("ld-musl-x86_64.so.1") && is("ld64.so.2"));
        assert!(!is("libdl.so.2") && !is("ld-tool") && !is("libc.so.6"));
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("libc-2.31.so");
        fs::write(&library, "").unwrap();
        for (link, target) in [("libc.so.6", "libc-2.31.so"), ("libm.so.6", "libm-2.31.so")] {
            std::os::unix::fs::symlink(target, folder.path().join(link)).unwrap();
        }
        let names: Vec<OsString> = names_of(&library).unwrap().into_iter().collect();
        assert_eq!(names, ["libc-2.31.so", "libc.so.6"]);
    }

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
