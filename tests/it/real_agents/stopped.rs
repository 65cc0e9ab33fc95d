//! Stopped in every way while a tool of the agent works or its judge thinks: nothing is left behind, and who has answered is not asked
//! again.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::experiment::{Experiment, HELLO, JUDGE, full_score};
use super::programs::{Real, installed};
use crate::model_server::Say;
use crate::scenes::{alive, experiment, is_alive, output, recorded};
use crate::world::{Live, World, wait_until};

/// Waits until nothing that has this world's home is alive.
#[track_caller]
pub(super) fn nothing_is_left(world: &World) {
    let home = world.path("home").display().to_string();
    wait_until("the end of every process of this world", || {
        let mut processes = fs::read_dir("/proc").unwrap().flatten();
        !processes.any(|process| {
            let environment = fs::read(process.path().join("environ")).unwrap_or_default();
            let number = process.file_name().to_string_lossy().parse();
            String::from_utf8_lossy(&environment).contains(&home) && number.is_ok_and(is_alive)
        })
    });
}

/// What a tool starts that ends by no signal but the last: one process of its own session, and one that it waits for. The word is in
/// the commands of both.
fn stubborn(word: &str) -> String {
    let process = format!("sh -c 'trap \"\" TERM INT HUP; while :; do sleep 0.1; done # {word}'");
    format!("setsid {process} >/dev/null 2>&1 & {process}")
}

/// How often the agent is stopped while it works.
const STOPS: usize = 3;

/// Interrupted twice, told to end, and killed, each time while the agent works, then killed while the judge thinks; the last resume
/// comes to the end.
pub(super) fn in_every_way_and_resumed(real: &'static Real) {
    let Some(installed) = installed() else { return };
    let word = format!("left-by-{}-{}", real.kind, std::process::id());
    let (tool, begun) = (stubborn(&word), AtomicUsize::new(0));
    let of = Experiment::with(&installed, "hello-script", &[real], move |asked| match asked.model.as_str() {
        JUDGE if asked.before == 0 => Say::Hang,
        JUDGE => full_score(2),
        _ if !real.is_work(asked) || asked.results() > 0 => (real.works)(asked, HELLO),
        _ if begun.fetch_add(1, Ordering::SeqCst) >= STOPS => (real.works)(asked, HELLO),
        _ => real.runs.map_or(Say::Hang, |runs| Say::Call("I begin.".to_owned(), runs(&tool))),
    });
    let works = |stop: usize| match real.runs {
        None => of.server.wait_for(real.asked_for, stop),
        Some(_) => wait_until("the agent's tool works", || alive(&word).len() >= 2),
    };
    let resume = || Live::start(&mut of.command(&["resume"]));

    let mut live = Live::start(&mut of.run(&[]));
    works(1);
    live.signal("INT");
    live.wait_for("drain", |event| event["stop_level"] == "drain");
    live.signal("INT");
    let (code, events, _) = live.end();
    assert_eq!(code, Some(130), "{events:#?}");
    nothing_is_left(&of.world);

    let live = resume();
    works(2);
    live.signal("TERM");
    let (code, events, _) = live.end();
    assert_eq!(code, Some(143), "{events:#?}");
    nothing_is_left(&of.world);

    let mut live = resume();
    works(STOPS);
    live.kill();

    let mut live = resume();
    of.server.wait_for(JUDGE, 1);
    assert_eq!(alive(&word), [0; 0], "what a killed session left has ended before an agent is asked");
    live.kill();
    assert_eq!(of.asked(), STOPS as u64 + real.answers);

    let ended = output(&mut of.command(&["resume"])).exits(0);
    assert_eq!((of.asked(), of.server.times(JUDGE)), (STOPS as u64 + real.answers, 2), "{ended}");
    assert_eq!(recorded(&of.world, "T0/00/1"), "passed");
    of.world.scylla(&["verify", &experiment(&of.world)]).exits(0);
    nothing_is_left(&of.world);
}
