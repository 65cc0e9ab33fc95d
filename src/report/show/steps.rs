//! What an agent did, step by step, for people and as JSON.

use serde::Serialize;
use serde_json::Value;

use crate::model::ids::RunId;
use crate::model::steps::{Step, StepKind, Steps};
use crate::text::escape;
use crate::text::page::{Page, pretty};
use crate::text::short::{and_more, cut};
use crate::text::styles::{Styles, Tone};
use crate::text::words::{bytes, counted};

/// Most lines that people are shown of a step.
const MOST_LINES: usize = 20;
/// Most characters of a line.
const MOST_LETTERS: usize = 400;

/// The steps of a run for people; `path` is the file that tells them.
#[must_use]
pub fn steps(run: RunId, steps: &Steps, path: &str, styles: Styles) -> String {
    let mut page = Page::default();
    let all = steps.kept().len() + steps.left_out();
    let path = escape::terminal(path);
    page.line(format_args!("{}: {}, told by {path}", styles.paint(Tone::Strong, run), counted(all, "step")));
    if all == 0 {
        page.line("what its agent wrote there tells none; `--log` in the place of `--steps` shows all that it wrote");
    }
    for (number, step) in (1..).zip(steps.kept()) {
        let what = what_it_is(&step.kind);
        let tone = match step.kind {
            StepKind::Thought => Tone::Faint,
            StepKind::Message | StepKind::ToolCall { .. } => Tone::Strong,
            StepKind::ToolOutput { is_error } => {
                if is_error {
                    Tone::Bad
                } else {
                    Tone::Plain
                }
            }
        };
        page.line(format_args!("\n{number:>4}  {}", styles.paint(tone, what)));
        add_text(&mut page, step, &path);
    }
    if let Some(more) = and_more(all, steps.kept().len()) {
        page.line(format_args!("\n{more}, in {path}"));
    }
    page.into_text()
}

/// What a step is, in words.
#[must_use]
pub fn what_it_is(kind: &StepKind) -> String {
    match kind {
        StepKind::Thought => "thought".to_owned(),
        StepKind::Message => "message".to_owned(),
        StepKind::ToolCall { name } => format!("calls {}", escape::terminal(name)),
        StepKind::ToolOutput { is_error: false } => "output".to_owned(),
        StepKind::ToolOutput { is_error: true } => "output: an error".to_owned(),
    }
}

fn add_text(page: &mut Page, step: &Step, path: &str) {
    let whole = step.readable();
    let whole = whole.trim_end();
    if whole.is_empty() {
        page.line("      (no text)");
    }
    let mut shown = 0;
    for line in whole.split('\n').take(MOST_LINES).filter(|_| !whole.is_empty()) {
        let kept = line.char_indices().nth(MOST_LETTERS).map_or(line.len(), |(end, _)| end);
        shown += kept + 1;
        page.line(format_args!("      {}", escape::text(&cut(line, MOST_LETTERS))).to_string().trim_end());
    }
    // The last line has no line feed.
    let left_out = (whole.len() + 1).saturating_sub(shown.max(1)) as u64 + step.left_out_bytes;
    if left_out > 0 {
        page.line(format_args!("      … {} more, in {path}", bytes(left_out)));
    }
}

/// The steps of a run, for programs.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Document<'a> {
    /// The run.
    run: RunId,
    /// Its steps, in their order; `null` where its kind of agent tells none.
    steps: Option<&'a [Step]>,
    /// How many more there are.
    more_steps: usize,
    /// The file that tells them.
    told_by: Option<&'a str>,
    /// The files with the agent's own words.
    logs: &'a [String],
}

/// The JSON schema of [`steps_json`].
#[must_use]
pub fn steps_schema() -> Value {
    schemars::schema_for!(Document<'_>).to_value()
}

/// The steps of a run as JSON; `told` is absent when its kind of agent tells none. `logs` are the files with the agent's own words.
#[must_use]
pub fn steps_json(run: RunId, told: Option<(&Steps, &str)>, logs: &[String]) -> String {
    pretty(&Document {
        run,
        steps: told.map(|(steps, _)| steps.kept()),
        more_steps: told.map_or(0, |(steps, _)| steps.left_out()),
        told_by: told.map(|(_, path)| path),
        logs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::limits::{MOST_STEP_BYTES, MOST_STEPS};

    fn shown(kind: StepKind, text: &str) -> String {
        let mut all = Steps::default();
        all.add(kind, text);
        steps("T0/00/run_01".parse().unwrap(), &all, "log\u{1b}", Styles::plain())
    }

    #[test]
    fn a_long_text_is_cut_and_says_how_much_is_left_out_and_where_it_is() {
        let lines = shown(StepKind::Message, &"12345\n".repeat(MOST_LINES + 2));
        assert!(lines.contains("log\\u{1b}\n\n   1  message\n      12345\n"), "{lines}");
        assert_eq!(
            (lines.matches("12345").count(), lines.contains("… 12 bytes more, in log")),
            (MOST_LINES, true),
            "{lines}"
        );
        let letters = shown(StepKind::Thought, &"é".repeat(MOST_LETTERS + 1));
        assert!(letters.contains("é…\n      … 2 bytes more, in log"), "{letters}");
        let both = shown(StepKind::Thought, &"x".repeat(MOST_STEP_BYTES + 5));
        assert!(
            both.contains(&format!("… {} more, in log", bytes((MOST_STEP_BYTES + 5 - MOST_LETTERS) as u64))),
            "{both}"
        );
        let fits = shown(StepKind::Thought, &format!("{}\n\n", ["y"; MOST_LINES].join("\n")));
        assert!(!fits.contains('…') && !fits.contains("(no text)"), "{fits}");
    }

    #[test]
    fn what_a_tool_is_given_is_shown_by_name_and_obeyed_by_no_terminal() {
        let call = StepKind::ToolCall { name: "Wri\u{1b}te".to_owned() };
        let text = shown(call, r#"{"path": "a\u001b[2J", "content": "one\n::error::two\n", "lines": [1, 2]}"#);
        let told = "   1  calls Wri\\u{1b}te\n      path: a\\u{1b}[2J\n      content:\n        one\n        \\::error::two\n      lines: [1,2]\n";
        assert!(text.ends_with(told), "{text}");
        let output = shown(StepKind::ToolOutput { is_error: true }, "\n");
        assert!(output.ends_with("   1  output: an error\n      (no text)\n"), "{output}");
        let none = shown(StepKind::Thought, "");
        assert!(none.contains("0 steps, told by") && none.contains("`--log`"), "{none}");
    }

    #[test]
    fn steps_that_are_too_many_are_told_by_their_number() {
        let mut all = Steps::default();
        for _ in 0..MOST_STEPS + 3 {
            all.add(StepKind::ToolOutput { is_error: false }, "");
        }
        let text = steps("T0/00/run_01".parse().unwrap(), &all, "log", Styles::plain());
        assert!(text.starts_with("T0/00/run_01: 10003 steps, told by log\n"), "{}", &text[..80]);
        assert!(text.ends_with("… and 3 more, in log\n"));
    }
}
