//! What an agent did, step by step, as its own output tells it. Texts and their number are bounded, because the output is the
//! agent's.

use serde::Serialize;
use serde_json::{Map, Value};

use super::limits::{MOST_STEP_BYTES, MOST_STEPS, MOST_TOOL_NAME_BYTES};

/// What a step is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StepKind {
    /// The model thought.
    Thought,
    /// The model said something.
    Message,
    /// The model called a tool; the text is what it gave the tool.
    ToolCall {
        /// The tool.
        name: String,
    },
    /// A tool answered.
    ToolOutput {
        /// Whether the tool failed.
        is_error: bool,
    },
}

/// One step of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Step {
    /// What it is.
    #[serde(flatten)]
    pub kind: StepKind,
    /// Its text, as the agent wrote it: at most [`MOST_STEP_BYTES`].
    pub text: String,
    /// How many bytes of the text are left out here.
    pub left_out_bytes: u64,
}

impl Step {
    /// Its text as people read it: what a tool is given by name is there name by name, each text as it is.
    #[must_use]
    pub fn readable(&self) -> String {
        let given = match self.kind {
            StepKind::ToolCall { .. } => serde_json::from_str::<Map<String, Value>>(&self.text).ok(),
            _ => None,
        };
        let Some(given) = given else { return self.text.clone() };
        let of = |(name, value): (&String, &Value)| match value.as_str() {
            Some(text) if text.contains('\n') => format!("{name}:\n  {}", text.trim_end().replace('\n', "\n  ")),
            Some(text) => format!("{name}: {text}"),
            None => format!("{name}: {value}"),
        };
        given.iter().map(of).collect::<Vec<_>>().join("\n")
    }

    /// Appends to its text as much as there is room for.
    fn extend(&mut self, text: &str) {
        let room = if self.left_out_bytes == 0 { MOST_STEP_BYTES.saturating_sub(self.text.len()) } else { 0 };
        let kept = beginning(text, room);
        self.text.push_str(kept);
        self.left_out_bytes += (text.len() - kept.len()) as u64;
    }
}

/// The steps of an agent, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Steps {
    kept: Vec<Step>,
    left_out: usize,
    /// Whether the last step, kept or not, is a message.
    is_in_message: bool,
}

impl Steps {
    /// The same steps with other texts.
    #[must_use]
    pub fn with_texts(mut self, of: impl Fn(&str) -> String) -> Self {
        self.kept.iter_mut().for_each(|step| step.text = of(&step.text));
        self
    }

    /// Adds a step. A thought or message without a word is none.
    pub fn add(&mut self, mut kind: StepKind, text: &str) {
        let is_of_model = matches!(kind, StepKind::Thought | StepKind::Message);
        if is_of_model && text.trim().is_empty() {
            return;
        }
        self.is_in_message = kind == StepKind::Message;
        if self.kept.len() == MOST_STEPS {
            self.left_out += 1;
            return;
        }
        if let StepKind::ToolCall { name } = &mut kind {
            *name = beginning(name, MOST_TOOL_NAME_BYTES).to_owned();
        }
        let mut step = Step { kind, text: String::new(), left_out_bytes: 0 };
        step.extend(text);
        self.kept.push(step);
    }

    /// Adds a piece of a message: to the last step if that is a message, else as a new one.
    pub fn add_piece(&mut self, text: &str) {
        match self.kept.last_mut() {
            Some(last) if self.is_in_message && self.left_out == 0 => last.extend(text),
            Some(_) if self.is_in_message => {}
            _ => self.add(StepKind::Message, text),
        }
    }

    /// The steps that are kept: at most [`MOST_STEPS`].
    #[must_use]
    pub fn kept(&self) -> &[Step] {
        &self.kept
    }

    /// How many steps came after those.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }
}

/// The longest beginning of a text with at most so many bytes.
fn beginning(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_what_is_left_out_is_counted() {
        let mut steps = Steps::default();
        let long = format!("{}éé", "x".repeat(MOST_STEP_BYTES - 1));
        steps.add(StepKind::ToolCall { name: "é".repeat(MOST_TOOL_NAME_BYTES) }, &long);
        let [step] = steps.kept() else { panic!("{} steps", steps.kept().len()) };
        assert_eq!((step.text.len(), step.left_out_bytes), (MOST_STEP_BYTES - 1, 4));
        assert_eq!(step.kind, StepKind::ToolCall { name: "é".repeat(MOST_TOOL_NAME_BYTES / 2) });
    }

    #[test]
    fn pieces_make_one_message_until_something_else_comes() {
        let mut steps = Steps::default();
        for piece in ["", "a", "", "b"] {
            steps.add_piece(piece);
        }
        steps.add(StepKind::ToolOutput { is_error: false }, "");
        steps.add_piece("c");
        steps.add(StepKind::Thought, " \n");
        let texts: Vec<&str> = steps.kept().iter().map(|step| step.text.as_str()).collect();
        assert_eq!(texts, ["ab", "", "c"]);
        // After a text that is full nothing is appended, not even what would fit.
        steps.add_piece(&"é".repeat(MOST_STEP_BYTES));
        steps.add_piece("d");
        let last = steps.kept().last().unwrap();
        assert!(last.text.ends_with('é') && last.text.len() < MOST_STEP_BYTES + 1, "{}", last.text.len());
        assert_eq!(last.text.len() as u64 + last.left_out_bytes, 1 + 2 * MOST_STEP_BYTES as u64 + 1);
    }

    #[test]
    fn steps_that_are_too_many_are_counted_and_a_message_in_pieces_is_one_of_them() {
        let mut steps = Steps::default();
        for _ in 0..=MOST_STEPS {
            steps.add(StepKind::ToolOutput { is_error: true }, "x");
        }
        steps.add_piece("a");
        steps.add_piece("b");
        assert_eq!((steps.kept().len(), steps.left_out()), (MOST_STEPS, 2));
        assert_eq!(steps.kept().last().unwrap().text, "x");
    }
}
