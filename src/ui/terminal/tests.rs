//! What stands on the screen after events.

use indicatif::InMemoryTerm;

use super::*;
use crate::model::event::ExperimentStarted;
use crate::model::ids::AttemptNumber;
use crate::model::job::Placement;
use crate::model::outcome::{AgentEnd, ExperimentEnd, Stage, StopLevel, StopSignal};
use crate::model::samples::{
    at, begun, committed, every_event, finished, provider_failure, snapshot, stage, started, usd,
};
use crate::model::usage::Total;

#[derive(Debug)]
struct InMemory(InMemoryTerm, Size);

impl Screen for InMemory {
    fn target(&self) -> ProgressDrawTarget {
        ProgressDrawTarget::term_like(Box::new(self.0.clone()))
    }

    fn size(&self) -> Size {
        self.1
    }

    fn erase(&self, _: usize) {}
}

fn terminal_of(rows: u16, columns: u16, styles: Styles) -> (InMemoryTerm, Terminal) {
    let screen = InMemoryTerm::new(rows, columns);
    let size = Size { rows: rows.into(), columns: columns.into() };
    let terminal = Terminal::new(Box::new(InMemory(screen.clone(), size)), styles);
    (screen, terminal)
}

fn terminal(styles: Styles) -> (InMemoryTerm, Terminal) {
    terminal_of(40, 80, styles)
}

#[test]
fn a_model_that_is_paused_is_named_with_the_time_until_which_it_is() {
    let model = || "claude-sonnet".to_owned();
    let limited = (at(170), Event::RateLimited { model: model(), until: at(1790) });
    let events: Vec<_> = midway().into_iter().chain([limited]).collect();
    let (screen, mut terminal) = after(&events);
    assert!(screen.contents().contains("  claude-sonnet: paused until "), "{}", screen.contents());
    snapshot("screens", "bars_paused", &screen.contents());
    terminal.event(at(1790), &Event::RateLimitOver { model: model() }).unwrap();
    assert!(!screen.contents().contains("paused until"), "{}", screen.contents());
}

#[test]
fn bars_never_wrap_and_keep_the_whole_where_there_is_little_room() {
    for (rows, columns) in [(40, 40), (10, 80), (10, 40), (4, 20), (2, 10)] {
        let (screen, mut terminal) = terminal_of(rows, columns, Styles::colored());
        let mut events = midway();
        let Event::ExperimentStarted(started) = &mut events[0].1 else { panic!() };
        started.setups[1].name = Some("寿司とラーメン".repeat(9));
        for (at, event) in &events {
            terminal.event(*at, event).unwrap();
        }
        terminal.tick(at(188));
        if rows > 2 {
            assert!(screen.contents().contains("40 of 90 run"), "{}", screen.contents());
        }
        if (rows, columns) == (10, 40) {
            snapshot("screens", "bars_small", &screen.contents());
        }
    }
}

fn after(events: &[(Timestamp, Event)]) -> (InMemoryTerm, Terminal) {
    let (screen, mut terminal) = terminal(Styles::plain());
    for (at, event) in events {
        terminal.event(*at, event).unwrap();
    }
    (screen, terminal)
}

fn midway() -> Vec<(Timestamp, Event)> {
    vec![
        (at(0), Event::ExperimentStarted(started())),
        (at(1), begun("T1/00/run_09", 1, Stage::Prepare)),
        (at(1), begun("T1/00/run_10", 1, Stage::Prepare)),
        (at(2), begun("T1/01/run_01", 2, Stage::Judge)),
        (at(3), stage("T1/00/run_09", Stage::Agent, None)),
        (at(4), stage("T1/01/run_01", Stage::Judge, Some(2))),
        (at(150), committed("T1/00/run_10", 0.92, AgentEnd::Finished)),
        (at(160), committed("T1/01/run_02", 0.2, AgentEnd::TimedOut)),
    ]
}

#[test]
fn the_bars_show_tiers_the_whole_and_what_is_in_flight() {
    let (screen, mut terminal) = after(&midway());
    terminal.tick(at(188));
    snapshot("screens", "bars", &screen.contents());
}

#[test]
fn a_limit_of_the_time_is_shown_with_what_all_sessions_worked_and_that_it_is_reached() {
    let mut events = midway();
    let Event::ExperimentStarted(started) = &mut events[0].1 else { panic!() };
    started.max_time_seconds = Some(4000);
    let (screen, mut terminal) = after(&events);
    terminal.tick(at(188));
    assert!(screen.contents().contains("$8.78 of $50.00, 1h 03m of 1h 06m, about"), "{}", screen.contents());
    let reached = Event::TimeReached { worked_seconds: 4000.2, max_time_seconds: 4000, in_flight: 2 };
    terminal.event(at(400), &reached).unwrap();
    let end = "1h 06m of 1h 06m, out of time: stops w…";
    assert!(screen.contents().contains(end), "{}", screen.contents());
}

#[test]
fn news_stand_above_the_bars() {
    let events = every_event();
    let (screen, _terminal) = after(&events[..events.len() - 1]);
    snapshot("screens", "bars_with_news", &screen.contents());
}

#[test]
fn the_bars_count_what_failed_and_stopped_attempts_cost_and_what_nobody_knows() {
    let spent = Total { known: usd(10.5), unknown: 2, ..Total::ZERO };
    let run = "T1/01/run_01".parse().unwrap();
    let attempt = AttemptNumber(2);
    for event in [
        Event::AttemptFailed { run, attempt, stage: Stage::Agent, failure: provider_failure(), retry: true, spent },
        Event::RunStopped { run, stage: Stage::Agent, spent },
        Event::RunWaits { run, stage: Stage::Judge, model: "sonnet".to_owned(), spent },
    ] {
        let mut events = midway();
        events.push((at(170), event));
        let (screen, _terminal) = after(&events);
        assert!(screen.contents().contains(&format!("{spent} of ")), "{}", screen.contents());
    }
}

#[test]
fn the_end_clears_the_bars_and_keeps_the_news() {
    let mut events = midway();
    events.push((at(190), Event::ExperimentFinished(finished(ExperimentEnd::Incomplete))));
    let (screen, _terminal) = after(&events);
    assert_eq!(screen.contents().lines().count(), 3, "{}", screen.contents());
    assert!(screen.contents().starts_with("   Resumes fix-the-crate: 38 of 90"));
}

#[test]
fn an_error_that_drops_the_reporter_clears_the_bars() {
    let (screen, terminal) = after(&midway());
    drop(terminal);
    assert!(!screen.contents().contains("passed"));
}

#[test]
fn many_runs_in_flight_are_summed_up() {
    let mut events = vec![(at(0), Event::ExperimentStarted(ExperimentStarted { jobs: 20, ..started() }))];
    events.extend((1..=20).map(|run| (at(run), begun(&format!("T2/00/{run}"), 1, Stage::Agent))));
    let stop = Event::Stopping { signal: StopSignal::Interrupt, stop_level: StopLevel::Drain, in_flight: 20 };
    events.push((at(70), stop));
    let (screen, _terminal) = after(&events);
    snapshot("screens", "bars_many_in_flight", &screen.contents());
}

#[test]
fn runs_that_wait_for_a_machine_share_one_line_and_those_that_work_keep_theirs_with_the_machine() {
    let placed = |run: &str, node: Option<&str>| {
        let job = Some("4711_3".to_owned());
        let placement = match node {
            Some(node) => Placement::Running { job, node: node.to_owned() },
            None => Placement::Queued { job, reason: Some("Resources".to_owned()) },
        };
        Event::RunPlaced { run: run.parse().unwrap(), placement }
    };
    let mut events = vec![(at(0), Event::ExperimentStarted(ExperimentStarted { jobs: 40, ..started() }))];
    events.extend((1..=35).map(|run| (at(1), placed(&format!("T2/00/{run}"), None))));
    events.extend((1..=3).map(|run| (at(10), placed(&format!("T2/00/{run}"), Some("n1")))));
    events.extend([
        (at(12), begun("T2/00/2", 1, Stage::Prepare)),
        (at(13), stage("T2/00/2", Stage::Agent, None)),
        (at(14), begun("T2/00/3", 2, Stage::Judge)),
        (at(14), stage("T2/00/3", Stage::Judge, Some(2))),
        // Of this one its own word comes before that of the batch system.
        (at(15), begun("T2/00/4", 1, Stage::Prepare)),
        (at(16), placed("T2/00/4", Some("gpu-rack-12-node-0034.cluster.example"))),
    ]);
    let (screen, mut terminal) = after(&events);
    terminal.tick(at(70));
    snapshot("screens", "bars_of_jobs", &screen.contents());

    // An attempt that the same job tries again stays on its machine; what is put back into the queue has none.
    let spent = Total { known: usd(10.5), unknown: 0, ..Total::ZERO };
    let (run, attempt, failure) = ("T2/00/2".parse().unwrap(), AttemptNumber(1), provider_failure());
    let failed = Event::AttemptFailed { run, attempt, stage: Stage::Agent, failure, retry: true, spent };
    for event in [failed, begun("T2/00/2", 2, Stage::Agent), placed("T2/00/4", None)] {
        terminal.event(at(80), &event).unwrap();
    }
    let contents = screen.contents();
    assert!(contents.contains("T2/00/run_02  agent on n1  "), "{contents}");
    assert!(contents.contains("  32 queued"), "{contents}");
    assert!(!contents.contains("run_04"), "{contents}");
    // Another machine has another worker, which begins.
    terminal.event(at(90), &placed("T2/00/2", Some("n2"))).unwrap();
    assert!(screen.contents().contains("T2/00/run_02  on n2  "), "{}", screen.contents());
}

#[test]
fn where_there_is_no_room_those_that_work_and_those_that_wait_are_counted_in_one_line() {
    let (screen, mut terminal) = terminal_of(10, 80, Styles::plain());
    terminal.event(at(0), &Event::ExperimentStarted(ExperimentStarted { jobs: 20, ..started() })).unwrap();
    for run in 1..=9 {
        let (run, placement) = (format!("T2/01/{run}"), Placement::Queued { job: None, reason: None });
        terminal.event(at(0), &Event::RunPlaced { run: run.parse().unwrap(), placement }).unwrap();
    }
    assert!(screen.contents().ends_with("\n\n  9 queued"), "{}", screen.contents());
    for run in 1..=8 {
        terminal.event(at(run), &begun(&format!("T2/00/{run}"), 1, Stage::Agent)).unwrap();
    }
    let contents = screen.contents();
    assert!(contents.contains("T2/00/run_01  agent"), "{contents}");
    assert!(contents.contains(" more, 9 queued"), "{contents}");
    assert!(contents.lines().count() <= 10, "{contents}");
}

#[test]
fn a_clock_that_is_set_back_shows_no_time() {
    let (screen, mut terminal) = after(&midway());
    terminal.tick(at(-3_600));
    assert!(screen.contents().contains("T1/00/run_09  agent        0.0s"), "{}", screen.contents());
}

#[test]
fn no_line_of_the_bars_is_wider_than_80_columns() {
    let mut wide = started();
    for tier in &mut wide.tiers {
        (tier.totals.planned, tier.totals.done, tier.totals.passed) = (9_999, 9_000, 4_500);
    }
    let mut progress = ProgressView::default();
    progress.event(at(0), &Event::ExperimentStarted(wide));
    for columns in [200, 80, 60, 44, 36, 20] {
        let lines = progress.lines(at(90_000), Size { rows: 40, columns }, Styles::plain());
        let tiers: Vec<&String> = lines.iter().filter(|line| line.contains("passed")).collect();
        assert!(tiers.len() >= 3, "{lines:?}");
        for line in tiers {
            assert!(line.contains("4500 failed"), "the numbers stay: {line}");
            let width = line.chars().count();
            assert!(width < 80 && (columns < 42 || width <= columns), "{columns}: {line}");
            assert_eq!(line.contains('━'), columns >= 60, "{columns}: {line}");
        }
    }
}
