//! One line per event, for pipes and logs.

use std::io::{self, Write};

use jiff::Timestamp;

use crate::model::event::Event;

use super::Reporter;
use super::lines::{self, Line, Reported, SetupNames, WORD_WIDTH};
use crate::text::styles::{Styles, Tone};

/// Runs are the most frequent subject: the width of `T0/00/run_01`.
const SUBJECT_WIDTH: usize = 12;

/// How much is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Only what went wrong or stops the work.
    Troubles,
    /// Runs and what happens to the experiment.
    Runs,
    /// The stages of runs too.
    Stages,
}

impl Detail {
    /// The least detail at which an event is written.
    fn of(event: &Event) -> Self {
        match event {
            Event::StageStarted { .. } | Event::RunPlaced { .. } => Self::Stages,
            Event::AttemptFailed { .. }
            | Event::RunErrored { .. }
            | Event::RunStopped { .. }
            | Event::RunWithdrawn { .. }
            | Event::TierPaused { .. }
            | Event::RateLimited { .. }
            | Event::BudgetReached { .. }
            | Event::TimeReached { .. }
            | Event::Stopping { .. }
            | Event::Notice { .. }
            | Event::TierInherits { .. }
            | Event::FlagDiffers { .. } => Self::Troubles,
            Event::ExperimentStarted(_)
            | Event::Mended { .. }
            | Event::RunStarted { .. }
            | Event::RunCommitted(_)
            | Event::RateLimitOver { .. }
            | Event::RunWaits { .. }
            | Event::ConcurrencyChanged { .. }
            | Event::ExperimentFinished(_) => Self::Runs,
        }
    }
}

/// Writes each event as one line: time, word, subject, text.
#[derive(Debug)]
pub struct Plain<W> {
    out: W,
    styles: Styles,
    detail: Detail,
    names: SetupNames,
    reported: Reported,
}

impl<W: Write> Plain<W> {
    /// Writes to `out` all events up to this detail.
    pub fn new(out: W, styles: Styles, detail: Detail) -> Self {
        Self { out, styles, detail, names: SetupNames::default(), reported: Reported::default() }
    }
}

impl<W: Write> Reporter for Plain<W> {
    fn event(&mut self, at: Timestamp, event: &Event) -> io::Result<()> {
        self.names.event(event);
        if Detail::of(event) > self.detail {
            return Ok(());
        }
        let Line { word, tone, subject, text, .. } = lines::named_line(event, &self.names, &mut self.reported);
        let line = format!(
            "{at}  {word:<WORD_WIDTH$}  {subject:<SUBJECT_WIDTH$}  {text}",
            at = self.styles.paint(Tone::Faint, format_args!("{}", at.strftime("%Y-%m-%dT%H:%M:%SZ"))),
            word = self.styles.paint(tone, word),
        );
        writeln!(self.out, "{}", line.trim_end())?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples;

    fn shown(styles: Styles, events: &[(Timestamp, Event)]) -> String {
        let mut out = Vec::new();
        let mut plain = Plain::new(&mut out, styles, Detail::Stages);
        for (at, event) in events {
            plain.event(*at, event).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_event_is_one_line() {
        let events = samples::every_event();
        let text = shown(Styles::plain(), &events);
        assert_eq!(text.lines().count(), events.len());
        samples::snapshot("events", "plain", &text);
    }

    #[test]
    fn less_detail_leaves_stages_out_and_least_keeps_troubles() {
        let of = |detail| {
            let mut out = Vec::new();
            let mut plain = Plain::new(&mut out, Styles::plain(), detail);
            for (at, event) in samples::every_event() {
                plain.event(at, &event).unwrap();
            }
            String::from_utf8(out).unwrap()
        };
        samples::snapshot("events", "plain_runs", &of(Detail::Runs));
        samples::snapshot("events", "plain_troubles", &of(Detail::Troubles));
    }

    #[test]
    fn colors_are_there_only_when_they_are_asked_for() {
        let events = samples::every_event();
        let colored = shown(Styles::colored(), &events);
        assert!(colored.contains("\u{1b}["));
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), shown(Styles::plain(), &events));
    }

    #[test]
    fn hostile_text_stays_on_its_line_and_gives_no_command() {
        let message = "\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}[2J\n::add-mask::x\u{202e}".to_owned();
        let text = shown(Styles::plain(), &[(samples::at(0), Event::Notice { message })]);
        samples::snapshot("events", "plain_hostile", &text);
        assert!(!text.trim_end().chars().any(char::is_control));
    }

    #[test]
    fn no_word_is_wider_than_its_column() {
        for (_, event) in samples::every_event() {
            assert!(lines::line(&event).word.len() <= WORD_WIDTH);
        }
    }
}
