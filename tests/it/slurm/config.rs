//! What a cluster of tests is told of itself: its `slurm.conf`, and ports that are free.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};

/// How the parts of a cluster know each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Auth {
    /// They believe whatever they are told.
    Nothing,
    /// By a `munged` of the cluster's own.
    Munge,
}

/// Where a daemon listens.
#[derive(Debug, Clone)]
pub(super) struct Address {
    /// What the machine calls itself.
    pub(super) host: String,
    pub(super) ip: Ipv4Addr,
    pub(super) port: u16,
}

/// Folders below that of the cluster.
pub(super) const FOLDERS: [&str; 4] = ["run", "state", "log", "spool"];

/// The whole `slurm.conf`. Nodes are called `n1`, `n2` and so on. A node that is silent is given up after ten to thirty seconds,
/// which is as fast as Slurm can; the rest makes jobs start at once.
pub(super) fn text(folder: &Path, user: &str, auth: Auth, controller: &Address, nodes: &[Address]) -> String {
    let place = folder.display();
    let auth = match auth {
        Auth::Nothing => "AuthType=auth/none\nCredType=cred/none\n".to_owned(),
        Auth::Munge => {
            format!("AuthType=auth/munge\nAuthInfo=socket={place}/run/munge.sock\nCredType=cred/munge\n")
        }
    };
    let Address { host, ip, port } = controller;
    let mut text = format!(
        "ClusterName=scylla\nSlurmctldHost={host}({ip})\nSlurmctldPort={port}\nSlurmUser={user}\nSlurmdUser={user}\n{auth}\
         SlurmctldPidFile={place}/run/slurmctld.pid\nSlurmdPidFile={place}/run/slurmd.%n.pid\n\
         SlurmdSpoolDir={place}/spool/%n\nStateSaveLocation={place}/state\n\
         SlurmctldLogFile={place}/log/slurmctld.log\nSlurmdLogFile={place}/log/slurmd.%n.log\n\
         JobCompType=jobcomp/filetxt\nJobCompLoc={place}/log/jobcomp.txt\n"
    );
    text.push_str(SAME_EVERYWHERE);
    for (number, Address { host, ip, port }) in (1..).zip(nodes) {
        let node = format!("n{number} NodeHostname={host} NodeAddr={ip} Port={port}");
        writeln!(text, "NodeName={node} CPUs={CPUS} RealMemory=4000 State=UNKNOWN").unwrap();
    }
    let count = nodes.len();
    writeln!(text, "PartitionName=main Nodes=n[1-{count}] Default=YES MaxTime=INFINITE State=UP").unwrap();
    writeln!(text, "PartitionName=last Nodes=n{count} MaxTime=INFINITE State=UP").unwrap();
    text
}

/// What lies beside it in `cgroup.conf`. Nothing is done with control groups; any other plugin refuses to start where they are not
/// mounted, or without systemd.
pub(super) const CGROUP: &str = "CgroupPlugin=cgroup/v1\n";

/// How many processors each node says that it has.
pub(super) const CPUS: u8 = 4;

/// What does not depend on where a cluster lies. Without `config_overrides` a node must have the processors that it names; a node
/// that was silent returns by itself, and one that a person took out of service does not.
const SAME_EVERYWHERE: &str = "\
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=1
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0,sched_min_interval=10000
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
SlurmctldTimeout=3
SlurmdTimeout=5
TCPTimeout=2
MessageTimeout=5
InactiveLimit=0
MinJobAge=300
KillWait=3
MaxArraySize=20001
MaxJobCount=50000
JobRequeue=1
";

/// A port of 127.0.0.1 on which nobody listens. Ports that the kernel gives to whoever asks for any begin above, so that none
/// of the tests beside this one is given it before its daemon listens.
pub(super) fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap();
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let ports = std::iter::repeat_with(|| {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        FIRST + (start.wrapping_add(step)) % COUNT
    });
    ports.take(usize::from(COUNT)).find(is_free).unwrap()
}
