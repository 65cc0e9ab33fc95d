//! The consequences of a failure: for its run, and beyond it for the model, the tier or the session. They are decided
//! here, and only here.

use std::time::Duration;

use crate::model::limits::{Limits, RATE_LIMIT_DEFAULT_SECONDS};
use crate::model::outcome::FailureKind;

/// A run waits one second after a provider's failure, then two, and so on up to two to the power of this.
const MOST_DOUBLINGS: u32 = 5;

/// The properties of a failure that decide its consequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    /// What failed.
    pub kind: FailureKind,
    /// Whose part of the run failed.
    pub who: Who,
    /// How long a provider asks to wait from now on, when it names a time.
    pub wait: Option<Duration>,
}

/// Whose part of a run failed: up to the durable result of the agent it is the agent's, after that the judges'.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The agent's: another attempt asks it again.
    Agent,
    /// The judges': the agent's work is durable, and is not asked for again.
    Judge,
}

impl Who {
    /// The part that comes next.
    #[must_use]
    pub fn is_next(agent_complete: bool) -> Self {
        if agent_complete { Self::Judge } else { Self::Agent }
    }
}

/// What the session knows about the run and its tier at the time of the failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoFar {
    /// Attempts of the run that were used up in this session, without this one.
    pub attempts: u32,
    /// How many different runs of the tier have failed in the same way in a row, with this one.
    pub in_a_row: u32,
    /// Whether nothing more of the tier is started in this session.
    pub closed: bool,
}

/// The consequences of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// For the run.
    pub run: ForRun,
    /// For what it shares with other runs.
    pub beyond: Beyond,
}

/// The consequence of a failure for its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForRun {
    /// It goes on when its model may be asked again; no attempt is used up.
    Waits,
    /// It is tried again after this time.
    Retry {
        /// How long it waits.
        after: Duration,
    },
    /// Attempts are left, but nothing more of its tier is started in this session.
    Left,
    /// Its attempts are used up, and its agent has left no result.
    Errored {
        /// How many there were in this session.
        attempts: u32,
    },
    /// Its attempts are used up; the agent's work stays, without a verdict.
    Unjudged {
        /// How many there were in this session.
        attempts: u32,
    },
}

/// The consequence of a failure beyond its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// Others go on as before.
    Nothing,
    /// Nobody asks the model for this time.
    PauseModel {
        /// How long.
        wait: Duration,
    },
    /// Nothing more of the tier is started in this session.
    StopTier {
        /// How many runs failed in the same way in a row.
        times: u32,
    },
    /// Nothing more is started in this session.
    StopSession,
}

/// The consequences of a failure. The part for the run depends only on the run's own attempts, so that its worker knows
/// whether the attempt was the last one.
#[must_use]
pub fn decide(failed: Failed, so_far: SoFar, limits: &Limits) -> Decision {
    use FailureKind::{
        Auth, Checks, Judge, Killed, NoRecord, OutOfMemory, Provider, RateLimit, Spawn, Storage, Unrecorded, Workspace,
    };
    let attempts = so_far.attempts.saturating_add(1);
    let used_up = is_last(failed.kind, attempts_left(so_far.attempts, limits));
    let beyond = match failed.kind {
        RateLimit => {
            Beyond::PauseModel { wait: failed.wait.unwrap_or(Duration::from_secs(RATE_LIMIT_DEFAULT_SECONDS)) }
        }
        Storage => Beyond::StopSession,
        Spawn | NoRecord | Auth | Workspace | Provider | OutOfMemory | Killed | Checks | Judge | Unrecorded
            if so_far.in_a_row >= limits.systemic_failures =>
        {
            Beyond::StopTier { times: so_far.in_a_row }
        }
        Spawn | NoRecord | Auth | Workspace | Provider | OutOfMemory | Killed | Checks | Judge | Unrecorded => {
            Beyond::Nothing
        }
    };
    let closed = so_far.closed || matches!(beyond, Beyond::StopTier { .. } | Beyond::StopSession);
    let run = match (failed.kind, failed.who) {
        (RateLimit, _) => ForRun::Waits,
        (_, Who::Agent) if used_up => ForRun::Errored { attempts },
        (_, Who::Judge) if used_up => ForRun::Unjudged { attempts },
        _ if closed => ForRun::Left,
        (Provider, _) => ForRun::Retry { after: Duration::from_secs(1 << so_far.attempts.min(MOST_DOUBLINGS)) },
        (Spawn | NoRecord | Auth | Workspace | OutOfMemory | Killed | Checks | Judge | Storage | Unrecorded, _) => {
            ForRun::Retry { after: Duration::ZERO }
        }
    };
    Decision { run, beyond }
}

/// How many more attempts a run has after this many failures in this session.
#[must_use]
pub fn attempts_left(failures: u32, limits: &Limits) -> u32 {
    limits.attempts.saturating_sub(failures)
}

/// Whether an attempt with such a failure of its agent is the last one of its run, given how many attempts were left
/// including it. What was not recorded is not there at another attempt, either.
#[must_use]
pub fn is_last(kind: FailureKind, attempts_left: u32) -> bool {
    kind == FailureKind::Unrecorded || burns_an_attempt(kind) && attempts_left <= 1
}

/// Whether a failure of this kind uses up an attempt of its run and counts for its tier.
#[must_use]
pub fn burns_an_attempt(kind: FailureKind) -> bool {
    kind != FailureKind::RateLimit
}

#[cfg(test)]
mod tests {
    use super::*;
    use Beyond::{Nothing, PauseModel, StopSession, StopTier};
    use ForRun::{Errored, Left, Retry, Unjudged, Waits};

    const AT_ONCE: ForRun = Retry { after: Duration::ZERO };
    const A_SECOND: ForRun = Retry { after: Duration::from_secs(1) };

    /// For each kind: the consequence of a first failure for the run and beyond it, and beyond it for the last one in a
    /// row.
    const TABLE: [(FailureKind, ForRun, Beyond, Beyond); 11] = [
        (FailureKind::Spawn, AT_ONCE, Nothing, StopTier { times: 5 }),
        (FailureKind::NoRecord, AT_ONCE, Nothing, StopTier { times: 5 }),
        (FailureKind::Auth, AT_ONCE, Nothing, StopTier { times: 5 }),
        (FailureKind::Workspace, AT_ONCE, Nothing, StopTier { times: 5 }),
        (FailureKind::Provider, A_SECOND, Nothing, StopTier { times: 5 }),
        (FailureKind::RateLimit, Waits, PAUSE, PAUSE),
        (FailureKind::OutOfMemory, AT_ONCE, Nothing, StopTier { times: 5 }),
        (FailureKind::Killed, AT_ONCE, Nothing, StopTier { times: 5 }),
        (FailureKind::Checks, AT_ONCE, Nothing, StopTier { times: 5 }),
        (FailureKind::Judge, AT_ONCE, Nothing, StopTier { times: 5 }),
        (FailureKind::Storage, Left, StopSession, StopSession),
    ];
    const PAUSE: Beyond = PauseModel { wait: Duration::from_secs(9) };
    const FIRST: SoFar = SoFar { attempts: 0, in_a_row: 1, closed: false };

    fn limits() -> Limits {
        Limits {
            jobs: 2,
            attempts: 3,
            max_cost: None,
            max_time: None,
            systemic_failures: 5,
            rate_limit: Duration::from_hours(1),
        }
    }

    fn failed(kind: FailureKind, who: Who) -> Failed {
        Failed { kind, who, wait: Some(Duration::from_secs(9)) }
    }

    #[test]
    fn each_failure_of_an_agent_and_of_a_judge_has_one_decision() {
        for (kind, run, beyond, systemic) in TABLE {
            for who in [Who::Agent, Who::Judge] {
                let decide = |so_far| decide(failed(kind, who), so_far, &limits());
                assert_eq!(decide(FIRST), Decision { run, beyond }, "{kind} of {who:?}, the first time");

                let last = match (kind, who) {
                    (FailureKind::RateLimit, _) => Waits,
                    (_, Who::Agent) => Errored { attempts: 3 },
                    (_, Who::Judge) => Unjudged { attempts: 3 },
                };
                let at_last = decide(SoFar { attempts: 2, ..FIRST });
                assert_eq!(at_last, Decision { run: last, beyond }, "{kind} of {who:?}, the last attempt");

                let of_many = if kind == FailureKind::RateLimit { Waits } else { Left };
                let in_a_row = decide(SoFar { in_a_row: 5, ..FIRST });
                assert_eq!(in_a_row, Decision { run: of_many, beyond: systemic }, "{kind} of {who:?}, in a row");
                let closed = decide(SoFar { closed: true, ..FIRST });
                assert_eq!(closed, Decision { run: of_many, beyond }, "{kind} of {who:?}, in a tier that is stopped");
            }
        }
    }

    #[test]
    fn what_was_not_recorded_is_not_tried_again() {
        for (attempts, in_a_row, beyond) in [(0, 1, Nothing), (2, 1, Nothing), (0, 5, StopTier { times: 5 })] {
            let so_far = SoFar { attempts, in_a_row, ..FIRST };
            let run = |who| decide(failed(FailureKind::Unrecorded, who), so_far, &limits());
            let attempts = attempts + 1;
            assert_eq!(run(Who::Agent), Decision { run: Errored { attempts }, beyond });
            assert_eq!(run(Who::Judge), Decision { run: Unjudged { attempts }, beyond });
        }
    }

    #[test]
    fn whether_an_attempt_is_the_last_depends_on_the_runs_own_attempts() {
        for (kind, ..) in TABLE {
            for attempts in 0..3 {
                let is_last = |in_a_row, closed| {
                    let so_far = SoFar { attempts, in_a_row, closed };
                    matches!(decide(failed(kind, Who::Agent), so_far, &limits()).run, Errored { .. })
                };
                let expected = attempts == 2 && burns_an_attempt(kind);
                assert!([is_last(1, false), is_last(5, false), is_last(1, true)] == [expected; 3], "{kind} {attempts}");
            }
        }
    }

    #[test]
    fn a_provider_in_trouble_is_asked_more_and_more_seldom() {
        let limits = Limits { attempts: 99, ..limits() };
        let seconds: Vec<u64> = (0..8)
            .map(|attempts| {
                match decide(failed(FailureKind::Provider, Who::Judge), SoFar { attempts, ..FIRST }, &limits) {
                    Decision { run: Retry { after }, beyond: Nothing } => after.as_secs(),
                    other => panic!("{other:?}"),
                }
            })
            .collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 32, 32]);
    }

    #[test]
    fn a_rate_limit_that_names_no_time_pauses_for_a_minute() {
        let unnamed = Failed { wait: None, ..failed(FailureKind::RateLimit, Who::Agent) };
        let minute = PauseModel { wait: Duration::from_mins(1) };
        assert_eq!(decide(unnamed, FIRST, &limits()), Decision { run: Waits, beyond: minute });
    }
}
