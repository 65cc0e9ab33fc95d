//! How an Inspect log is written: no character in it is obeyed where it is shown, also by whatever program reads it and writes it again.

use std::borrow::Cow;
use std::io;

use serde::ser::{Serialize, Serializer};
use serde_json::ser::{CharEscape, Formatter, PrettyFormatter};

use crate::text::escape;

/// Values by their names, in this order.
#[derive(Debug)]
pub(super) struct Entries<V>(pub(super) Vec<(String, V)>);

impl<V: Serialize> Serialize for Entries<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// A log as indented JSON, with a line feed at its end.
pub(super) fn written(log: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Harmless(PrettyFormatter::new()));
    // All values that are written have text keys and finite numbers, so there is always a JSON form.
    let _ = log.serialize(&mut serializer);
    bytes.push(b'\n');
    String::from_utf8(bytes).unwrap_or_default()
}

/// Writes what a terminal or an editor obeys as what names it.
struct Harmless(PrettyFormatter<'static>);

impl Formatter for Harmless {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        match escape::lines(fragment) {
            Cow::Borrowed(plain) => writer.write_all(plain.as_bytes()),
            // A fragment has no backslash of its own, and JSON writes each twice.
            Cow::Owned(named) => writer.write_all(named.replace('\\', r"\\").as_bytes()),
        }
    }

    fn write_char_escape<W: io::Write + ?Sized>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        let char = match escape {
            CharEscape::Backspace => '\u{8}',
            CharEscape::FormFeed => '\u{c}',
            CharEscape::CarriageReturn => '\r',
            CharEscape::AsciiControl(byte) => char::from(byte),
            CharEscape::Quote
            | CharEscape::ReverseSolidus
            | CharEscape::Solidus
            | CharEscape::LineFeed
            | CharEscape::Tab => return self.0.write_char_escape(writer, escape),
        };
        self.write_string_fragment(writer, char.encode_utf8(&mut [0; 4]))
    }

    fn begin_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_written_is_read_as_the_same_values_with_what_is_obeyed_named() {
        let every_ascii: String = (0..=127_u8).map(char::from).collect();
        let text = format!("{every_ascii}\u{ad}\u{85}ä\u{202e}\u{1f980}\u{feff}\\u{{1b}}");
        let log = json!({"a": [1, {"\u{1b}[2J": [], "c": {}}], "b": text, "d": null, "e": 1.5});
        let written = written(&log);
        let read: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(read["b"], json!(escape::lines(&text)));
        assert_eq!(read["a"], json!([1, {r"\u{1b}[2J": [], "c": {}}]));
        let plain = json!({"a": [1, {"b": []}], "d": null});
        assert_eq!(super::written(&plain), format!("{plain:#}\n"));
    }
}
