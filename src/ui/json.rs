//! Events for machines: one JSON object per line.

use std::io::{self, Write};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::model::event::Event;
use crate::text::escape;

use super::Reporter;

/// One line of `--message-format json`.
#[derive(Serialize, JsonSchema)]
struct JsonLine<'a> {
    /// When it happened.
    #[schemars(with = "String")]
    at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    event: &'a Event,
}

/// Writes each event as a line of JSON.
#[derive(Debug)]
pub struct Json<W> {
    out: W,
}

impl<W: Write> Json<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write> Reporter for Json<W> {
    fn event(&mut self, at: Timestamp, event: &Event) -> io::Result<()> {
        let line = serde_json::to_string(&JsonLine { at, event })?;
        writeln!(self.out, "{}", escape::json(&line))?;
        self.out.flush()
    }
}

/// The JSON schema of a line.
#[must_use]
pub fn event_schema() -> Value {
    schemars::schema_for!(JsonLine<'_>).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples;

    fn shown(events: &[(Timestamp, Event)]) -> String {
        let mut out = Vec::new();
        let mut json = Json::new(&mut out);
        for (at, event) in events {
            json.event(*at, event).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_event_is_one_object_on_one_line_and_reads_back() {
        let events = samples::every_event();
        let text = shown(&events);
        for (line, (_, event)) in text.lines().zip(&events) {
            assert!(line.starts_with("{\"at\":\"2026-"), "{line}");
            assert_eq!(&serde_json::from_str::<Event>(line).unwrap(), event);
        }
        assert_eq!(text.lines().count(), events.len());
        samples::snapshot("events", "json", &text);
    }

    #[test]
    fn the_schema_names_every_reason() {
        let schema = event_schema().to_string();
        for (_, event) in samples::every_event() {
            let reason = serde_json::to_value(&event).unwrap()["reason"].to_string();
            assert!(schema.contains(&reason), "{reason}");
        }
        samples::snapshot("events", "schema", &crate::text::page::pretty(&event_schema()));
    }

    #[test]
    fn hostile_text_gives_no_second_line_and_reads_back() {
        let message = "\n{\"reason\":\"forged\"}\u{9b}2J\u{2028}".to_owned();
        let event = Event::Notice { message };
        let text = shown(&[(samples::at(0), event.clone())]);
        assert!(text.trim_end().is_ascii());
        assert_eq!(text.lines().count(), 1);
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }
}
