//! How an error is shown: what failed, why, and what to do.

use std::error::Error;

use crate::text::escape;

use crate::text::styles::{Styles, Tone};

/// `error: …`, a line for each cause, and after an empty line `hint: …`.
///
/// A cause is not repeated if the line before already ends with it.
#[must_use]
pub fn render(error: &dyn Error, hint: Option<&str>, styles: Styles) -> String {
    let mut said = error.to_string();
    let mut text = labelled(styles.paint(Tone::Bad, "error:").to_string(), &said);
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !said.ends_with(&message) {
            text.push_str(&labelled(format!("  {}", styles.paint(Tone::Strong, "caused by:")), &message));
            said = message;
        }
        cause = error.source();
    }
    if let Some(hint) = hint {
        text.push('\n');
        text.push_str(&labelled(styles.paint(Tone::Good, "hint:").to_string(), hint));
    }
    text
}

/// A label and a text, whose further lines are indented.
fn labelled(label: String, text: &str) -> String {
    let mut labelled = label;
    for (index, line) in text.lines().enumerate() {
        labelled.push_str(if index == 0 { " " } else { "\n  " });
        labelled.push_str(&escape::terminal(line));
    }
    labelled.push('\n');
    labelled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::snapshot;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot write `results/x/checkpoint.json`")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error("cannot sync its folder: {0}")]
    struct Middle(#[source] std::io::Error);

    fn error() -> Outer {
        Outer(Middle(std::io::Error::from_raw_os_error(28)))
    }

    #[test]
    fn an_error_says_what_failed_and_why_and_what_to_do() {
        let hint = "make room, then continue with `cargo scylla resume results/x`";
        snapshot("screens", "error", &render(&error(), Some(hint), Styles::plain()));
    }

    #[test]
    fn a_cause_that_was_said_is_not_said_again() {
        assert_eq!(render(&error(), None, Styles::plain()).lines().count(), 2);
    }

    #[test]
    fn many_mistakes_stand_below_each_other() {
        let message = "2 mistakes in the fixture\ntest.yaml:3: `tires` is unknown\nrubric.yaml:9: \u{1b}[2J";
        snapshot("screens", "error_many", &render(&*Box::<dyn Error>::from(message), None, Styles::plain()));
    }

    #[test]
    fn colors_change_no_letter() {
        let colored = render(&error(), Some("try again"), Styles::colored());
        let plain = render(&error(), Some("try again"), Styles::plain());
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), plain);
    }
}
