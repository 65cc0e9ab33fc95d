//! What a line of Slurm's queue says of a job.

/// The separator of fields in a line of the queue.
pub(super) const BETWEEN: char = '|';

/// How Slurm names a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// By its array, such as `4711_3`.
    pub(super) id: String,
    /// By a number of its own, which it has once it has begun.
    pub(super) number: String,
}

/// A job of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    /// Its name with Slurm.
    pub(super) job: Named,
    /// Its number in its array.
    pub(super) task: usize,
    /// The comment that it was submitted with, which names its batch.
    pub(super) comment: String,
    /// Where it is.
    pub(super) state: JobState,
    /// Whether all that is left of it is that Slurm clears up after it.
    pub(super) is_ending: bool,
}

/// Where a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum JobState {
    /// It waits, for this reason.
    Pending(String),
    /// It runs on this machine, or is about to end there.
    Running(String),
    /// It has ended, in Slurm's word.
    Ended(String),
}

/// The words for states in which a job has ended.
const ENDED: [&str; 9] =
    ["BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "TIMEOUT"];
/// The words for states in which it has no machine.
const PENDING: [&str; 6] = ["PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD"];

/// The word for a job that its user holds.
const HELD: &str = "JobHeldUser";
/// What the words for jobs have in common that somebody holds, in small letters.
const HELD_BY_ANYBODY: &str = "held";
/// Beginnings of reasons that do not pass while nobody does anything.
const LASTING: [&str; 13] = [
    "AccountNotAllowed",
    "BadConstraints",
    "DependencyNeverSatisfied",
    "InvalidAccount",
    "InvalidQOS",
    "PartitionDown",
    "PartitionInactive",
    "PartitionNodeLimit",
    "PartitionTimeLimit",
    "QOSNotAllowed",
    "QOSTimeLimit",
    "ReservationDeleted",
    "AssocMaxWallDurationPerJobLimit",
];

impl JobState {
    /// Whether it waits and cannot begin before somebody releases it.
    pub(super) fn cannot_begin(&self) -> bool {
        matches!(self, Self::Pending(reason) if reason.to_ascii_lowercase().contains(HELD_BY_ANYBODY))
    }

    /// Whether its user holds it.
    pub(super) fn is_held(&self) -> bool {
        matches!(self, Self::Pending(reason) if reason == HELD)
    }

    /// Why it waits and will go on waiting while nobody does anything; `None` where that is not so.
    pub(super) fn lasting(&self) -> Option<&str> {
        match self {
            Self::Pending(reason) if self.cannot_begin() => Some(reason),
            Self::Pending(reason) if LASTING.iter().any(|known| reason.starts_with(known)) => Some(reason),
            Self::Pending(_) | Self::Running(_) | Self::Ended(_) => None,
        }
    }
}

/// Reads a line of the queue; `None` when it is no job of an array of ours.
pub(super) fn listed(line: &str) -> Option<Listed> {
    let mut fields = line.split(BETWEEN);
    let job = Named { id: fields.next()?.trim().to_owned(), number: fields.next()?.trim().to_owned() };
    let (comment, state, node, reason) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let task = job.id.split_once('_')?.1.parse().ok()?;
    let is_ending = state == "COMPLETING";
    let state = match state {
        state if ENDED.contains(&state) => JobState::Ended(state.to_owned()),
        state if PENDING.contains(&state) => JobState::Pending(reason.to_owned()),
        _ => JobState::Running(node.to_owned()),
    };
    Some(Listed { job, task, comment: comment.to_owned(), state, is_ending })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_queue_say_which_job_of_which_batch_is_where() {
        let of = |line: &str| listed(line).map(|one| (one.job.id, one.job.number, one.task, one.comment, one.state));
        let known = |id: &str, task, state| Some((id.to_owned(), "15".to_owned(), task, "ab12:7".to_owned(), state));
        let on = |node: &str| JobState::Running(node.to_owned());
        for (line, expected) in [
            ("12_3|15|ab12:7|PENDING||Resources", known("12_3", 3, JobState::Pending("Resources".to_owned()))),
            ("12_3|15|ab12:7|PENDING||BeginTime", known("12_3", 3, JobState::Pending("BeginTime".to_owned()))),
            ("12_14|15|ab12:7|RUNNING|n2|None", known("12_14", 14, on("n2"))),
            ("12_14|15|ab12:7|COMPLETING|n2|None", known("12_14", 14, on("n2"))),
            ("12_1|15|ab12:7|SUSPENDED|n1|None", known("12_1", 1, on("n1"))),
            ("12_1|15|ab12:7|NODE_FAIL|n1|NodeDown", known("12_1", 1, JobState::Ended("NODE_FAIL".to_owned()))),
            ("12|15|ab12:7|RUNNING|n1|None", None),
            ("12_[1-4]|15|ab12:7|PENDING||None", None),
            ("slurm_load_jobs error", None),
        ] {
            assert_eq!(of(line), expected, "{line}");
        }
    }

    #[test]
    fn reasons_that_pass_are_told_from_those_that_do_not() {
        let waits = |reason: &str| JobState::Pending(reason.to_owned());
        let held = ["JobHeldUser", "JobHeldAdmin", "launch failed requeued held", "job requeued in held state"];
        for lasting in held.into_iter().chain(["PartitionTimeLimit"]) {
            assert_eq!(waits(lasting).lasting(), Some(lasting));
            assert_eq!(waits(lasting).cannot_begin(), held.contains(&lasting));
        }
        for passing in ["Resources", "Priority", "BeginTime", "Dependency", "None"] {
            assert_eq!(waits(passing).lasting(), None, "{passing}");
        }
        assert!(waits("JobHeldUser").is_held() && !waits("JobHeldAdmin").is_held());
        assert!(JobState::Running("n1".to_owned()).lasting().is_none());
    }
}
