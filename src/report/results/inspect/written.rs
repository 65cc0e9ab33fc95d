//! How an Inspect log is written: no character in it is obeyed where it is shown, also by whatever program reads it and writes it again.

use std::borrow::Cow;
use std::io;

use serde::ser::{Serialize, Serializer};
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};

use crate::text::escape;

/// Values by their names, in this order.
#[derive(Debug)]
pub(super) struct Entries<V>(pub(super) Vec<(String, V)>);

impl<V: Serialize> Serialize for Entries<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// A log as JSON: each of its values on a line of its own, and each sample, for who searches it line by line. Indented, those of a
/// large experiment are half as large again. A line feed ends it.
pub(super) fn written(log: &impl Serialize) -> String {
    let mut bytes = Vec::with_capacity(MOST_USUAL);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Harmless { depth: 0 });
    // All values that are written have text keys and finite numbers, so there is always a JSON form.
    let _ = log.serialize(&mut serializer);
    bytes.push(b'\n');
    String::from_utf8(bytes).unwrap_or_default()
}

/// Bytes of the log of a setup with fifty runs: it is not moved while it grows.
const MOST_USUAL: usize = 256 << 10;
/// So deep, each value is on a line of its own.
const DEEPEST_LINES: usize = 2;

/// Writes what a terminal or an editor obeys as what names it.
struct Harmless {
    /// How many lists and maps are open.
    depth: usize,
}

impl Harmless {
    /// Begins a line, where values of this depth have their own.
    fn line<W: io::Write + ?Sized>(&self, writer: &mut W) -> io::Result<()> {
        if self.depth > DEEPEST_LINES {
            return Ok(());
        }
        writer.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| writer.write_all(b" "))
    }

    fn begin<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        self.line(writer)
    }

    fn end<W: io::Write + ?Sized>(&mut self, writer: &mut W, sign: &[u8]) -> io::Result<()> {
        let had_lines = self.depth <= DEEPEST_LINES;
        self.depth -= 1;
        if had_lines {
            self.line(writer)?;
        }
        writer.write_all(sign)
    }
}

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
            | CharEscape::Tab => return CompactFormatter.write_char_escape(writer, escape),
        };
        self.write_string_fragment(writer, char.encode_utf8(&mut [0; 4]))
    }

    fn begin_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        writer.write_all(b"[")
    }

    fn end_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"]")
    }

    fn begin_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.begin(writer, first)
    }

    fn begin_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        writer.write_all(b"{")
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"}")
    }

    fn begin_object_key<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.begin(writer, first)
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
        let plain = json!({"a": [1, {"b": [2, 3]}], "c": {"d": null}, "e": true});
        let lines = "{\n \"a\":[\n  1,\n  {\"b\":[2,3]}\n ],\n \"c\":{\n  \"d\":null\n },\n \"e\":true\n}\n";
        assert_eq!(super::written(&plain), lines);
    }
}
