//! An event as one line for people: what happened, to what, and the rest.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::model::event::{Event, ExperimentFinished, ExperimentStarted, FailedCheck, RunCommitted, Totals};
use crate::model::experiment::FieldClass;
use crate::model::ids::{AttemptNumber, JudgeNumber, RunId, SetupId, TierId};
use crate::model::inherited::Winner;
use crate::model::job::Placement;
use crate::model::money::Usd;
use crate::model::outcome::{AgentEnd, ExperimentEnd, Failure, FailureKind, RunStatus, Stage, StopLevel, StopSignal};
use crate::stats::tiers;
use crate::text::asked::{flag_of, flag_with};
use crate::text::escape;
use crate::text::words::{counted, duration, list, moment, whole_duration};

use super::causes::failed;
use super::tables::{ignored_files, shortened};
use crate::text::styles::Tone;

/// An event in words. `subject` and `text` are safe to show.
pub(super) struct Line {
    /// What happened, in a word or two.
    pub(super) word: &'static str,
    pub(super) tone: Tone,
    /// The run, tier, model or field concerned; may be empty.
    pub(super) subject: String,
    /// The rest of the sentence; may be empty.
    pub(super) text: String,
    /// Whether it is printed above the bars of a terminal, which show everything else.
    pub(super) is_news: bool,
}

/// The length of the longest word that `line` gives.
pub(super) const WORD_WIDTH: usize = 10;

/// The names of setups, as the first event of a session gives them.
#[derive(Debug, Default)]
pub(super) struct SetupNames(BTreeMap<SetupId, String>);

impl SetupNames {
    /// Takes the names from an event.
    pub(super) fn event(&mut self, event: &Event) {
        if let Event::ExperimentStarted(started) = event {
            let named = started.setups.iter().filter_map(|setup| Some((setup, setup.name.as_ref()?)));
            self.0.extend(named.map(|(setup, name)| ((setup.tier, setup.subtest), shortened(name))));
        }
    }

    /// The name of a run's setup, shortened to what a line can hold; safe to show.
    pub(super) fn of(&self, run: RunId) -> Option<&str> {
        self.0.get(&(run.tier, run.subtest)).map(String::as_str)
    }
}

/// The last reported failure of each run, so that it is not repeated.
#[derive(Debug, Default)]
pub(super) struct Reported(BTreeMap<RunId, Failure>);

impl Reported {
    /// The line for an event with a failure that was already reported, in short form.
    fn shortened(&mut self, event: &Event) -> Option<Line> {
        match event {
            Event::AttemptFailed { run, attempt, stage, failure, retry, .. } => {
                let reported = self.0.insert(*run, failure.clone()).filter(|reported| reported.is_like(failure));
                reported.map(|_| attempt_failed(*run, (*attempt, *stage, *retry), " for the same reason"))
            }
            Event::RunErrored { run, attempts, failure } => {
                let reported = self.0.remove(run).filter(|reported| reported.is_like(failure));
                reported.map(|_| run_errored(*run, *attempts, ", for the same reason"))
            }
            Event::RunCommitted(committed) => {
                self.0.remove(&committed.run);
                None
            }
            _ => None,
        }
    }
}

/// The line for `event`, with the name of its setup, and without a failure that was just reported.
pub(super) fn named_line(event: &Event, names: &SetupNames, reported: &mut Reported) -> Line {
    let run = match event {
        Event::RunStarted { run, .. }
        | Event::AttemptFailed { run, .. }
        | Event::RunErrored { run, .. }
        | Event::RunStopped { run, .. } => Some(*run),
        Event::RunCommitted(committed) => Some(committed.run),
        _ => None,
    };
    let line = reported.shortened(event).unwrap_or_else(|| line(event));
    match run.and_then(|run| names.of(run)) {
        Some(name) => Line { text: format!("{name}: {}", line.text), ..line },
        None => line,
    }
}

/// The line for `event`.
pub(super) fn line(event: &Event) -> Line {
    match event {
        Event::ExperimentStarted(started) => experiment_started(started),
        Event::FlagDiffers { field, saved, given, class } => flag_differs(field, saved, given, *class),
        Event::Mended { message } => news("Mended", Tone::Good, "", message),
        Event::Notice { message } => news("Notice", Tone::Warning, "", message),
        Event::TierInherits { tier, sources } => tier_inherits(*tier, sources),
        Event::RunStarted { run, attempt, from } => {
            let text = match from {
                Stage::Prepare => format!("attempt {}", attempt.0),
                from => format!("attempt {} goes on with {from}", attempt.0),
            };
            routine("Begins", Tone::Plain, run, &text)
        }
        Event::RunPlaced { run, placement } => placed(*run, placement),
        Event::RunWithdrawn { run } => routine("Taken back", Tone::Warning, run, "it had not begun"),
        Event::StageStarted { run, stage, judge } => routine("Stage", Tone::Plain, run, &stage_name(*stage, *judge)),
        Event::RunCommitted(committed) => run_committed(committed),
        Event::AttemptFailed { run, attempt, stage, failure, retry, .. } => {
            attempt_failed(*run, (*attempt, *stage, *retry), &format!(": {failure}"))
        }
        Event::RunErrored { run, attempts, failure } => run_errored(*run, *attempts, &format!(": {failure}")),
        Event::RunStopped { run, stage, .. } => {
            routine("Stopped", Tone::Warning, run, &format!("in {stage}, not a result"))
        }
        Event::TierPaused { tier, kind, times, left } => tier_given_up(*tier, *kind, *times, *left),
        Event::RunWaits { run, stage, model, .. } => routine(
            "Waits",
            Tone::Warning,
            run,
            &format!("for {model}, before its {stage}; its job is free for others"),
        ),
        Event::RateLimited { model, until } => news(
            "Waits",
            Tone::Warning,
            model,
            &format!("its provider asks to wait until {}; no attempt is burnt", moment(*until)),
        ),
        Event::RateLimitOver { model } => news("Goes on", Tone::Good, model, "it may be asked again"),
        Event::ConcurrencyChanged { model, from, to } => {
            let (word, tone) = if to < from { ("Slows", Tone::Warning) } else { ("Speeds up", Tone::Good) };
            routine(word, tone, model, &format!("{} at once, {from} before", counted(*to, "run")))
        }
        Event::BudgetReached { spent, assumed, expected, ceiling } => {
            let assumed = match *assumed {
                Usd::ZERO => String::new(),
                assumed => format!(", {assumed} counted for what is not known"),
            };
            let text = format!(
                "{spent} spent{assumed} and {expected} expected for runs in flight and one more reach the ceiling of {ceiling}; \
                 nothing new is started"
            );
            news("Budget", Tone::Warning, "", &text)
        }
        Event::TimeReached { worked_seconds, max_time_seconds, in_flight } => {
            let drains = if *in_flight == 0 {
                String::new()
            } else {
                format!(", {} in flight may end", counted(*in_flight, "run"))
            };
            let text = format!(
                "worked on for {}, which reaches the limit of {}; nothing new is started{drains}",
                duration(*worked_seconds),
                whole_duration(*max_time_seconds)
            );
            news("Time", Tone::Warning, "", &text)
        }
        Event::Stopping { signal, stop_level, in_flight } => stopping(*signal, *stop_level, *in_flight),
        Event::ExperimentFinished(finished) => experiment_finished(finished),
    }
}

/// The name of a stage: with the judge's number, if there is one.
pub(super) fn stage_name(stage: Stage, judge: Option<JudgeNumber>) -> String {
    judge.map_or_else(|| stage.to_string(), |judge| judge.to_string())
}

fn placed(run: RunId, placement: &Placement) -> Line {
    let named = |job: &Option<String>| job.as_ref().map_or_else(String::new, |job| format!("job {job}"));
    match placement {
        Placement::Queued { job, .. } => routine("Queued", Tone::Plain, run, &named(job)),
        Placement::Running { job, node } => {
            let job = job.as_ref().map_or_else(String::new, |job| format!(", job {job}"));
            routine("Placed", Tone::Plain, run, &format!("on {node}{job}"))
        }
    }
}

fn attempt_failed(run: RunId, (attempt, stage, retry): (AttemptNumber, Stage, bool), why: &str) -> Line {
    let (word, end) = if retry { ("Retries", "") } else { ("Fails", "; it is not tried again now") };
    news(word, Tone::Warning, run, &format!("attempt {} failed in {stage}{why}{end}", attempt.0))
}

fn run_errored(run: RunId, attempts: u32, why: &str) -> Line {
    news("Errored", Tone::Bad, run, &format!("missing after {}{why}", counted(attempts as usize, "attempt")))
}

fn tier_given_up(tier: TierId, kind: FailureKind, times: u32, left: usize) -> Line {
    let end = match left {
        0 => String::new(),
        1 => "; 1 planned run stays missing until a resume".to_owned(),
        left => format!("; {left} planned runs stay missing until a resume"),
    };
    let text = format!("{kind} failures in {times} runs in a row: nothing more of it is started in this session{end}");
    news("Gives up", Tone::Bad, tier, &text)
}

fn news(word: &'static str, tone: Tone, subject: impl fmt::Display, text: &str) -> Line {
    Line { is_news: true, ..routine(word, tone, subject, text) }
}

fn routine(word: &'static str, tone: Tone, subject: impl fmt::Display, text: &str) -> Line {
    Line {
        word,
        tone,
        subject: escape::terminal(&subject.to_string()).into_owned(),
        text: escape::terminal(text).into_owned(),
        is_news: false,
    }
}

fn experiment_started(started: &ExperimentStarted) -> Line {
    let word = if started.resumed { "Resumes" } else { "Starts" };
    let Totals { done, planned, .. } = tiers::sum_of(&started.tiers);
    let runs = if done == 0 {
        counted(planned, "planned run")
    } else {
        format!("{} of {} done", done, counted(planned, "planned run"))
    };
    let kept =
        format!("contained by {}, sandbox {}, network {}", started.containment, started.sandbox, started.network);
    let text = format!("{runs}, {} at once, {kept}, in {}", started.jobs, started.folder);
    news(word, Tone::Good, &started.experiment_id, &text)
}

fn tier_inherits(tier: TierId, sources: &BTreeMap<TierId, Winner>) -> Line {
    let winners = sources.iter().map(|(source, winner)| {
        let by = if winner.by_tokens { ", by fewer tokens" } else { "" };
        format!("{source}/{} (median {:.2}{by})", winner.subtest, winner.median)
    });
    news("Inherits", Tone::Good, tier, &format!("from {}", list(&winners.collect::<Vec<_>>())))
}

fn flag_differs(field: &str, saved: &Value, given: &Value, class: FieldClass) -> Line {
    let effect = match class {
        FieldClass::Operational => "the new value takes effect",
        FieldClass::Plan => "the saved value holds; `cargo scylla extend` changes the plan",
        FieldClass::Result if matches!(field, "models" | "judge_models") => {
            "the saved value holds, for results to stay comparable; a new experiment, by `run --fresh`, can have the other one"
        }
        FieldClass::Result => "the saved value holds, for results to stay comparable",
        FieldClass::Label => "the saved value holds",
    };
    let tone = if class == FieldClass::Operational { Tone::Plain } else { Tone::Warning };
    let (given, saved) = (flag_with(field, given), flag_with(field, saved));
    news("Differs", tone, flag_of(field), &format!("{given} is asked for, {saved} was saved: {effect}"))
}

fn run_committed(committed: &RunCommitted) -> Line {
    let RunCommitted {
        run,
        status,
        score,
        grade,
        agent_end,
        exit_code,
        cost,
        duration_seconds,
        changed_nothing,
        failed_checks,
        not_captured,
        flags,
        spent: _,
    } = committed;
    let (word, tone) = match status {
        RunStatus::Passed => ("Passed", Tone::Good),
        RunStatus::Failed => ("Failed", Tone::Bad),
        RunStatus::AgentComplete => ("Unjudged", Tone::Warning),
        RunStatus::Errored => ("Errored", Tone::Bad),
        RunStatus::Done => ("Done", Tone::Plain),
    };
    let end = match agent_end {
        AgentEnd::Finished => match exit_code {
            Some(code) if *code != 0 => format!(", agent exited with {code}"),
            Some(_) | None => String::new(),
        },
        AgentEnd::OverBudget => ", agent over budget".to_owned(),
        end => format!(", agent {end}"),
    };
    let nothing = if *changed_nothing { ", changed nothing" } else { "" };
    let checks: String = failed_checks.iter().map(failed_check).collect();
    let uncaptured = match not_captured.ignored_files {
        0 => String::new(),
        files => format!("; {} not captured", ignored_files(files, not_captured.ignored_bytes)),
    };
    let flags: String = flags.iter().flat_map(|flag| ["; ", flag.meaning()]).collect();
    let took = duration(*duration_seconds);
    let cost = cost.at_least().map_or_else(|| "cost unknown".to_owned(), |_| cost.to_string());
    let text = format!("score {score} ({grade}), {cost}, {took}{end}{nothing}{checks}{uncaptured}{flags}");
    routine(word, tone, run, &text)
}

fn failed_check(check: &FailedCheck) -> String {
    let end = check.excerpt.as_ref().map_or_else(String::new, |excerpt| format!(": {excerpt}"));
    format!("; check `{}` {}{end}", check.name, failed(check.timed_out_after))
}

fn stopping(signal: StopSignal, stop_level: StopLevel, in_flight: usize) -> Line {
    let signal = match signal {
        StopSignal::Interrupt => "Ctrl-C",
        StopSignal::Terminate => "SIGTERM",
        StopSignal::Hangup => "SIGHUP",
    };
    let those = counted(in_flight, "run");
    let text = match (stop_level, in_flight) {
        (_, 0) => "nothing is in flight".to_owned(),
        (StopLevel::Drain, _) => {
            format!("nothing new is started, {those} in flight may end; Ctrl-C again ends them now")
        }
        (StopLevel::Terminate, _) => format!("{those} in flight told to end; {signal} again kills them"),
        (StopLevel::Kill, _) => format!("{those} in flight killed"),
    };
    news("Stops", Tone::Warning, signal, &text)
}

fn experiment_finished(finished: &ExperimentFinished) -> Line {
    let (word, tone) = match finished.end {
        ExperimentEnd::Completed => ("Completed", Tone::Good),
        ExperimentEnd::Incomplete => ("Incomplete", Tone::Bad),
        ExperimentEnd::BudgetReached => ("Budget", Tone::Warning),
        ExperimentEnd::TimeReached => ("Time", Tone::Warning),
        ExperimentEnd::RateLimited => ("Waits", Tone::Warning),
        ExperimentEnd::Stopped { .. } => ("Stopped", Tone::Warning),
    };
    let Totals { done, planned, .. } = tiers::sum_of(&finished.tiers);
    let text = format!(
        "{done} of {} done, {}, {}",
        counted(planned, "planned run"),
        finished.spent.at_least().map_or_else(|| "cost unknown".to_owned(), |_| format!("{} spent", finished.spent)),
        duration(finished.duration_seconds)
    );
    routine(word, tone, "", &text)
}
