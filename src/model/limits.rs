//! Bounds on everything that comes from outside, each with a name and a reason, and those of a session.

use std::time::Duration;

use super::money::Usd;

/// The bounds of a session, from the config's operational fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Runs in flight at once.
    pub jobs: usize,
    /// How many times a run is tried in one session when infrastructure fails.
    pub attempts: u32,
    /// Ceiling of the cost of all attempts and judges.
    pub max_cost: Option<Usd>,
    /// How long the experiment may be worked on, in all sessions.
    pub max_time: Option<Duration>,
    /// How many times in a row the same failure stops its tier.
    pub systemic_failures: u32,
    /// Longest wait for the rate limits of a model in total.
    pub rate_limit: Duration,
}

/// Largest `run_result.json`, `judgment.json` or other stage file that is read, in bytes: a thousand times a usual one.
pub const MOST_STAGE_FILE_BYTES: u64 = 8 << 20;
/// Largest `checkpoint.json` that is read, in bytes: ten million runs.
pub const MOST_CHECKPOINT_BYTES: u64 = 256 << 20;
/// Largest seal of a whole experiment that is read, in bytes: ten million files.
pub const MOST_SEAL_BYTES: u64 = 1 << 30;
/// Largest table of results that is read, in bytes: a hundred thousand runs with what judges said of them.
pub const MOST_TABLE_BYTES: u64 = 256 << 20;
/// Largest file of a fixture that is read as text, in bytes.
pub const MOST_FIXTURE_FILE_BYTES: u64 = 4 << 20;
/// Most files of a fixture's folder, so that a wrong `--tiers-dir` does not copy a disk.
pub const MOST_FIXTURE_FILES: usize = 50_000;
/// Most files and folders that are kept of what an agent leaves in its record folder.
pub const MOST_RECORD_FILES: usize = 1000;
/// Most bytes of them.
pub const MOST_RECORD_BYTES: u64 = 64 << 20;
/// Deepest folder of them.
pub const MOST_RECORD_DEPTH: usize = 16;
/// Most steps of an agent that are shown: more than anybody reads.
pub const MOST_STEPS: usize = 10_000;
/// Longest text of one, in bytes.
pub const MOST_STEP_BYTES: usize = 64 << 10;
/// Longest name of a tool in one, in bytes.
pub const MOST_TOOL_NAME_BYTES: usize = 200;
/// Most bytes of recorded runs that an experiment keeps to play them back.
pub const MOST_RECORDED_BYTES: u64 = 1 << 30;
/// Largest patch that is kept, in bytes.
pub const MOST_PATCH_BYTES: u64 = 256 << 20;
/// Most bytes of the stdout and stderr of an agent, check or judge together, by default.
pub const OUTPUT_BYTES: u64 = 64 << 20;
/// Longest time that a flag may name, in seconds: almost four months.
pub const MOST_SECONDS: u64 = 10_000_000;
/// Wall clock limit of an agent when neither flag nor fixture says one, in seconds.
pub const AGENT_SECONDS: u64 = 3600;
/// Wall clock limit of a judge when the fixture says none, in seconds.
pub const JUDGE_SECONDS: u64 = 1200;
/// Wall clock limit of a check when the fixture says none, in seconds.
pub const CHECK_SECONDS: u64 = 600;
/// Time between TERM and KILL, in seconds.
pub const GRACE_SECONDS: u64 = 10;
/// Most runs of a subtest that can be planned.
pub const MOST_RUNS_PER_SUBTEST: u32 = 100_000;
/// Most runs of an experiment that can be planned: each missing one is kept in memory and reported.
pub const MOST_PLANNED_RUNS: usize = 1_000_000;
/// Most runs of a subtest in an experiment of another tool: its tiers may have a hundred subtests together.
pub const MOST_FOREIGN_RUNS: u32 = 10_000;
/// Most runs in flight at once: each has threads and processes.
pub const MOST_JOBS: u32 = 4096;
/// Runs that are submitted to a cluster at once when nobody says how many.
pub const CLUSTER_JOBS: u32 = 100;
/// Most attempts of a run in one session.
pub const MOST_ATTEMPTS: u32 = 1000;
/// How many times a run is tried when infrastructure fails, by default.
pub const ATTEMPTS: u32 = 3;
/// How many times in a row the same infrastructure failure stops its tier for the session.
pub const SYSTEMIC_FAILURES: u32 = 5;
/// Longest wait for the rate limits of a model in total, in seconds: one day.
pub const RATE_LIMIT_SECONDS: u64 = 24 * 3600;
/// Wait for a rate limit that names no time, in seconds.
pub const RATE_LIMIT_DEFAULT_SECONDS: u64 = 60;
/// How long the gateway holds a request back at most, in seconds.
pub const HOLD_SECONDS: u64 = 120;
/// Longest value of an environment variable for an agent, in bytes; the kernel's own limit is 128 KiB.
pub const MOST_VARIABLE_BYTES: usize = 96 << 10;
/// Largest report of another tool that is read, in bytes: it contains every result of a tier.
pub const MOST_REPORT_BYTES: u64 = 64 << 20;
/// Deepest folder that is walked below a run or a fixture.
pub const MOST_DEPTH: usize = 64;
