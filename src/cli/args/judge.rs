//! Arguments of the commands about judges.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::args::fixture::OverrideFlags;
use crate::cli::args::values;
use crate::model::experiment::ContainmentChoice;
use crate::model::gold::MOST_DRIFT;
use crate::model::limits::{MOST_ATTEMPTS, MOST_JOBS};

/// Commands on judges.
#[derive(Debug, Subcommand)]
pub enum Judge {
    /// Measure how far each judge of a fixture is from its gold examples
    ///
    /// A gold example is a file `expected/gold/NAME.yaml`: a patch, and the scores that it deserves. Each judge grades each example
    /// in a fresh tree, as it would grade a run; checks are carried out for that, agents are not started. Judges that ask a model
    /// cost money. Exits with 7 when a judge drifts beyond the limit, and with 6 when one gave no answer.
    Check(Check),
}

/// Flags of a session that checks its judges before it starts an agent.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Judges")]
pub struct CheckFirst {
    /// Check every judge against the gold examples of the fixture before an agent is started
    ///
    /// As `judge check` does, if anything is left to do. When a judge drifts beyond the limit (exit 7) or gives no answer (exit 6),
    /// no agent is started. What was found is kept in `config/judge-checks/`. Judges that ask a model cost money, which no ceiling
    /// of the experiment counts.
    #[arg(long)]
    pub check_judges: bool,
    /// The largest distance between the score that a judge gives an example and the score that it deserves
    #[arg(long, value_name = "SCORE", requires = "check_judges", default_value_t = MOST_DRIFT, value_parser = values::share, allow_negative_numbers = true)]
    pub max_drift: f64,
}

/// Arguments of `judge check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The fixture: a folder with `test.yaml` [default: `tiers-dir` of the settings]
    pub fixture: Option<PathBuf>,
    /// How often each judge is asked about each example
    #[arg(long, value_name = "N", default_value = "1", value_parser = values::count::<1, 1000>, allow_negative_numbers = true)]
    pub repeat: u32,
    /// The largest distance between the mean score that a judge gives an example and the score that it deserves
    #[arg(long, value_name = "SCORE", default_value_t = MOST_DRIFT, value_parser = values::share, allow_negative_numbers = true)]
    pub max_drift: f64,
    /// Model of judges that leave it open
    #[arg(long, value_name = "MODEL")]
    pub judge_model: Option<String>,
    /// How many answers are waited for at once [default: the number of cores]
    #[arg(short, long, value_name = "N", value_parser = values::count::<1, MOST_JOBS>, allow_negative_numbers = true)]
    pub jobs: Option<u32>,
    /// How often a judge is asked that fails [default: 3]
    #[arg(long, value_name = "N", value_parser = values::count::<1, MOST_ATTEMPTS>, allow_negative_numbers = true)]
    pub attempts: Option<u32>,
    /// How long each judge waits for the rate limits of its model in total, such as `90s`, `30m` or `6h` [default: 24h]
    #[arg(long, value_name = "TIME", value_parser = values::seconds, allow_negative_numbers = true)]
    pub max_pause: Option<u64>,
    /// How the processes of checks and judges are held together, as in `run` [default: auto]
    #[arg(long, value_name = "HOW")]
    pub containment: Option<ContainmentChoice>,
    /// What is said of the fixture.
    #[command(flatten)]
    pub overrides: OverrideFlags,
}
