//! What a model is asked: a template of the fixture or our own, in which everything that the graded one could have written stands
//! in fences that it cannot end.

mod fence;
mod form;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde::Serialize;

use crate::model::judge::Facts;
use crate::model::program::{Keys, NamedFile};
use crate::model::result::{Before, CheckResult};
use crate::model::rubric::Evaluation;
pub use fence::Fence;
pub use form::schema;

/// The template of judges that name none.
pub const USUAL: &str = include_str!("judge.md");

/// Most bytes of a patch that are shown: its beginning and its end.
const MOST_DIFF: usize = 256 << 10;
/// Most bytes that are shown of the names of files.
const MOST_TREE: usize = 32 << 10;
/// Most bytes that are shown of what a check printed: of its end.
pub const MOST_OUTPUT: usize = 8 << 10;

/// What a template can name.
#[derive(Serialize)]
struct Named<'a> {
    task: &'a str,
    criteria: &'a str,
    rubric: Vec<Item<'a>>,
    ended: String,
    diff: String,
    tree: String,
    checks: Vec<Check<'a>>,
    nonce: &'a str,
    form: String,
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    description: &'a str,
    binary: bool,
    na_condition: Option<&'a str>,
}

#[derive(Serialize)]
struct Check<'a> {
    name: &'a str,
    outcome: String,
    output: String,
}

/// The template that a judge's `prompt_file` names, if it is there; `None` after a mistake.
#[must_use]
pub fn template(keys: &dyn Keys) -> Option<Option<NamedFile>> {
    let template = keys.file("prompt_file")?;
    if let Some(why) = template.as_ref().and_then(|template| mistake_in(&template.text)) {
        keys.mistake("prompt_file", why);
        return None;
    }
    Some(template)
}

/// The text of a judge's template: its own, else ours.
#[must_use]
pub fn text_of(template: Option<&NamedFile>) -> &str {
    template.map_or(USUAL, |template| &template.text)
}

/// Renders a template for a run. The same facts give the same text.
///
/// # Errors
/// What is wrong with the template, in words.
pub fn render(template: &str, facts: &Facts<'_>) -> Result<String, String> {
    let diff = both_ends(&String::from_utf8_lossy(facts.patch), MOST_DIFF);
    let tree = both_ends(&facts.seen.tree.join("\n"), MOST_TREE);
    let outputs: Vec<&str> = facts.checks.iter().map(|check| output_of(facts, check)).collect();
    let fence = Fence::around(&[&[diff.as_str(), tree.as_str()], outputs.as_slice()].concat());
    let named = Named {
        task: facts.prompt,
        criteria: facts.criteria,
        rubric: facts.rubric.items.iter().map(item).collect(),
        ended: facts.agent.end.to_string(),
        diff: fence.fenced("diff", &diff),
        tree: fence.fenced("files", &tree),
        checks: facts
            .checks
            .iter()
            .zip(&outputs)
            .map(|(check, output)| Check {
                name: &check.name,
                outcome: outcome(check),
                output: fence.fenced("output", output),
            })
            .collect(),
        nonce: fence.nonce(),
        form: form::example(facts.rubric),
    };
    fill(template, &named)
}

/// What is wrong with a template, in words; `None` when it can be rendered for a run.
#[must_use]
pub fn mistake_in(template: &str) -> Option<String> {
    let item = Item { id: "R001", description: "It works.", binary: true, na_condition: Some("there is no network") };
    let check = Check { name: "build", outcome: "passed".to_owned(), output: String::new() };
    let sample = Named {
        task: "Do it.",
        criteria: "It is done.",
        rubric: vec![item],
        ended: "finished".to_owned(),
        diff: String::new(),
        tree: String::new(),
        checks: vec![check],
        nonce: "0123456789abcdef",
        form: "{}".to_owned(),
    };
    fill(template, &sample).err()
}

fn fill(template: &str, named: &Named<'_>) -> Result<String, String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.map_err(|error| mistake(&error))?);
    environment.render_named_str("prompt", template, Serde(named)).map_err(|error| mistake(&error))
}

fn mistake(error: &minijinja::Error) -> String {
    let line = error.line().map_or_else(String::new, |line| format!(" in line {line}"));
    let what = match (error.kind(), error.detail()) {
        (ErrorKind::UndefinedError, None) => "it names what there is not".to_owned(),
        (_, Some(detail)) => detail.to_owned(),
        (kind, None) => kind.to_string(),
    };
    format!("the template of its prompt has a mistake{line}: {what}")
}

fn item(item: &crate::model::rubric::RubricItem) -> Item<'_> {
    Item {
        id: &item.id,
        description: item.description.trim(),
        binary: item.evaluation == Evaluation::Binary,
        na_condition: item.na_condition.as_deref().map(str::trim),
    }
}

fn output_of<'a>(facts: &Facts<'a>, check: &CheckResult) -> &'a str {
    facts.seen.outputs.get(&check.name).map_or("", String::as_str)
}

/// What a check said, as the end of a sentence that begins with its name.
fn outcome(check: &CheckResult) -> String {
    let said = match check {
        CheckResult { not_applicable: Some(why), .. } => return format!("does not apply: {why}"),
        CheckResult { passed: true, .. } => "passed".to_owned(),
        CheckResult { no_longer_applies: Some(why), .. } => format!("failed, as it does not apply any more: {why}"),
        CheckResult { timed_out: true, .. } => "failed, as it ran out of time".to_owned(),
        CheckResult { exceeded: Some(limit), .. } => format!("failed, as it used {limit}"),
        CheckResult { exit_code: Some(code), .. } => format!("failed with exit code {code}"),
        CheckResult { exit_code: None, .. } => "failed, as a signal ended it".to_owned(),
    };
    let before = match check.before {
        Some(Before::Passed) => "; before the work began it passed",
        Some(Before::Failed) => "; before the work began it failed",
        Some(Before::NotApplicable) => "; before the work began it did not apply",
        None => "",
    };
    said + before
}

/// A text, or its beginning and end where it is longer than `most` bytes.
fn both_ends(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let head = text.floor_char_boundary(most / 2);
    let tail = text.ceil_char_boundary(text.len() - most / 2);
    format!("{}\n[… {} bytes are left out here …]\n{}", &text[..head], tail - head, &text[tail..])
}

#[cfg(test)]
mod tests;
