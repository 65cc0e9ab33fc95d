//! The prompt that an agent is given.

/// The task's prompt, led by the word that makes an agent think so much.
///
/// The words are the original's for its modes `Low`, `High` and `UltraThink`; any other mode adds nothing.
#[must_use]
pub fn compose(prompt: &str, thinking_mode: &str) -> String {
    let word = match thinking_mode {
        "Low" => "think",
        "High" => "think hard",
        "UltraThink" => "ultrathink",
        _ => return prompt.to_owned(),
    };
    format!("{word}\n\n{prompt}")
}
