//! Bars on a terminal, with news above them. The door to `indicatif`.

mod hard_rows;

use std::fmt;
use std::io::{self, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use jiff::Timestamp;

use crate::model::event::Event;
use crate::os::clock::Stopwatch;
use crate::os::terminal::{self, Size};
use crate::text::columns::{columns, cut};
use crate::text::words::wrap;

use self::hard_rows::HardRows;
use super::Reporter;
use super::lines::{self, Line, Reported, SetupNames, WORD_WIDTH};
use super::progress::ProgressView;
use crate::text::styles::Styles;

/// News lines are wrapped at this many columns, including their word and indentation.
const NEWS_COLUMNS: usize = 80;

/// Bars are drawn several times a second. If more time than this has passed, the process was stopped, and a shell may
/// have written below them.
const STOPPED: Duration = Duration::from_secs(3);

/// Most draws in a second.
const DRAWS_A_SECOND: u8 = 20;

/// Where bars are drawn.
pub trait Screen: fmt::Debug {
    /// Draws on it, from the line of its cursor on.
    fn target(&self) -> ProgressDrawTarget;
    /// Its present size.
    fn size(&self) -> Size;
    /// Erases `rows` rows, of which the cursor is in the last.
    fn erase(&self, rows: usize);
}

/// The terminal behind standard error.
#[derive(Debug)]
struct Stderr;

impl Screen for Stderr {
    fn target(&self) -> ProgressDrawTarget {
        ProgressDrawTarget::term_like_with_hz(Box::new(HardRows::default()), DRAWS_A_SECOND)
    }

    fn size(&self) -> Size {
        terminal::size(io::stderr())
    }

    fn erase(&self, rows: usize) {
        let up = match rows.saturating_sub(1) {
            0 => String::new(),
            up => format!("\u{1b}[{up}A"),
        };
        // If the bars cannot be drawn, the work goes on.
        let _ = write!(io::stderr(), "\r{up}\u{1b}[J");
    }
}

/// Shows tiers, totals and the runs in flight at the bottom of a terminal, and prints news above.
#[derive(Debug)]
pub struct Terminal {
    bar: ProgressBar,
    screen: Box<dyn Screen>,
    styles: Styles,
    names: SetupNames,
    reported: Reported,
    progress: ProgressView,
    drawn: Option<Drawn>,
}

/// What is on the screen.
#[derive(Debug)]
struct Drawn {
    since: Stopwatch,
    size: Size,
    /// The number of columns of each row.
    rows: Vec<usize>,
}

impl Terminal {
    /// Draws on stderr; `None` when stderr is not a terminal on which lines can be redrawn.
    #[must_use]
    pub fn on_stderr(styles: Styles) -> Option<Self> {
        (!ProgressDrawTarget::stderr().is_hidden()).then(|| Self::new(Box::new(Stderr), styles))
    }

    /// Draws on `screen`.
    #[must_use]
    pub fn new(screen: Box<dyn Screen>, styles: Styles) -> Self {
        // A single bar with all lines as its message is drawn at once, so that all parts of the screen are from the
        // same moment.
        let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::with_draw_target(None, screen.target()).with_style(style);
        let bar = bar.with_finish(ProgressFinish::AndClear);
        Self {
            bar,
            screen,
            styles,
            names: SetupNames::default(),
            reported: Reported::default(),
            progress: ProgressView::default(),
            drawn: None,
        }
    }

    /// The previous drawing is overwritten only if it is still unchanged on the screen: a terminal of another width has
    /// rewrapped it, and a shell writes below it while the process is stopped.
    fn restart_after_changes(&mut self, size: Size) {
        let Some(drawn) = &self.drawn else { return };
        if drawn.since.elapsed() > STOPPED {
            self.bar.set_draw_target(self.screen.target());
        } else if size.columns < drawn.size.columns {
            let rows: usize = drawn.rows.iter().map(|columns| columns.div_ceil(size.columns).max(1)).sum();
            self.bar.set_draw_target(self.screen.target());
            // The former target ended its last row by a line feed.
            self.screen.erase(rows + 1);
        } else {
            return;
        }
        self.drawn = None;
    }

    fn draw(&mut self, at: Timestamp) {
        let size = self.screen.size();
        self.restart_after_changes(size);
        let lines = self.progress.lines(at, Size { rows: size.rows.saturating_sub(2), ..size }, self.styles);
        if lines.is_empty() {
            return;
        }
        let fitting: Vec<String> = lines.iter().map(|line| cut(line.trim_end(), size.columns)).collect();
        let rows = [0].into_iter().chain(fitting.iter().map(|line| columns(line))).collect();
        self.bar.set_message(format!("\n{}", fitting.join("\n")));
        self.drawn = Some(Drawn { since: Stopwatch::start(), size, rows });
    }
}

impl Reporter for Terminal {
    fn event(&mut self, at: Timestamp, event: &Event) -> io::Result<()> {
        self.names.event(event);
        self.progress.event(at, event);
        if matches!(event, Event::ExperimentFinished(_)) {
            self.bar.finish_and_clear();
            return Ok(());
        }
        let Line { word, tone, subject, text, is_news } = lines::named_line(event, &self.names, &mut self.reported);
        let size = self.screen.size();
        self.restart_after_changes(size);
        if is_news {
            let sentence = if subject.is_empty() { text } else { format!("{subject}: {text}") };
            let most = size.columns.min(NEWS_COLUMNS).saturating_sub(WORD_WIDTH + 1).max(WORD_WIDTH);
            let sentence = wrap(&sentence, most).join(&format!("\n{:>WORD_WIDTH$} ", ""));
            self.bar.println(format!("{:>WORD_WIDTH$} {sentence}", self.styles.paint(tone, word)));
        }
        self.draw(at);
        Ok(())
    }

    fn tick(&mut self, at: Timestamp) {
        self.draw(at);
    }
}

#[cfg(test)]
mod tests {
    use indicatif::InMemoryTerm;

    use super::*;
    use crate::model::event::ExperimentStarted;
    use crate::model::ids::AttemptNumber;
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
}
