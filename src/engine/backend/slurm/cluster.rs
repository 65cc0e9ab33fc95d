//! The programs of Slurm: what they are asked, and their answers in the forms that machines read.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::outcome::{Failure, FailureKind};
use crate::os::tool::{self, Stdout, Tool, ToolError, ToolOutput};
use crate::text::escape;

use super::queue::{BETWEEN, Listed, Named, listed};

/// The programs that are asked, without which no job can be.
pub(super) const PROGRAMS: [&str; 4] = ["sbatch", "squeue", "scontrol", "scancel"];
/// Variables that say which cluster is meant, and who asks.
const ITS_VARIABLES: [&str; 7] = ["SLURM_CONF", "SLURM_CLUSTERS", "HOME", "USER", "LOGNAME", "MUNGE_SOCKET", "TZ"];
/// A controller that is down is waited for by each program for about nine seconds.
const PATIENCE: Duration = Duration::from_mins(1);
/// What a person waits for is not waited for longer than this.
const SOON: Duration = Duration::from_secs(10);
/// Most bytes of an answer: about a hundred bytes for each job.
const MOST_BYTES: usize = 256 << 20;
/// Words of errors of which the next try may know better.
const PASSING: [&str; 9] = [
    "Unable to contact slurm controller",
    "Socket timed out",
    "Connection refused",
    "Zero Bytes were transmitted",
    "Transport endpoint is not connected",
    "Resource temporarily unavailable",
    "Communication connection failure",
    "Slurm backup controller in standby mode",
    "temporarily unable to accept job",
];
/// Words of refusals of more jobs than somebody may have at once; Slurm says the same of jobs that are too large.
const TOO_MANY: [&str; 3] = ["job submit limit", "SubmitJobLimit", "SubmitJobPerUserLimit"];
/// Most lines of what a program wrote that are shown.
const MOST_LINES: usize = 3;
/// How many jobs are named in one call.
const MOST_NAMED: usize = 200;

/// A cluster, as its programs in `PATH` reach it.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    /// The folder in which they are started.
    pub(super) place: PathBuf,
}

/// Why a program of Slurm did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The controller cannot be reached now: what became of the request is not known.
    Passing(String),
    /// It takes no more jobs of this user at once, or none of this kind.
    Full(String),
    /// It refuses.
    Final(String),
}

impl Refusal {
    /// In words.
    pub(super) fn words(&self) -> &str {
        match self {
            Self::Passing(words) | Self::Full(words) | Self::Final(words) => words,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(FailureKind::Spawn, refusal.words())
    }
}

impl Cluster {
    /// Submits a script; gives the number of the job.
    pub(super) fn submit(&self, script: &Path) -> Result<String, Refusal> {
        let answer = self.ask("sbatch", &["--parsable".into(), script.into()])?;
        // Of several clusters, the name of the one follows the number.
        let job = answer.trim().split(';').next().unwrap_or_default().to_owned();
        let is_number = !job.is_empty() && job.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { Ok(job) } else { Err(Refusal::Final(format!("sbatch answered `{}`", shown("sbatch", &answer)))) }
    }

    /// Whether Slurm would take a script, as far as it can tell without submitting it.
    pub(super) fn would_take(&self, script: &str) -> Result<(), Refusal> {
        self.ask_with("sbatch", &["--test-only".into()], Some(script.as_bytes()), SOON).map(drop)
    }

    /// The jobs with this name that have not ended.
    pub(super) fn queue(&self, name: &str) -> Result<Vec<Listed>, Refusal> {
        let form = format!("%i{BETWEEN}%A{BETWEEN}%k{BETWEEN}%T{BETWEEN}%N{BETWEEN}%r");
        let asked = ["--noheader", "--array", "--name", name, "--format", &form];
        let answer = self.ask("squeue", &asked.map(OsString::from))?;
        Ok(answer.lines().filter_map(listed).collect())
    }

    /// How a job with this name ended, in Slurm's words, with its exit code where it names one; `None` when nobody remembers it.
    pub(super) fn end_of(&self, job: &Named, name: &str) -> Option<String> {
        let Named { id: job, number } = job;
        let of_job = self.ask("scontrol", &["--oneliner", "show", "job", job].map(OsString::from));
        if let Ok(answer) = of_job {
            let field = |name: &str| answer.split_whitespace().find_map(|word| word.strip_prefix(name));
            let code = field("ExitCode=").filter(|code| *code != "0:0");
            let state = field("JobState=")?;
            return Some(code.map_or_else(|| state.to_owned(), |code| format!("{state}, exit code {code}")));
        }
        // The controller forgets jobs after a while; where there is accounting, it does not, nor does the record of completed jobs, which
        // knows each job of an array by a number of its own. Numbers are given again.
        let asked = |jobs: &str, which: &str| {
            let asked = ["--noheader", "--parsable2", which, "--jobs", jobs, "--format", "JobName,State,ExitCode"];
            let answer = self.ask("sacct", &asked.map(OsString::from)).ok()?;
            answer.lines().rev().find_map(|line| ended(line, name))
        };
        asked(job, "--allocations").or_else(|| asked(number, "--completion"))
    }

    /// Keeps those of these jobs from beginning that have not begun; the others go on.
    pub(super) fn hold(&self, jobs: &[String]) -> Result<(), Refusal> {
        for part in jobs.chunks(MOST_NAMED) {
            self.ask_soon("scontrol", &[OsString::from("hold"), part.join(",").into()])?;
        }
        Ok(())
    }

    /// Cancels these jobs, which are held and so cannot have begun. Asked for those that have not begun, Slurm would cancel every waiting job
    /// of an array of which one is named.
    pub(super) fn cancel_held(&self, jobs: &[String]) -> Result<(), Refusal> {
        for part in jobs.chunks(MOST_NAMED) {
            let asked = std::iter::once(OsString::from("--quiet")).chain(part.iter().map(OsString::from));
            self.ask_soon("scancel", &asked.collect::<Vec<_>>())?;
        }
        Ok(())
    }

    /// Cancels every job with this name that has not begun.
    pub(super) fn take_back_all(&self, name: &str) -> Result<(), Refusal> {
        self.ask_soon("scancel", &["--quiet", "--state=PENDING", "--name", name].map(OsString::from)).map(drop)
    }

    /// Asks every job with this name to end: those that wait do not begin, and the scripts of those that run ask their workers, which end
    /// their agents as everywhere.
    pub(super) fn end(&self, name: &str) -> Result<(), Refusal> {
        self.take_back_all(name)?;
        self.ask_soon("scancel", &["--quiet", "--batch", "--signal=TERM", "--name", name].map(OsString::from)).map(drop)
    }

    /// Kills everything of the jobs with this name.
    pub(super) fn kill(&self, name: &str) -> Result<(), Refusal> {
        let asked = ["--quiet", "--full", "--signal=KILL", "--name", name];
        self.ask_soon("scancel", &asked.map(OsString::from)).map(drop)?;
        self.ask_soon("scancel", &["--quiet", "--name", name].map(OsString::from)).map(drop)
    }

    /// How many jobs an array may have.
    pub(super) fn most_in_array(&self) -> Result<usize, Refusal> {
        let answer = self.ask_soon("scontrol", &["show", "config"].map(OsString::from))?;
        let line = answer.lines().find(|line| line.trim_start().starts_with("MaxArraySize"));
        let size = line.and_then(|line| line.split('=').nth(1)?.trim().parse::<usize>().ok());
        // Numbers of jobs in an array are below the size, and ours begin with 1.
        Ok(size.unwrap_or(1001).saturating_sub(1).max(1))
    }

    fn ask(&self, program: &str, args: &[OsString]) -> Result<String, Refusal> {
        self.ask_with(program, args, None, PATIENCE)
    }

    /// The same for what a person waits for.
    fn ask_soon(&self, program: &str, args: &[OsString]) -> Result<String, Refusal> {
        self.ask_with(program, args, None, SOON)
    }

    fn ask_with(
        &self,
        program: &str,
        args: &[OsString],
        stdin: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<String, Refusal> {
        let asked = Tool {
            program,
            args: args.to_vec(),
            cwd: &self.place,
            env: &[("LC_ALL".into(), "C".into())],
            inherit: &ITS_VARIABLES,
            stdin,
            stdout: Stdout::Captured(MOST_BYTES),
            timeout,
        };
        match tool::run(&asked) {
            Ok(ToolOutput { code: Some(0), stdout, .. }) => Ok(String::from_utf8_lossy(&stdout).into_owned()),
            Ok(ToolOutput { stdout, stderr, .. }) => {
                let mut words = stderr.trim();
                if words.is_empty() {
                    words = std::str::from_utf8(&stdout).unwrap_or_default().trim();
                }
                let text = format!("{program}: {}", shown(program, words));
                let speaks_of = |known: &[&str]| known.iter().any(|known| words.contains(known));
                Err(match () {
                    () if speaks_of(&PASSING) => Refusal::Passing(text),
                    () if speaks_of(&TOO_MANY) => Refusal::Full(text),
                    () => Refusal::Final(text),
                })
            }
            Err(error @ ToolError::TimedOut { .. }) => Err(Refusal::Passing(error.to_string())),
            Err(error) => Err(Refusal::Final(error.to_string())),
        }
    }
}

/// How a job with this name ended, by a line of its name, state and exit code.
fn ended(line: &str, name: &str) -> Option<String> {
    let mut fields = line.trim().split('|');
    let (known, state, code) = (fields.next()?, fields.next()?, fields.next()?);
    let of_code = if code == "0:0" || code.is_empty() { String::new() } else { format!(", exit code {code}") };
    (known == name && !state.is_empty()).then(|| format!("{state}{of_code}"))
}

/// What a program wrote, without its name before each line, safe to show.
fn shown(program: &str, words: &str) -> String {
    let bare = |line: &'_ str| -> String {
        let line = line.trim();
        let line = line.strip_prefix(program).and_then(|line| line.strip_prefix(": ")).unwrap_or(line);
        escape::terminal(line.strip_prefix("error: ").unwrap_or(line)).into_owned()
    };
    // Where it names its help, the line before says what is wrong.
    let lines = words.lines().map(bare).filter(|line| !line.is_empty() && !line.starts_with("Try \""));
    let mut lines: Vec<String> = lines.collect();
    lines.dedup();
    let first = lines.len().saturating_sub(MOST_LINES);
    if lines.is_empty() { "it answered nothing".to_owned() } else { lines[first..].join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_says_is_shown_without_its_name_and_without_the_way_to_its_help() {
        let wrong = "sbatch: unrecognized option '--acount=x'\nTry \"sbatch --help\" for more information\n";
        assert_eq!(shown("sbatch", wrong), "unrecognized option '--acount=x'");
        let two =
            "sbatch: error: invalid partition specified: nowhere\nsbatch: error: Batch job submission failed: Invalid";
        assert_eq!(shown("sbatch", two), "invalid partition specified: nowhere; Batch job submission failed: Invalid");
        assert_eq!(shown("squeue", " \n"), "it answered nothing");
    }

    #[test]
    fn how_a_job_ended_is_read_from_the_record_of_its_own_name_alone() {
        let of = |line: &str| ended(line, "scylla-ab12");
        assert_eq!(of("scylla-ab12|FAILED|3:0").as_deref(), Some("FAILED, exit code 3:0"));
        assert_eq!(of("scylla-ab12|CANCELLED by 0|0:0").as_deref(), Some("CANCELLED by 0"));
        assert_eq!(of("scylla-ab12|TIMEOUT|").as_deref(), Some("TIMEOUT"));
        for other in ["scylla-cd34|FAILED|3:0", "scylla-ab12|", "", "sacct: error: Unknown type ArrayJobId: 1"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
