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
mod tests;
