//! Submits what is to be started, in as few calls as possible, and takes over what a former session submitted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{Closed, LOOKS, OfBatchInFlight, Sent, Watch};
use crate::engine::backend::Input;
use crate::engine::backend::slurm::cluster::Refusal;
use crate::engine::backend::slurm::flight::Flight;
use crate::engine::backend::slurm::queue::Listed;
use crate::engine::backend::slurm::script::{OfBatch, script};
use crate::engine::backend::slurm::submit::resources_of;
use crate::engine::error::EngineError;
use crate::engine::worker::report::{Job, RunEnd};
use crate::model::ids::RunId;
use crate::model::job::{JobResources, JobTask};
use crate::model::job_line::JobLine;
use crate::model::outcome::Failure;
use crate::os::files;
use crate::store::StoreError;
use crate::store::jobs::{Batch, newest_start};

/// How long the cluster is not asked for another job when it took none.
const BETWEEN_TRIES: Duration = Duration::from_secs(5);
/// Whoever has no other job is refused for good after this time.
const LINGERING: Duration = Duration::from_secs(30);
/// So many runs that are submitted together are few.
const FEW: usize = 4;

impl Watch {
    /// Takes over the jobs of former sessions that have not ended; gives their runs.
    pub(in crate::engine::backend::slurm) fn adopt(&mut self, queue: &[Listed]) -> Result<Vec<RunId>, EngineError> {
        for batch in Batch::left(&self.basis.folder)? {
            let comment = self.comment(batch.number());
            let listed: BTreeMap<usize, &Listed> =
                queue.iter().filter(|one| one.comment == comment).map(|one| (one.task, one)).collect();
            for (index, task) in batch
                .tasks()?
                .into_iter()
                .enumerate()
                .flat_map(|(index, tasks)| tasks.into_iter().map(move |task| (index + 1, task)))
            {
                let has_begun = newest_start(&self.basis.folder, task.run)? > task.after;
                // One that has neither begun nor waits never will.
                if !has_begun && listed.get(&index).is_none_or(|one| one.is_ending) {
                    continue;
                }
                let mut flight = Flight::new(&self.basis.folder, task, (batch.number(), index));
                let is_over = flight.news().iter().any(|line| matches!(line, JobLine::Ended(_)));
                if is_over && !listed.contains_key(&index) {
                    continue;
                }
                let mut flight = Flight::new(&self.basis.folder, task, (batch.number(), index));
                (flight.is_followed, flight.has_history) = (false, has_begun);
                if let Ok(Some(job)) = batch.job() {
                    flight.submitted_as(&job);
                }
                match listed.get(&index) {
                    Some(one) => flight.seen(Some(one)),
                    None => flight.of_former = true,
                }
                self.flights.insert(task.run, flight);
            }
            let number = batch.number();
            self.submitted.insert(number, Instant::now());
            self.batches.insert(number, OfBatchInFlight { batch, sent: Sent::Yes });
        }
        self.close_batches();
        self.has_taken = !self.flights.is_empty();
        Ok(self.flights.keys().copied().collect())
    }

    /// Submits what waits, in as few calls as possible.
    pub(super) fn submit(&mut self) {
        (self.since, self.not_before) = (None, None);
        if self.closed.is_some() {
            for job in std::mem::take(&mut self.waiting) {
                self.end(job.run, self.withdrawn(job.run));
            }
            return;
        }
        let mut groups: Vec<(JobResources, Vec<Job>)> = Vec::new();
        for job in std::mem::take(&mut self.waiting) {
            let asked = self.basis.config.job_resources();
            let resources = resources_of(&self.basis.fixture, &asked, job.run);
            match groups.iter_mut().find(|(known, _)| *known == resources) {
                Some((_, jobs)) => jobs.push(job),
                None => groups.push((resources, vec![job])),
            }
        }
        for (resources, jobs) in groups {
            // Of few runs, each has its own job: nobody waits for them.
            let of_a_job = self.durations.runs_of_a_job().min(jobs.len().div_ceil(FEW)).max(1);
            for part in jobs.chunks(self.most_in_array.min(self.most_at_once) * of_a_job) {
                // What the cluster does not take now, or was not asked to because of that, waits.
                if self.closed.is_some() {
                    for job in part {
                        self.end(job.run, self.withdrawn(job.run));
                    }
                } else if self.not_before.is_some() || !self.all_are_sent() {
                    for job in part {
                        self.wait(*job);
                    }
                } else if let Err(error) = self.submit_part(&resources, part, of_a_job) {
                    let failure = Failure::from(error);
                    for job in part {
                        self.end(job.run, RunEnd::not_begun(failure.clone()));
                    }
                }
            }
        }
    }

    fn submit_part(&mut self, resources: &JobResources, jobs: &[Job], of_a_job: usize) -> Result<(), StoreError> {
        let task = |job: &Job| {
            let after = newest_start(&self.basis.folder, job.run)?;
            Ok(JobTask { run: job.run, attempts: job.attempts, after })
        };
        let tasks = jobs.chunks(of_a_job).map(|part| part.iter().map(task).collect());
        let tasks = tasks.collect::<Result<Vec<Vec<_>>, StoreError>>()?;
        let batch = Batch::record(&self.basis.folder, &self.frame.name, &tasks)?;
        let (place, file) = (self.frame.folder.join(self.basis.folder.relative(batch.place())), batch.tasks_file());
        let file = place.join(file.file_name().unwrap_or_default());
        let comment = self.comment(batch.number());
        let below = |path: PathBuf| self.frame.folder.join(self.basis.folder.relative(&path));
        let variables = below(self.basis.folder.given_variables());
        let stopped = below(self.basis.folder.jobs_stopped());
        let (jobs, variables, stopped) = (tasks.len(), variables.as_path(), stopped.as_path());
        let of = OfBatch { jobs, place: &place, tasks: &file, variables, stopped, comment: &comment, resources };
        files::write_atomic(&batch.script_file(), script(&self.frame, of).as_bytes())?;
        for (index, task) in tasks.iter().enumerate() {
            for task in task {
                let flight = Flight::new(&self.basis.folder, *task, (batch.number(), index + 1));
                self.flights.insert(task.run, flight);
            }
        }
        let number = batch.number();
        self.batches.insert(number, OfBatchInFlight { batch, sent: Sent::Yes });
        self.send(number);
        Ok(())
    }

    /// Submits a batch that is recorded.
    pub(super) fn send(&mut self, number: u32) {
        let Some(of) = self.batches.get_mut(&number) else { return };
        let sent = self.cluster.submit(&of.batch.script_file());
        self.submitted.insert(number, Instant::now());
        match sent {
            Ok(job) => {
                of.sent = Sent::Yes;
                (self.has_taken, self.alone_since) = (true, None);
                self.most_at_once = self.most_at_once.saturating_mul(2);
                // The name only makes it easier for people: the batch is known by its comment.
                let _ = of.batch.submitted(&job);
                for flight in self.flights.values_mut().filter(|flight| flight.batch == number) {
                    flight.submitted_as(&job);
                }
                self.next_look = self.next_look.map(|_| Instant::now() + LOOKS.0);
            }
            Err(Refusal::Passing(words)) => {
                of.sent = Sent::Unsure(Instant::now(), 0);
                self.note_unreachable(&words);
            }
            Err(Refusal::Full(words)) => self.submit_fewer(number, words),
            Err(Refusal::Final(words)) => self.refused(number, words),
        }
    }

    /// The next batch would be refused as well: asking again is for a person.
    fn refused(&mut self, number: u32, words: String) {
        self.line.send(Input::Refused(words));
        self.closed = Some(Closed::Refused);
        self.unpack_full();
        let waiting = std::mem::take(&mut self.waiting);
        for run in self.runs_of(number).into_iter().chain(waiting.into_iter().map(|job| job.run)) {
            self.end(run, self.withdrawn(run));
        }
    }

    /// The cluster does not take a batch: half of it is tried, and when not even one job is taken, it is tried again when others may have
    /// ended.
    fn submit_fewer(&mut self, number: u32, words: String) {
        let runs = self.runs_of(number);
        let jobs: BTreeSet<usize> =
            self.flights.values().filter(|one| one.batch == number).map(|one| one.index).collect();
        let others = self.flights.len() > runs.len();
        if jobs.len() <= 1 && !others {
            // Jobs that have just ended count for a moment longer.
            let since = *self.alone_since.get_or_insert_with(Instant::now);
            if !self.has_taken || since.elapsed() >= LINGERING {
                return self.refused(number, words);
            }
        } else {
            self.alone_since = None;
        }
        self.most_at_once = (jobs.len() / 2).max(1);
        if jobs.len() > 1 {
            for run in runs {
                self.again(run);
            }
            self.not_before = Some(Instant::now());
            return;
        }
        // The same batch is sent again, and nothing else before.
        if let Some(of) = self.batches.get_mut(&number) {
            of.sent = Sent::Full(Instant::now() + BETWEEN_TRIES);
        }
        if self.reported.insert("no more jobs are taken".to_owned()) {
            self.notice(&format!("{words}: the others are submitted when some have ended"));
        }
    }

    /// Whether nothing waits that is to be submitted before anything else.
    pub(super) fn all_are_sent(&self) -> bool {
        let waits = |number: &u32| self.batches.get(number).is_some_and(|of| of.sent != Sent::Yes);
        !self.flights.values().any(|flight| waits(&flight.batch))
    }

    /// Submits what the cluster took no more of, when it is time.
    pub(super) fn send_again(&mut self) {
        if self.closed.is_some() {
            return;
        }
        let is_due = |of: &OfBatchInFlight| matches!(of.sent, Sent::Full(next) if next <= Instant::now());
        let due: Vec<u32> = self.batches.iter().filter(|(_, of)| is_due(of)).map(|(number, _)| *number).collect();
        for number in due {
            self.send(number);
        }
    }

    /// Puts runs that were never with the cluster back to those that wait.
    pub(super) fn unpack_full(&mut self) {
        let full = |of: &OfBatchInFlight| matches!(of.sent, Sent::Full(_));
        let full: Vec<u32> = self.batches.iter().filter(|(_, of)| full(of)).map(|(number, _)| *number).collect();
        for number in full {
            for run in self.runs_of(number) {
                self.again(run);
            }
        }
        self.close_batches();
    }
}
