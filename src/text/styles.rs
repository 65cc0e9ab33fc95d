//! Styles of text for people. Every screen can be read without them.

use std::fmt;

use anstyle::{AnsiColor, Style};

/// What a style expresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing.
    Plain,
    /// A name: a heading, a command.
    Strong,
    /// A detail.
    Faint,
    /// A good result.
    Good,
    /// A problem that does not stop the work.
    Warning,
    /// A bad result.
    Bad,
}

/// Adds styles to text, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Styles {
    colored: bool,
}

impl Styles {
    /// Text without any style.
    #[must_use]
    pub fn plain() -> Self {
        Self { colored: false }
    }

    /// Text with colors.
    #[must_use]
    pub fn colored() -> Self {
        Self { colored: true }
    }

    /// `text` in a tone.
    pub fn paint<T: fmt::Display>(self, tone: Tone, text: T) -> Painted<T> {
        let bold = Style::new().bold();
        let style = match tone {
            _ if !self.colored => Style::new(),
            Tone::Plain => Style::new(),
            Tone::Strong => bold,
            Tone::Faint => Style::new().dimmed(),
            Tone::Good => bold.fg_color(Some(AnsiColor::Green.into())),
            Tone::Warning => bold.fg_color(Some(AnsiColor::Yellow.into())),
            Tone::Bad => bold.fg_color(Some(AnsiColor::Red.into())),
        };
        Painted { style, text }
    }
}

/// Text with its style; width and alignment apply to the text alone.
#[derive(Debug, Clone, Copy)]
pub struct Painted<T> {
    style: Style,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.style)?;
        self.text.fmt(f)?;
        write!(f, "{:#}", self.style)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_counts_letters_and_not_colors() {
        assert_eq!(format!("{:>6}|", Styles::colored().paint(Tone::Good, "ok")), "\u{1b}[1m\u{1b}[32m    ok\u{1b}[0m|");
    }

    #[test]
    fn plain_text_has_no_escapes() {
        for tone in [Tone::Plain, Tone::Strong, Tone::Faint, Tone::Good, Tone::Warning, Tone::Bad] {
            assert_eq!(Styles::plain().paint(tone, "text").to_string(), "text");
        }
    }
}
