//! Flags of how the work is done, which take effect on a resume too.

use clap::Args;

use crate::cli::args::cluster::ClusterFlags;
use crate::cli::args::values;
use crate::model::exchange::GatewayUse;
use crate::model::experiment::{ContainmentChoice, KeepWorkspaces};
use crate::model::limits::{MOST_ATTEMPTS, MOST_JOBS};
use crate::model::money::Usd;
use crate::model::tape::RecordChoice;

/// Flags of how the work is done; they take effect on resume.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Operation")]
pub struct OperationFlags {
    /// Runs in flight at once [default: the number of cores; 100 on a cluster, where waiting jobs count]
    #[arg(short, long, value_name = "N", value_parser = values::count::<1, MOST_JOBS>, allow_negative_numbers = true)]
    pub jobs: Option<u32>,
    /// How often a run is tried in one session when infrastructure fails [default: 3]
    ///
    /// A run whose attempts are used up is missing, not failed. A resume tries it again.
    #[arg(long, value_name = "N", value_parser = values::count::<1, MOST_ATTEMPTS>, allow_negative_numbers = true)]
    pub attempts: Option<u32>,
    /// Ceiling of the cost in US dollars; every attempt and judge counts
    ///
    /// Nothing more is started when what was spent, and the mean cost of a run for each run in flight and one more, would
    /// exceed it. Runs in flight end; a resume with a higher ceiling goes on. It cannot hold what agents and judges do not say
    /// that they cost: such an attempt counts as the dearest run of its tier, or as nothing while none is known.
    #[arg(long, value_name = "USD", value_parser = values::dollars, allow_negative_numbers = true)]
    pub max_cost_usd: Option<Usd>,
    /// How long the experiment may be worked on in all its sessions, such as `90m`, `8h` or `2d`
    ///
    /// Nothing more is started after that. Runs in flight end; a resume with a longer time goes on. Only the time of sessions counts,
    /// what they wait for rate limits too: not the time between them, nor a pause by Ctrl-Z.
    #[arg(long, value_name = "TIME", value_parser = values::seconds, allow_negative_numbers = true)]
    pub max_time: Option<u64>,
    /// How long a session waits for the rate limits of one model in total, such as `90s`, `30m` or `6h` [default: 24h]
    ///
    /// When its provider asks for more, nothing more that needs the model is started; other models go on. The time of a limit is
    /// kept, and a resume with a longer pause waits for it.
    #[arg(long, value_name = "TIME", value_parser = values::seconds, allow_negative_numbers = true)]
    pub max_pause: Option<u64>,
    /// Ask at once, although a provider named a later time when it was asked last
    ///
    /// Without it nothing starts before the time that a rate limit of a former session named.
    #[arg(long)]
    pub ignore_rate_limit: bool,
    /// Which workspaces stay after their run is committed [default: none]
    ///
    /// The patch is always kept, and `checkout` rebuilds the tree from it.
    #[arg(long, value_name = "WHICH")]
    pub keep_workspaces: Option<KeepWorkspaces>,
    /// How the processes of a run are held together, so that none outlives it [default: auto]
    ///
    /// `auto` takes the strongest that works here: a pid namespace by bubblewrap, a control group, or a walk of descendants.
    #[arg(long, value_name = "HOW")]
    pub containment: Option<ContainmentChoice>,
    /// What the gateway to models is for, through which agents ask them [default: meter]
    ///
    /// `meter`: agent programs ask through it, with a key that is their attempt's own in place of the real one, and what each answer took is
    /// recorded as it comes. `require`: every agent does, and an attempt that asked no model there has failed. `off`: there is none,
    /// and agents are given the real keys.
    #[arg(long, value_name = "USE")]
    pub gateway: Option<GatewayUse>,
    /// How long the gateway holds back a request whose provider asks to wait, such as `90s` [default: 2m]
    ///
    /// The agent does not learn of the rate limit then. It is passed on when its provider asks for more. `0s` holds nothing back.
    #[arg(long, value_name = "TIME", value_parser = values::seconds_or_none, allow_negative_numbers = true)]
    pub hold: Option<u64>,
    /// What is kept of what agents ask their models through the gateway [default: none]
    ///
    /// `exchanges`: requests with their answers, without keys and secrets, so that `run --replay` can give them again. `none`: only what each
    /// answer took.
    #[arg(long, value_name = "WHAT")]
    pub record: Option<RecordChoice>,
    /// Where agents, checks and judges work, outside of every project [default: /var/tmp]
    ///
    /// Each attempt gets a folder of its own in `DIR/cargo-scylla-UID/`, which nobody else can look into and which is
    /// removed when the run is committed.
    #[arg(long, value_name = "DIR", value_parser = values::absolute_folder)]
    pub work_dir: Option<String>,
    /// Where workers run, and what their jobs may use.
    #[command(flatten)]
    pub cluster: ClusterFlags,
}
