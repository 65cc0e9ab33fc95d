//! Compares the queue with what is in flight, and decides what became of jobs that are not in it any more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::{Closed, LOOKS, OfBatchInFlight, Sent, Watch};
use crate::engine::backend::elsewhere;
use crate::engine::backend::slurm::fate::Fate;
use crate::engine::backend::slurm::flight::Back;
use crate::engine::backend::slurm::queue::{JobState, Listed};
use crate::engine::worker::report::{Job, RunEnd};
use crate::model::ids::{AttemptNumber, RunId};
use crate::model::job::Placement;
use crate::model::outcome::{AttemptEnd, Failure, FailureKind, Stage};
use crate::model::unfinished::{Unfinished, WhyLeft};
use crate::rules::retry::is_last;

/// For each so many jobs, the queue is looked at a second later.
const JOBS_TO_A_SECOND: usize = 200;
/// So often a job is submitted again of which the cluster knows nothing.
const MOST_FORGOTTEN: u32 = 5;

/// How the script of a job ends that was stopped before it began anything: by a former session.
const STOPPED: &str = "exit code 143:0";
/// So many jobs that left the queue are dealt with at one look.
const MOST_DECIDED: usize = 50;

/// Jobs that wait and are not to begin.
#[derive(Debug, Default)]
struct ToTakeBack {
    /// Those that cannot begin, because somebody holds them.
    held: Vec<String>,
    /// Those that may begin at any moment.
    free: Vec<String>,
}

impl Watch {
    /// Looks at the queue when it is time, and acts on what is there.
    pub(super) fn look(&mut self) {
        if self.closed == Some(Closed::Left) {
            return;
        }
        if self.next_look.is_some_and(|next| next <= Instant::now()) && !self.flights.is_empty() {
            self.next_look = None;
            // When the thread that looks is gone, reports of workers are still read.
            let _ = self.asks.send(());
        }
        let Ok((began, found)) = self.looks.try_recv() else { return };
        let later = LOOKS.0 + Duration::from_secs((self.flights.len() / JOBS_TO_A_SECOND) as u64);
        self.next_look = Some(Instant::now() + later.min(LOOKS.1));
        let queue = match found {
            Ok(queue) => queue,
            Err(refusal) => return self.note_unreachable(refusal.words()),
        };
        if std::mem::take(&mut self.unreachable) {
            self.notice("Slurm answers again");
        }
        if self.unheard {
            self.pass_stop_on();
        }
        self.compare(began, &queue);
        self.close_batches();
    }

    fn compare(&mut self, began: Instant, queue: &[Listed]) {
        let listed: BTreeMap<(&str, usize), &Listed> =
            queue.iter().map(|one| ((one.comment.as_str(), one.task), one)).collect();
        let comments: BTreeSet<&str> = queue.iter().map(|one| one.comment.as_str()).collect();
        let unsure = |of: &OfBatchInFlight| matches!(of.sent, Sent::Unsure(..));
        let unsure: Vec<u32> = self.batches.iter().filter(|(_, of)| unsure(of)).map(|(number, _)| *number).collect();
        for number in unsure {
            self.settle_unsure(number, began, comments.contains(self.comment(number).as_str()));
        }
        let runs: Vec<RunId> = self.flights.keys().copied().collect();
        let (mut back, mut decided) = (ToTakeBack::default(), 0);
        let mut lasting: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for run in runs {
            let Some(flight) = self.flights.get(&run) else { continue };
            let number = flight.batch;
            let is_sent = self.batches.get(&number).is_some_and(|of| of.sent == Sent::Yes);
            if !is_sent || self.submitted.get(&number).is_some_and(|at| *at >= began) {
                continue;
            }
            let comment = self.comment(number);
            let found = listed.get(&(comment.as_str(), flight.index)).copied();
            let Some(flight) = self.flights.get_mut(&run) else { continue };
            flight.seen(found);
            if let Some(Listed { job, state: state @ JobState::Pending(_), .. }) = found {
                // A job that ran before is held for two minutes, since the machine that it ran on would refuse it, or for good: a new one
                // is not. What its user holds is left alone.
                flight.note_put_back(state);
                if flight.back.is_some() {
                    if state.cannot_begin() { &mut back.held } else { &mut back.free }.push(job.id.clone());
                } else if let Some(reason) = state.lasting() {
                    lasting.entry(reason.to_owned()).or_default().push(job.id.clone());
                }
            }
            let placement = flight.placement();
            let is_known = matches!(
                (&flight.placed, &placement),
                (Some(Placement::Queued { .. }), Placement::Queued { .. })
                    | (Some(Placement::Running { .. }), Placement::Running { .. })
            );
            if found.is_some() {
                // Why it waits may change often: it is written down for who looks, and not said each time.
                flight.placed = Some(placement.clone());
                if !is_known {
                    self.place(run, placement);
                }
            }
            if self.fate(run) == Fate::Open {
                continue;
            }
            // Slurm is asked about each of them: orders and reports are not kept waiting for many.
            if decided >= MOST_DECIDED {
                self.next_look = Some(Instant::now());
                continue;
            }
            decided += 1;
            // Where many report, the last words of its worker may not have been read yet.
            self.follow_one(run);
            let fate = self.fate(run);
            self.follow_fate(run, fate);
        }
        self.report_lasting(lasting);
        let waiting = queue.iter().filter(|one| matches!(one.state, JobState::Pending(_))).count();
        // Of what was submitted since, this look shows nothing.
        let shows_all = self.submitted.values().all(|at| *at < began);
        self.take_back(&back, (waiting, shows_all));
    }

    fn fate(&mut self, run: RunId) -> Fate {
        self.flights.get_mut(&run).map_or(Fate::Open, |flight| flight.fate(&self.basis.folder))
    }

    /// Takes jobs back. What is not heard now is asked for again at the next look.
    fn take_back(&mut self, back: &ToTakeBack, (waiting, shows_all): (usize, bool)) {
        let jobs: BTreeSet<&String> = back.held.iter().chain(&back.free).collect();
        if jobs.is_empty() {
            return;
        }
        if shows_all && jobs.len() == waiting {
            let _ = self.cluster.take_back_all(&self.frame.name);
            return;
        }
        if !back.free.is_empty() && self.cluster.hold(&back.free).is_ok() {
            self.next_look = Some(Instant::now());
        }
        if !back.held.is_empty() {
            let _ = self.cluster.cancel_held(&back.held);
        }
    }

    /// Says once of each reason that it does not pass by itself.
    fn report_lasting(&mut self, lasting: BTreeMap<String, Vec<String>>) {
        for (reason, jobs) in lasting {
            let (Some(first), others) = (jobs.first(), jobs.len() - 1) else { continue };
            if self.reported.insert(reason.clone()) {
                let which = if others == 0 {
                    format!("job {first} waits")
                } else {
                    format!("job {first} and {others} more wait")
                };
                self.notice(&format!(
                    "{which} for what does not pass by itself ({reason}): `scontrol show job {first}` says more, and `scontrol release {first}` lets go of what is held"
                ));
            }
        }
    }

    /// A batch of which it was not known whether it was submitted.
    fn settle_unsure(&mut self, number: u32, began: Instant, is_there: bool) {
        let Some(of) = self.batches.get_mut(&number) else { return };
        if (self.stop.is_some() || self.closed.is_some()) && !is_there {
            // Nothing more is to be begun.
            for run in self.runs_of(number) {
                self.end(run, self.withdrawn(run));
            }
            return;
        }
        let is_taken_back =
            self.flights.values().filter(|one| one.batch == number).all(|one| one.back == Some(Back::Taken));
        match of.sent {
            _ if is_there => of.sent = Sent::Yes,
            Sent::Unsure(since, looks) if since < began && looks >= 1 && is_taken_back => {
                for run in self.runs_of(number) {
                    self.end(run, self.withdrawn(run));
                }
            }
            Sent::Unsure(since, looks) if since < began && looks >= 1 => self.send(number),
            Sent::Unsure(since, looks) if since < began => of.sent = Sent::Unsure(since, looks + 1),
            Sent::Unsure(..) | Sent::Full(_) | Sent::Yes => {}
        }
    }

    fn follow_fate(&mut self, run: RunId, fate: Fate) {
        match fate {
            Fate::Open => {}
            _ if self.flights.get(&run).is_some_and(|flight| !flight.is_followed) => _ = self.flights.remove(&run),
            Fate::NotBegun => self.not_begun(run),
            // As everywhere, what a former session left unfinished is begun again without counting as a failure.
            Fate::Gone if self.stop.is_none() && self.flights.get(&run).is_some_and(|flight| flight.of_former) => {
                match elsewhere::committed(&self.basis, run) {
                    Some(done) => self.done(run, done),
                    None => self.again(run),
                }
            }
            Fate::Gone
                if self.stop.is_none()
                    && self.flights.get(&run).is_some_and(|flight| flight.back == Some(Back::Put)) =>
            {
                let then = if self.taken_back.contains(&run) { "" } else { ": it is submitted again" };
                self.notice(&format!("{run}: {} was cut off by Slurm{then}", self.job_in_words(run)));
                self.again(run);
            }
            Fate::Gone => self.gone(run),
        }
    }

    /// A job has ended before its worker began.
    fn not_begun(&mut self, run: RunId) {
        if let Some(done) = elsewhere::committed(&self.basis, run) {
            return self.done(run, done);
        }
        let Some(flight) = self.flights.get(&run) else { return };
        if flight.back == Some(Back::Taken) || self.stop.is_some() {
            return self.end(run, self.withdrawn(run));
        }
        let known = flight.job.as_ref().and_then(|job| self.cluster.end_of(job, &self.frame.name));
        // A run behind others in one job did nothing to end it.
        let is_lost = known.as_deref().is_none_or(|state| state.starts_with("NODE_FAIL") || state.ends_with(STOPPED))
            || self.is_shared(run);
        let often = self.forgotten.entry(run).or_default();
        *often += 1;
        if is_lost && *often <= MOST_FORGOTTEN {
            let words = self.job_in_words(run);
            self.notice(&format!("{run}: {words} is gone, and nothing was done in it: it is submitted again"));
            return self.again(run);
        }
        let state = known.unwrap_or_else(|| "nobody knows how".to_owned());
        let message = format!("{} ended before its worker began ({state})", self.job_in_words(run));
        let failure = self.with_log(run, Failure::new(FailureKind::Spawn, message));
        let attempt = elsewhere::last_attempt(&self.basis.folder, run);
        self.fail(run, (attempt, Stage::Prepare), failure, elsewhere::is_agent_complete(&self.basis.folder, run));
    }

    /// Whether the job of a run was to make others as well.
    fn is_shared(&self, run: RunId) -> bool {
        let Some(flight) = self.flights.get(&run) else { return false };
        let tasks = self.batches.get(&flight.batch).and_then(|of| of.batch.tasks().ok());
        tasks.and_then(|tasks| tasks.get(flight.index.checked_sub(1)?).map(Vec::len)).is_some_and(|runs| runs > 1)
    }

    /// Submits the run of a job that is gone in another one.
    pub(super) fn again(&mut self, run: RunId) {
        let Some(flight) = self.flights.get(&run) else { return };
        if flight.back == Some(Back::Taken) || self.taken_back.contains(&run) {
            return self.end(run, self.withdrawn(run));
        }
        if flight.has_begun() {
            // Whoever takes back what has not begun learns that it is one of those again.
            self.place(run, Placement::Queued { job: None, reason: None });
        }
        if let Some(flight) = self.flights.remove(&run) {
            self.wait(Job { run, attempts: flight.task.attempts });
        }
    }

    /// A worker is gone without a word.
    fn gone(&mut self, run: RunId) {
        if let Some(done) = elsewhere::committed(&self.basis, run) {
            return self.done(run, done);
        }
        let interrupted = self.flights.get(&run).and_then(|flight| flight.interrupted);
        let (stage, agent_complete) = interrupted.unwrap_or_else(|| elsewhere::left_at(&self.basis.folder, run));
        if self.stop.is_some() {
            return self.end(run, RunEnd::Unfinished(Unfinished::stopped(stage, agent_complete)));
        }
        let named = self.flights.get(&run).and_then(|flight| flight.job.clone());
        let how = named.and_then(|job| self.cluster.end_of(&job, &self.frame.name));
        let how = how.map_or_else(String::new, |how| format!(" ({how})"));
        let what =
            if interrupted.is_some() { "was ended from outside" } else { "ended, and its worker reported no end" };
        let message = format!("{} {what}{how}", self.job_in_words(run));
        let failure = Failure::new(FailureKind::Killed, message);
        let failure = if interrupted.is_some() { failure } else { self.with_log(run, failure) };
        let attempt = elsewhere::last_attempt(&self.basis.folder, run);
        self.fail(run, (attempt, stage), failure, agent_complete);
    }

    /// An attempt failed whose worker cannot record that.
    fn fail(&mut self, run: RunId, (attempt, stage): (AttemptNumber, Stage), failure: Failure, agent_complete: bool) {
        let attempts = self.flights.get(&run).map_or(1, |flight| flight.task.attempts);
        let end = AttemptEnd::Failed { failure: failure.clone(), last: is_last(failure.kind, attempts) };
        // Of a job in which nothing was done, only the last one leaves a record: why its run is missing.
        if stage > Stage::Prepare || attempts <= 1 {
            elsewhere::record_failure(&self.basis.folder, run, stage, end);
        }
        let why = WhyLeft::Failed { attempt, failure };
        self.end(run, RunEnd::Unfinished(Unfinished { stage, agent_complete, why }));
    }

    pub(super) fn job_in_words(&self, run: RunId) -> String {
        let Some(flight) = self.flights.get(&run) else { return "its job".to_owned() };
        let on = match &flight.placed {
            Some(Placement::Running { node, .. }) => format!(" on {node}"),
            Some(Placement::Queued { .. }) | None => String::new(),
        };
        flight.id().map_or_else(|| format!("its job{on}"), |job| format!("its job {job}{on}"))
    }

    /// The failure with the end of what its job wrote.
    fn with_log(&self, run: RunId, failure: Failure) -> Failure {
        let flight = self.flights.get(&run);
        let log = flight.and_then(|flight| Some(self.batches.get(&flight.batch)?.batch.log(flight.index)));
        let excerpt = log.and_then(|log| elsewhere::end_of_log(&self.basis.folder, log));
        Failure { excerpt, ..failure }
    }
}
