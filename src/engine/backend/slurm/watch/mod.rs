//! The thread that watches the jobs: it submits what is to be started, reads what workers report, and looks at the queue.

mod following;
mod looking;
mod sending;
mod stopping;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::cluster::{Cluster, Refusal};
use super::flight::{Back, Flight};
use super::pack::Durations;
use super::queue::Listed;
use super::script::Frame;
use crate::engine::backend::elsewhere;
use crate::engine::backend::{Input, Line, Report};
use crate::engine::session::basis::Basis;
use crate::engine::worker::report::{Done, Job, RunEnd};
use crate::model::event::Event;
use crate::model::ids::RunId;
use crate::model::job::Placement;
use crate::model::outcome::StopLevel;
use crate::model::usage::Total;
use crate::store::jobs::{Batch, stop_jobs, write_placements};

/// How often reports of workers are read.
const TICK: Duration = Duration::from_millis(250);
/// Runs that are to be started are gathered for so long, so that one call submits many.
const GATHER: Duration = Duration::from_millis(400);
/// How often the queue is looked at, where jobs are few, and at most.
const LOOKS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// Most jobs of one batch, whatever the cluster allows: a batch is what one coordinator can follow at once.
const MOST_IN_BATCH: usize = 1000;

/// What the watching thread is told to do.
pub(super) enum Order {
    /// Start a worker on a job.
    Start(Job),
    /// Take those of these runs back that have not begun.
    TakeBack(BTreeSet<RunId>),
    /// Stop everything.
    Stop(StopLevel),
    /// Leave everything to another coordinator.
    Leave,
}

/// Why nothing more is submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closed {
    /// Slurm refuses it.
    Refused,
    /// Jobs are left to another session, because Slurm could not be asked to end them, or because the experiment may be that one's now.
    Left,
}

/// A batch with jobs in flight.
struct OfBatchInFlight {
    batch: Batch,
    sent: Sent,
}

/// Whether a batch is with the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// It is.
    Yes,
    /// It is not, because the cluster takes no more jobs before this time.
    Full(Instant),
    /// It was tried last at this time, and not known whether that worked; since then it was not seen at so many looks.
    Unsure(Instant, u32),
}

/// A look at the queue: when it began, and what there was.
type Look = (Instant, Result<Vec<Listed>, Refusal>);

/// The state of the watching thread.
pub(super) struct Watch {
    pub(super) basis: Arc<Basis>,
    pub(super) cluster: Cluster,
    frame: Frame,
    most_in_array: usize,
    line: Line,
    orders: Receiver<Order>,
    /// Runs that are to be submitted, since when, and how often each was forgotten.
    waiting: Vec<Job>,
    since: Option<Instant>,
    /// Before this time, the cluster takes no more.
    not_before: Option<Instant>,
    /// How many jobs the cluster may take at once, by what it took and refused.
    most_at_once: usize,
    /// Whether it took any of this experiment.
    has_taken: bool,
    /// Since when it takes none although none is there that this session knows of.
    alone_since: Option<Instant>,
    /// Runs that the coordinator has taken back: whatever becomes of their jobs, no other one is submitted.
    taken_back: BTreeSet<RunId>,
    forgotten: BTreeMap<RunId, u32>,
    durations: Durations,
    /// What was spent on runs by workers that were cut off.
    carried: BTreeMap<RunId, Total>,
    flights: BTreeMap<RunId, Flight>,
    /// The run whose report was read last, where others follow it.
    followed: Option<RunId>,
    batches: BTreeMap<u32, OfBatchInFlight>,
    /// When runs of a batch were submitted: an earlier look at the queue says nothing of them.
    submitted: BTreeMap<u32, Instant>,
    stop: Option<StopLevel>,
    /// A stop of which the cluster has not learned yet.
    unheard: bool,
    unreachable: bool,
    /// Until when each model may not be asked, as workers reported it.
    limited: BTreeMap<String, Instant>,
    /// What was reported once and is not again.
    reported: BTreeSet<String>,
    /// Why nothing more is submitted, apart from a stop.
    closed: Option<Closed>,
    asks: Sender<()>,
    looks: Receiver<Look>,
    /// When the queue is looked at next; `None` while somebody looks.
    next_look: Option<Instant>,
    /// Where runs were when that was written down last.
    written: BTreeMap<RunId, Placement>,
}

impl Watch {
    pub(super) fn new(
        basis: Arc<Basis>,
        (cluster, frame, most_in_array): (Cluster, Frame, usize),
        (line, orders): (Line, Receiver<Order>),
    ) -> Self {
        let (asks, asked) = channel::<()>();
        let (answers, looks) = channel::<Look>();
        let (looking, name) = (cluster.clone(), frame.name.clone());
        // A controller that is down is waited for by a thread of its own. Without it, the queue is not looked at.
        let looker = move || {
            while asked.recv().is_ok() {
                let now = Instant::now();
                if answers.send((now, looking.queue(&name))).is_err() {
                    return;
                }
            }
        };
        drop(thread::Builder::new().name("queue".to_owned()).spawn(looker));
        Self {
            basis,
            cluster,
            frame,
            most_in_array: most_in_array.min(MOST_IN_BATCH),
            line,
            orders,
            waiting: Vec::new(),
            since: None,
            not_before: None,
            most_at_once: most_in_array,
            has_taken: false,
            alone_since: None,
            taken_back: BTreeSet::new(),
            forgotten: BTreeMap::new(),
            durations: Durations::default(),
            carried: BTreeMap::new(),
            flights: BTreeMap::new(),
            followed: None,
            batches: BTreeMap::new(),
            submitted: BTreeMap::new(),
            stop: None,
            unheard: false,
            unreachable: false,
            limited: BTreeMap::new(),
            reported: BTreeSet::new(),
            closed: None,
            asks,
            looks,
            next_look: Some(Instant::now()),
            written: BTreeMap::new(),
        }
    }

    fn comment(&self, batch: u32) -> String {
        format!("{}:{batch}", self.frame.name)
    }

    /// Watches until nobody gives orders any more.
    pub(super) fn work(mut self) {
        loop {
            match self.orders.recv_timeout(TICK) {
                Ok(order) => self.take(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.leave(),
            }
            while let Ok(order) = self.orders.try_recv() {
                self.take(order);
            }
            let has_time = self.not_before.is_none_or(|time| time <= Instant::now());
            if has_time && self.all_are_sent() && self.since.is_some_and(|since| since.elapsed() >= GATHER) {
                self.submit();
            }
            self.send_again();
            self.follow();
            self.look();
            self.show();
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Start(job) => {
                self.taken_back.remove(&job.run);
                match self.flights.get_mut(&job.run) {
                    Some(flight) => flight.is_followed = true,
                    None if self.stop.is_some() => self.end(job.run, self.withdrawn(job.run)),
                    None => self.wait(job),
                }
            }
            Order::TakeBack(runs) => {
                self.unpack_full();
                self.taken_back.extend(&runs);
                let (back, stay) = self.waiting.drain(..).partition(|job| runs.contains(&job.run));
                self.waiting = stay;
                for job in back {
                    self.end(job.run, self.withdrawn(job.run));
                }
                for run in runs {
                    if let Some(flight) = self.flights.get_mut(&run).filter(|flight| !flight.has_begun()) {
                        flight.back = Some(Back::Taken);
                    }
                }
                self.next_look = self.next_look.map(|_| Instant::now());
            }
            Order::Leave => self.detach(),
            // What was left is another one's to stop.
            Order::Stop(_) if self.closed == Some(Closed::Left) => {}
            Order::Stop(stop_level) => {
                self.stop = Some(stop_level);
                self.unheard = true;
                // Whichever job is just about to begin sees it. Where it cannot be written, the cluster is asked all the same.
                let _ = stop_jobs(&self.basis.folder);
                self.unpack_full();
                for job in std::mem::take(&mut self.waiting) {
                    self.end(job.run, self.withdrawn(job.run));
                }
                self.pass_stop_on();
                if self.unheard {
                    self.go_without_cluster(stop_level);
                }
            }
        }
    }

    fn wait(&mut self, job: Job) {
        self.waiting.push(job);
        self.since.get_or_insert_with(Instant::now);
    }

    fn withdrawn(&self, run: RunId) -> RunEnd {
        RunEnd::Withdrawn { agent_complete: elsewhere::is_agent_complete(&self.basis.folder, run) }
    }

    fn runs_of(&self, batch: u32) -> Vec<RunId> {
        self.flights.values().filter(|flight| flight.batch == batch).map(Flight::run).collect()
    }

    fn end(&mut self, run: RunId, end: RunEnd) {
        self.done(run, Done { spent: Total::ZERO, end });
    }

    fn done(&mut self, run: RunId, Done { spent, end }: Done) {
        let took = self.flights.remove(&run).and_then(|flight| flight.worked_for());
        if let (Some(took), RunEnd::Committed(_)) = (took, &end) {
            self.durations.add(took);
        }
        let done = Done { spent: spent + self.carried.remove(&run).unwrap_or_default(), end };
        self.line.send(Input::Report(run, Box::new(Report::Ended(done))));
    }

    /// Records where a run is, and says so.
    fn place(&mut self, run: RunId, placement: Placement) {
        let Some(flight) = self.flights.get_mut(&run) else { return };
        flight.placed = Some(placement.clone());
        self.line.send(Input::Report(run, Box::new(Report::Event(Event::RunPlaced { run, placement }))));
    }

    /// Writes down where the runs are, for those who only look.
    fn show(&mut self) {
        if self.closed == Some(Closed::Left) {
            return;
        }
        let placed = |flight: &Flight| Some((flight.run(), flight.placed.clone()?));
        let now: BTreeMap<RunId, Placement> = self.flights.values().filter_map(placed).collect();
        if now != self.written && write_placements(&self.basis.folder, &now).is_ok() {
            self.written = now;
        }
    }

    /// Records which batches have no job left.
    fn close_batches(&mut self) {
        if self.closed == Some(Closed::Left) {
            return;
        }
        let in_flight: BTreeSet<u32> = self.flights.values().map(|flight| flight.batch).collect();
        let ended: Vec<u32> = self.batches.keys().filter(|number| !in_flight.contains(number)).copied().collect();
        for number in ended {
            // One that cannot be recorded as ended is looked at again by the next session.
            if self.batches.remove(&number).is_some_and(|of| of.batch.end().is_ok()) {
                self.submitted.remove(&number);
            }
        }
    }

    fn note_unreachable(&mut self, words: &str) {
        if !std::mem::replace(&mut self.unreachable, true) {
            self.notice(&format!("{words}: jobs go on, and what they do is read in the experiment's folder"));
        }
    }

    fn notice(&self, message: &str) {
        // It concerns no single run; the coordinator only shows it.
        if let Some(run) = self.flights.keys().next().or(self.waiting.first().map(|job| &job.run)) {
            let event = Event::Notice { message: message.to_owned() };
            self.line.send(Input::Report(*run, Box::new(Report::Event(event))));
        }
    }
}
