//! One finished and one interrupted experiment, really run once; tests damage copies of them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::folder::copy;
use crate::fixture::{FULL_SCORE, TestFixture, close, gated, open};
use crate::world::{World, wait_until};

/// The experiments, in a world that is removed when the last test lets go of them.
pub(crate) struct Originals {
    world: World,
}

/// Runs of the interrupted experiment that are missing: an attempt that was stopped, one whose judge was, and two that
/// were not started.
pub(crate) const MISSING: [&str; 4] = ["T1/00/run_01", "T1/00/run_02", "T1/01/run_01", "T1/01/run_02"];

const RECORD: &str = "printf '{\"cost_usd\": 0.5}' > \"$SCYLLA_RECORD_FILE\"";

/// The experiments that other tests of this process use as well.
pub(crate) fn originals() -> Arc<Originals> {
    static SHARED: Mutex<Weak<Originals>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(made) = shared.upgrade() {
        return made;
    }
    let made = Arc::new(make());
    *shared = Arc::downgrade(&made);
    made
}

impl Originals {
    /// Every planned run is done; one of them at its second attempt.
    pub(crate) fn finished(&self) -> PathBuf {
        self.world.path("finished")
    }

    /// Tier 0 is done; in tier 1 nothing is.
    pub(crate) fn interrupted(&self) -> PathBuf {
        self.world.path("interrupted")
    }
}

/// Two tiers of two subtests of two runs. In tier 1 an agent and a judge wait at gates, so that both can be stopped.
fn make() -> Originals {
    let world = World::new();
    let solves = format!("touch done; {RECORD}");
    let judge = format!("case \"$(cat)\" in *T1/01*) {};; esac; {FULL_SCORE}", gated(&world, "judge"));
    let fixture = TestFixture::new()
        .agent("T0/00-solves", &solves)
        .agent("T0/01-gives-up", &format!("echo no >&2; {RECORD}; exit 3"))
        .agent("T1/00-stopped", &format!("{}; {solves}", gated(&world, "agent")))
        .agent("T1/01-ungraded", &solves)
        .judge(&judge)
        .write(&world);
    let results = world.results().to_str().unwrap().to_owned();
    for gate in ["agent", "judge"] {
        close(&world, gate);
    }
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", &results, "--runs", "2", "--jobs", "2"];
    let mut live = world.start(&arguments);
    wait_until("both gates are reached", || world.lines("agent.log") == 1 && world.lines("judge.log") == 1);
    for stop_level in ["drain", "terminate"] {
        live.signal("INT");
        live.wait_for(stop_level, |event| event["stop_level"] == stop_level);
    }
    let (code, ..) = live.end();
    assert_eq!(code, Some(130));
    for gate in ["agent", "judge"] {
        open(&world, gate);
    }
    let (interrupted, finished) = (world.path("interrupted"), world.path("finished"));
    copy(&world.experiment(), &interrupted);
    copy(&interrupted, &finished);
    world.scylla(&["resume", finished.to_str().unwrap()]).exits(0);
    Originals { world }
}

/// A copy of one of them in a world of its own.
pub(crate) struct Copied {
    pub(crate) world: World,
    pub(crate) dir: PathBuf,
    /// Kept while the copy is used: its agents still tell the logs of that world.
    _originals: Arc<Originals>,
}

/// A copy of the finished experiment.
pub(crate) fn finished() -> Copied {
    Copied::of(Originals::finished)
}

/// A copy of the interrupted experiment.
pub(crate) fn interrupted() -> Copied {
    Copied::of(Originals::interrupted)
}

impl Copied {
    pub(crate) fn of(which: impl Fn(&Originals) -> PathBuf) -> Self {
        let (originals, world) = (originals(), World::new());
        let dir = world.path("results/experiment");
        copy(&which(&originals), &dir);
        Self { world, dir, _originals: originals }
    }

    /// A place in the experiment.
    pub(crate) fn at(&self, place: &str) -> PathBuf {
        self.dir.join(place)
    }

    /// The experiment's folder as one types it.
    pub(crate) fn dir(&self) -> &str {
        name(&self.dir)
    }
}

pub(crate) fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}
