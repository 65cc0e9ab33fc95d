//! Bars on a terminal, with news above them. The door to `indicatif`.

use std::io;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use jiff::Timestamp;

use crate::model::event::Event;
use crate::text::words::wrap;

use super::lines::{self, Line, WORD_WIDTH};
use super::progress::Progress;
use super::reporter::Reporter;
use super::styles::Styles;

/// News are broken to lines that fit a terminal of 80 columns behind the word and its space.
const NEWS_COLUMNS: usize = 80 - WORD_WIDTH - 1;

/// Shows tiers, totals and the runs in flight at the lower end of a terminal, and prints news above.
#[derive(Debug)]
pub struct Terminal {
    bar: ProgressBar,
    styles: Styles,
    progress: Progress,
}

impl Terminal {
    /// Draws on stderr; `None` when stderr is not a terminal on which lines can be drawn again.
    #[must_use]
    pub fn on_stderr(styles: Styles) -> Option<Self> {
        let target = ProgressDrawTarget::stderr();
        (!target.is_hidden()).then(|| Self::new(target, styles))
    }

    /// Draws on `target`.
    #[must_use]
    pub fn new(target: ProgressDrawTarget, styles: Styles) -> Self {
        // One bar whose message is all lines is drawn at once, so no half of the screen is ever older than the other.
        let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::with_draw_target(None, target).with_style(style).with_finish(ProgressFinish::AndClear);
        Self { bar, styles, progress: Progress::default() }
    }

    fn draw(&self, at: Timestamp) {
        let lines = self.progress.lines(at, self.styles);
        if !lines.is_empty() {
            self.bar.set_message(format!("\n{}", lines.join("\n")));
        }
    }
}

impl Reporter for Terminal {
    fn event(&mut self, at: Timestamp, event: &Event) -> io::Result<()> {
        self.progress.event(at, event);
        if matches!(event, Event::ExperimentFinished(_)) {
            self.bar.finish_and_clear();
            return Ok(());
        }
        let Line { word, tone, subject, text, is_news } = lines::line(event);
        if is_news {
            let sentence = if subject.is_empty() { text } else { format!("{subject}: {text}") };
            let sentence = wrap(&sentence, NEWS_COLUMNS).join(&format!("\n{:>WORD_WIDTH$} ", ""));
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

    use super::super::samples::{at, begun, committed, every_event, finished, snapshot, stage, started};
    use super::*;
    use crate::model::event::ExperimentStarted;
    use crate::model::outcome::{AgentEnd, ExperimentEnd, Rung, Stage, StopSignal};

    fn terminal(styles: Styles) -> (InMemoryTerm, Terminal) {
        let screen = InMemoryTerm::new(40, 80);
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        (screen, Terminal::new(target, styles))
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
    fn news_stand_above_the_bars() {
        let events = every_event();
        let (screen, _terminal) = after(&events[..events.len() - 1]);
        snapshot("screens", "bars_with_news", &screen.contents());
    }

    #[test]
    fn the_end_clears_the_bars_and_keeps_the_news() {
        let mut events = midway();
        events.push((at(190), Event::ExperimentFinished(finished(ExperimentEnd::Incomplete))));
        let (screen, _terminal) = after(&events);
        assert_eq!(screen.contents().lines().count(), 2, "{}", screen.contents());
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
        let stop = Event::Stopping { signal: StopSignal::Interrupt, rung: Rung::Drain, in_flight: 20 };
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
        let mut progress = Progress::default();
        progress.event(at(0), &Event::ExperimentStarted(wide));
        for line in progress.lines(at(90_000), Styles::plain()) {
            assert!(line.chars().count() < 80, "{line}");
        }
    }
}
