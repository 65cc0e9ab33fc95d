//! Nodes that are machines of their own as far as the kernel can make them: in namespaces, on a bridge that can be cut.

use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::config::Address;

/// The network of a cluster, in which its controller is and each node hangs on a bridge. It is there until it is dropped.
pub(super) struct Apart {
    holder: Child,
}

/// Makes the bridge, says so, and holds the namespaces until its input ends, which is when the test does.
const HOLD: &str = "echo ctl > /proc/sys/kernel/hostname && ip link set lo up && ip link add br0 type bridge \
                    && ip addr add 10.77.0.1/24 dev br0 && ip link set br0 up && echo there && exec cat";

/// Ties a network to the bridge of the process `$1` as number `$2`, and is there the machine's only process, which starts the
/// program that follows. With its first process all of a machine ends.
const MACHINE: &str = r#"
bridge=$1; number=$2; shift 2
echo "n$number" > /proc/sys/kernel/hostname
ip link set lo up
ip link add eth0 type veth peer name "h$number" netns "$bridge"
ip addr add "10.77.0.$((number + 1))/24" dev eth0
ip link set eth0 up
nsenter --target "$bridge" --net ip link set "h$number" master br0 up
exec unshare --pid --fork --kill-child --mount-proc "$@"
"#;

/// The controller's place on the bridge.
pub(super) fn controller() -> Address {
    Address { host: "ctl".to_owned(), ip: Ipv4Addr::new(10, 77, 0, 1), port: 6817 }
}

/// A node's place on the bridge.
pub(super) fn node(number: u8) -> Address {
    Address { host: format!("n{number}"), ip: Ipv4Addr::new(10, 77, 0, number + 1), port: 6818 }
}

/// A program that has the name and the network of a process.
pub(super) fn command_at(process: i32, program: &Path) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["--target", &process.to_string(), "--net", "--uts", "--"]).arg(program);
    command
}

impl Apart {
    /// Makes the network; says why that cannot be.
    pub(super) fn begin() -> Result<Self, String> {
        let mut command = Command::new("unshare");
        command.args(["--net", "--uts", "sh", "-c", HOLD]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = command.stderr(Stdio::piped()).spawn().map_err(|error| format!("unshare: {error}"))?;
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line == "there\n" {
            return Ok(Self { holder });
        }
        let ended = holder.wait_with_output().unwrap();
        Err(String::from_utf8_lossy(&ended.stderr).into_owned())
    }

    pub(super) fn holder(&self) -> &Child {
        &self.holder
    }

    /// A program beside the controller.
    pub(super) fn command(&self, program: &Path) -> Command {
        command_at(i32::try_from(self.holder.id()).unwrap(), program)
    }

    /// A machine of its own, whose first program follows.
    pub(super) fn machine(&self, number: u8) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--net", "--uts", "sh", "-euc", MACHINE, "machine"]);
        command.args([self.holder.id().to_string(), number.to_string()]);
        command
    }

    /// Sets a node's cable `up` or `down`.
    #[track_caller]
    pub(super) fn link(&self, number: u8, state: &str) {
        let mut command = self.command(Path::new("ip"));
        let done = command.args(["link", "set", &format!("h{number}"), state]).status().unwrap();
        assert!(done.success());
    }

    /// Takes a node's cable away, which the kernel would do a moment after the end of the node.
    pub(super) fn unlink(&self, number: u8) {
        let mut command = self.command(Path::new("ip"));
        let _ = command.args(["link", "delete", &format!("h{number}")]).stderr(Stdio::null()).status();
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
