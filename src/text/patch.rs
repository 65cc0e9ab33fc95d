//! Patches in git's format: their size, and how they are shown.

use std::str::SplitTerminator;

use super::escape;
use super::page::Page;
use super::styles::{Styles, Tone};
use crate::model::details::PatchSize;

/// The kind of a line of a patch. It depends on the hunk that it is in: a line that was removed may begin with `-- `.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// The first line of a file.
    File,
    /// A line about what happens to the file.
    Head,
    /// The first line of a hunk.
    Hunk,
    Added,
    Removed,
    /// Any other line.
    Context,
}

/// The lines of a patch, each with its kind.
struct PatchLines<'a> {
    lines: SplitTerminator<'a, char>,
    /// How many lines of the former and of the new file are still to come in the hunk.
    left: (u64, u64),
}

impl<'a> Iterator for PatchLines<'a> {
    type Item = (Line, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.lines.next()?;
        let (former, new) = self.left;
        if (former, new) == (0, 0) {
            let of_hunk = hunk(line);
            self.left = of_hunk.unwrap_or_default();
            let kind = match of_hunk {
                Some(_) => Line::Hunk,
                None if line.starts_with("diff --git ") => Line::File,
                None => Line::Head,
            };
            return Some((kind, line));
        }
        let kind = match line.as_bytes().first() {
            Some(b'+') => Line::Added,
            Some(b'-') => Line::Removed,
            _ => Line::Context,
        };
        if !line.starts_with('\\') {
            let is = |other| u64::from(kind != other);
            self.left = (former.saturating_sub(is(Line::Added)), new.saturating_sub(is(Line::Removed)));
        }
        Some((kind, line))
    }
}

fn lines_of(patch: &str) -> PatchLines<'_> {
    PatchLines { lines: patch.split_terminator('\n'), left: (0, 0) }
}

/// How many lines of the former and of the new file a hunk has, if the line begins one: `@@ -1,3 +1 @@`.
fn hunk(line: &str) -> Option<(u64, u64)> {
    let (former, rest) = line.strip_prefix("@@ -")?.split_once(" +")?;
    let (new, _) = rest.split_once(" @@")?;
    let count = |range: &str| range.split_once(',').map_or(Some(1), |(_, count)| count.parse().ok());
    Some((count(former)?, count(new)?))
}

/// The size of a patch.
#[must_use]
pub fn size(patch: &[u8]) -> PatchSize {
    let mut size = PatchSize::default();
    for (line, _) in lines_of(&String::from_utf8_lossy(patch)) {
        match line {
            Line::File => size.files += 1,
            Line::Added => size.added += 1,
            Line::Removed => size.removed += 1,
            Line::Head | Line::Hunk | Line::Context => {}
        }
    }
    size
}

/// A patch for a terminal: colored if wanted, and without anything that a terminal would interpret.
#[must_use]
pub fn shown(patch: &[u8], styles: Styles) -> String {
    let mut page = Page::default();
    for (line, text) in lines_of(&String::from_utf8_lossy(patch)) {
        let tone = match line {
            Line::File | Line::Head => Tone::Strong,
            Line::Hunk => Tone::Faint,
            Line::Added => Tone::Good,
            Line::Removed => Tone::Bad,
            Line::Context => Tone::Plain,
        };
        let text = escape::text(text);
        page.line(if text.is_empty() { text } else { styles.paint(tone, text).to_string() });
    }
    page.into_text()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "diff --git a/a.sql b/a.sql\nindex 1..2 100644\n--- a/a.sql\n+++ b/a.sql\n@@ -1,2 +1,2 @@ fn\n \
                         same\n--- a comment\n+++ another\n\\ No newline at end of file\ndiff --git a/b b/b\nnew file mode \
                         100644\n--- /dev/null\n+++ b/b\n@@ -0,0 +1 @@\n+\tone\n";

    #[test]
    fn a_line_is_what_its_hunk_says_and_not_what_it_looks_like() {
        assert_eq!(size(PATCH.as_bytes()), PatchSize { files: 2, added: 2, removed: 1 });
        let shown = shown(PATCH.as_bytes(), Styles::colored());
        assert!(shown.contains("\u{1b}[31m--- a comment\u{1b}[0m\n"), "{shown}");
        assert!(shown.contains("\u{1b}[1m--- a/a.sql\u{1b}[0m\n"), "{shown}");
        assert!(shown.contains("+\tone"), "{shown}");
    }

    #[test]
    fn a_patch_gives_a_terminal_no_command_and_reads_the_same_without_colors() {
        let hostile =
            b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1,2 @@\n+\x1b]0;evil\x07\r\n+::add-mask::\xc2\x9b2J\xff\n";
        let shown = shown(hostile, Styles::plain());
        assert!(shown.contains("+\\u{1b}]0;evil\\u{7}\\r\n+::add-mask::\\u{9b}2J\u{fffd}\n"), "{shown}");
        assert_eq!(super::shown(PATCH.as_bytes(), Styles::plain()), PATCH);
        assert_eq!(size(b""), PatchSize::default());
    }
}
