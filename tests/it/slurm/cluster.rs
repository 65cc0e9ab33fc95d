//! A cluster of one test: its own slurmctld and nodes below the world's folder, as children of the test, which can be killed,
//! stopped, cut off and started again one by one.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::apart::{self, Apart};
use super::config::{self, Address, Auth};
use super::processes;
use super::there::{self, Turn};
use crate::scenes::output;
use crate::world::{Output, PATIENCE, World, wait_until};

/// Mounts the folder `$1` at `$2`, too, and becomes the program that follows.
const MOUNT: &str = r#"mount --bind "$1" "$2"; shift 2; exec "$@""#;

/// A cluster, until it is dropped: then nothing of it is alive. It has to be dropped before its world.
pub(crate) struct Cluster {
    pub(super) world: PathBuf,
    pub(super) folder: PathBuf,
    /// Where all of it runs, when that is not simply here.
    apart: Option<Apart>,
    munge: Option<Child>,
    controller: Option<Child>,
    nodes: Vec<Option<Child>>,
    _turn: Turn,
}

impl Cluster {
    /// A cluster whose nodes are daemons of this machine on 127.0.0.1; `None`, said aloud, where that cannot be.
    #[track_caller]
    pub(crate) fn start(world: &World, nodes: u8, auth: Auth) -> Option<Self> {
        there::is_there().then(|| Self::begin(world, nodes, auth, None))?
    }

    /// A cluster whose nodes are machines of their own as far as the kernel can make them: each has its own network, name and
    /// processes, and hangs on a bridge beside the controller, where the product's commands run too. All share the world's
    /// folder. It takes root.
    #[track_caller]
    pub(crate) fn start_apart(world: &World, nodes: u8) -> Option<Self> {
        if !there::is_there() {
            return None;
        }
        match Apart::begin() {
            Ok(apart) => Self::begin(world, nodes, Auth::Nothing, Some(apart)),
            Err(why) => {
                there::cannot(&format!("nodes cannot be kept apart here: {why}"));
                None
            }
        }
    }

    #[track_caller]
    fn begin(world: &World, count: u8, auth: Auth, apart: Option<Apart>) -> Option<Self> {
        let turn = Turn::wait();
        let (world, folder) = (world.path("").components().as_path().to_owned(), world.path("slurm"));
        for name in config::FOLDERS {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        let is_apart = apart.is_some();
        let here = host();
        let (controller, nodes): (Address, Vec<Address>) = if is_apart {
            (apart::controller(), (1..=count).map(apart::node).collect())
        } else {
            let here = || Address { host: here.clone(), ip: Ipv4Addr::LOCALHOST, port: config::free_port() };
            (here(), (0..count).map(|_| here()).collect())
        };
        fs::write(folder.join("slurm.conf"), config::text(&folder, &user(), auth, &controller, &nodes)).unwrap();
        fs::write(folder.join("cgroup.conf"), config::CGROUP).unwrap();
        let nodes = nodes.iter().map(|_| None).collect();
        let mut cluster = Self { world, folder, apart, munge: None, controller: None, nodes, _turn: turn };
        if auth == Auth::Munge {
            cluster.start_munge();
        }
        cluster.launch_controller(&["-c"]);
        (1..=count).for_each(|node| cluster.start_node(node));
        let started = cluster.all_idle(Duration::from_mins(1));
        if let Err(why) = started {
            there::cannot(&format!("the cluster does not start: {why}"));
            return None;
        }
        Some(cluster)
    }

    /// What commands of the product need to find the cluster.
    pub(crate) fn env(&self) -> [(&'static str, PathBuf); 1] {
        [("SLURM_CONF", self.folder.join("slurm.conf"))]
    }

    /// The product with these arguments where it finds the cluster, not started yet.
    pub(crate) fn command(&self, world: &World, arguments: &[&str]) -> Command {
        let mut command = self.inside(Path::new(env!("CARGO_BIN_EXE_cargo-scylla")));
        self.product(&mut command, world, arguments);
        command
    }

    /// The product in whose sight alone a folder is at another place, too. It takes root.
    pub(crate) fn command_beside_mount(&self, world: &World, mount: [&Path; 2], arguments: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-euc", MOUNT, "mount"]).args(mount).arg(env!("CARGO_BIN_EXE_cargo-scylla"));
        self.product(&mut command, world, arguments);
        command
    }

    fn product(&self, command: &mut Command, world: &World, arguments: &[&str]) {
        command.arg("scylla").args(arguments).current_dir(&self.world);
        world.seal(command);
        command.envs(self.env());
    }

    /// The same on a node's machine, where nodes are kept apart: under its name and in its network.
    pub(crate) fn command_on(&self, node: u8, world: &World, arguments: &[&str]) -> Command {
        let mut command = apart::command_at(self.slurmd(node), Path::new(env!("CARGO_BIN_EXE_cargo-scylla")));
        self.product(&mut command, world, arguments);
        command
    }

    /// Runs the product to its end.
    #[track_caller]
    pub(crate) fn scylla(&self, world: &World, arguments: &[&str]) -> Output {
        output(&mut self.command(world, arguments))
    }

    /// SIGKILL for slurmctld.
    #[track_caller]
    pub(crate) fn kill_controller(&mut self) {
        let mut controller = self.controller.take().unwrap();
        controller.kill().unwrap();
        controller.wait().unwrap();
    }

    /// Starts slurmctld with the state that it left, and waits until it answers.
    #[track_caller]
    pub(crate) fn start_controller(&mut self) {
        self.launch_controller(&[]);
        let deadline = Instant::now() + PATIENCE;
        while self.try_tool("scontrol", &["ping"]).code != Some(0) {
            assert!(Instant::now() < deadline, "slurmctld does not answer\n{}", self.log("slurmctld.log"));
        }
    }

    /// Starts a node that is not there.
    #[track_caller]
    pub(crate) fn start_node(&mut self, node: u8) {
        let name = format!("n{node}");
        fs::create_dir_all(self.folder.join("spool").join(&name)).unwrap();
        let (slurmd, conf) = (there::program("slurmd").unwrap(), self.folder.join("slurm.conf"));
        let mut command = match &self.apart {
            Some(apart) => apart.machine(node),
            None => Command::new(&slurmd),
        };
        if self.apart.is_some() {
            command.arg(&slurmd);
        }
        command.args(["-D", "-N", &name, "-f"]).arg(conf);
        self.nodes[usize::from(node) - 1] = Some(self.bare(&mut command).spawn().unwrap());
    }

    /// SIGKILL for a node. Where nodes are kept apart, all that it ran ends with it, as if its power were cut; else its slurmd
    /// alone, and its jobs go on.
    #[track_caller]
    pub(crate) fn kill_node(&mut self, node: u8) {
        let mut killed = self.nodes[usize::from(node) - 1].take().unwrap();
        killed.kill().unwrap();
        killed.wait().unwrap();
        if let Some(apart) = &self.apart {
            apart.unlink(node);
        }
    }

    /// SIGSTOP for a node's slurmd: it answers no more, and its jobs go on.
    #[track_caller]
    pub(crate) fn stop_node(&self, node: u8) {
        processes::signal(self.slurmd(node), Signal::STOP);
    }

    /// SIGCONT for a node's slurmd.
    #[track_caller]
    pub(crate) fn continue_node(&self, node: u8) {
        processes::signal(self.slurmd(node), Signal::CONT);
    }

    /// SIGSTOP for all that a node runs, where nodes are kept apart: its slurmd, and jobs with all that they started.
    #[track_caller]
    pub(crate) fn freeze_node(&self, node: u8) {
        self.signal_node(node, Signal::STOP);
    }

    /// SIGCONT for it.
    #[track_caller]
    pub(crate) fn thaw_node(&self, node: u8) {
        self.signal_node(node, Signal::CONT);
    }

    /// Takes a node out of service at once: its jobs fail and are queued again.
    #[track_caller]
    pub(crate) fn down(&self, node: u8) {
        self.scontrol(&["update", &format!("nodename=n{node}"), "state=down", "reason=test"]);
    }

    /// Puts a node into service again.
    #[track_caller]
    pub(crate) fn up(&self, node: u8) {
        self.scontrol(&["update", &format!("nodename=n{node}"), "state=resume"]);
    }

    /// Cuts a node off from all others, where nodes are kept apart.
    #[track_caller]
    pub(crate) fn partition(&self, node: u8) {
        self.apart.as_ref().unwrap().link(node, "down");
    }

    /// Ends that.
    #[track_caller]
    pub(crate) fn heal(&self, node: u8) {
        self.apart.as_ref().unwrap().link(node, "up");
    }

    #[track_caller]
    fn signal_node(&self, node: u8, signal: Signal) {
        assert!(self.apart.is_some());
        // What the last of them was starting is seen the next time.
        for _ in 0..2 {
            processes::signal_below(self.slurmd(node), signal);
        }
    }

    fn slurmd(&self, node: u8) -> i32 {
        let child = id(self.nodes[usize::from(node) - 1].as_ref().unwrap());
        if self.apart.is_some() { processes::child_named(child, "slurmd").unwrap() } else { child }
    }

    pub(super) fn inside(&self, program: &Path) -> Command {
        match &self.apart {
            Some(apart) => apart.command(program),
            None => Command::new(program),
        }
    }

    /// Nothing of the test's environment, input and output.
    pub(super) fn bare<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env_clear().env("PATH", there::search_path()).env("HOME", self.world.join("home")).envs(self.env());
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
    }

    fn launch_controller(&mut self, arguments: &[&str]) {
        let mut command = self.inside(&there::program("slurmctld").unwrap());
        self.bare(&mut command).args(["-D", "-f"]).arg(self.folder.join("slurm.conf")).args(arguments);
        self.controller = Some(command.spawn().unwrap());
    }

    fn start_munge(&mut self) {
        let (run, log) = (self.folder.join("run"), self.folder.join("log/munged.log"));
        let key = run.join("munge.key");
        let random: Vec<u8> = std::iter::repeat_with(uuid).take(64).flatten().collect();
        fs::write(&key, random).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
        let mut command = Command::new(there::program("munged").unwrap());
        self.bare(&mut command).args(["--foreground", "--force", "--num-threads=2"]);
        let files = [
            ("key-file", key),
            ("socket", run.join("munge.sock")),
            ("pid-file", run.join("munged.pid")),
            ("log-file", log),
        ];
        for (option, file) in files {
            command.arg(format!("--{option}={}", file.display()));
        }
        command.arg(format!("--seed-file={}", run.join("munge.seed").display()));
        self.munge = Some(command.spawn().unwrap());
        wait_until("munged listens", || run.join("munge.sock").exists());
    }

    /// Waits until every node can take a job.
    fn all_idle(&mut self, longest: Duration) -> Result<(), String> {
        let deadline = Instant::now() + longest;
        loop {
            let seen = self.try_tool("sinfo", &["-h", "-N", "-p", "main", "-o", "%t"]);
            if seen.code == Some(0) && seen.stdout.lines().filter(|state| *state == "idle").count() == self.nodes.len()
            {
                return Ok(());
            }
            let ended = self.controller.as_mut().unwrap().try_wait().unwrap();
            if ended.is_some() || Instant::now() > deadline {
                let logs = [self.log("slurmctld.log"), self.log("slurmd.n1.log")].join("\n");
                return Err(format!("{seen}\n{ended:?}\n{logs}"));
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// What was started for it and is not waited for yet.
    pub(super) fn children(&self) -> Vec<i32> {
        let daemons = self.nodes.iter().flatten().chain(&self.controller).chain(&self.munge);
        daemons.chain(self.apart.as_ref().map(Apart::holder)).map(id).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Twice at least: what was being started while it was looked is seen the next time.
        let deadline = Instant::now() + Duration::from_secs(20);
        let conf = self.folder.join("slurm.conf");
        while processes::end(&self.world, &conf, &self.children()) && Instant::now() < deadline {
            for child in self.nodes.iter_mut().flatten().chain(&mut self.controller).chain(&mut self.munge) {
                let _ = child.try_wait();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        for child in self.nodes.iter_mut().flatten().chain(&mut self.controller).chain(&mut self.munge) {
            let _ = child.wait();
        }
    }
}

fn id(child: &Child) -> i32 {
    i32::try_from(child.id()).unwrap()
}

/// What this machine calls itself, without a domain: how Slurm knows it.
fn host() -> String {
    let system = rustix::system::uname();
    system.nodename().to_str().unwrap().split('.').next().unwrap().to_owned()
}

/// Who runs the tests, and so the whole cluster.
fn user() -> String {
    let id = rustix::process::getuid().as_raw().to_string();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let names = users.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    });
    names.into_iter().next().unwrap_or(id)
}

/// Sixteen bytes that nobody can guess.
fn uuid() -> Vec<u8> {
    fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap().trim().as_bytes().to_vec()
}
