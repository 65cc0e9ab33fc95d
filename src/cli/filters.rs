//! Filters as they are typed, and the runs that they mean.

use crate::cli::args::runs::FilterFlags;
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::model::ids::RunId;
use crate::model::row::RunRow;
use crate::rules::filter::{Filter, FilterError, FilterHint, any_matches};
use crate::text::columns::columns;
use crate::text::escape;
use crate::text::nearest::nearest;
use crate::text::words::{counted, list, wrap};

/// Where the language is described.
const ABOUT: &str = "the language is described in `docs/filters.md`";
/// So many letters are on a line that names runs.
const LINE: usize = 100;

/// What was typed as filters.
///
/// # Errors
/// When one is wrong: all that are wrong are told.
pub fn read(flags: &FilterFlags) -> Result<Vec<Filter>, CliError> {
    let (mut filters, mut wrong) = (Vec::new(), Vec::new());
    for text in &flags.filter {
        match text.parse::<Filter>() {
            Ok(filter) => filters.push(filter),
            Err(error) => wrong.push((message(text, &error), error.hint.as_ref().map(hint))),
        }
    }
    if wrong.is_empty() {
        return Ok(filters);
    }
    let (messages, hints): (Vec<String>, Vec<Option<String>>) = wrong.into_iter().unzip();
    let hints: Vec<String> = hints.into_iter().flatten().collect();
    Err(CliError::usage(messages.join("\n")).hint(if hints.is_empty() { ABOUT.to_owned() } else { hints.join("; ") }))
}

/// Three lines: what is wrong, the expression, and a mark below the place.
fn message(text: &str, FilterError { at, what, .. }: &FilterError) -> String {
    let before = columns(&shown(text.get(..at.start).unwrap_or(text)));
    let marks = "^".repeat(columns(&shown(text.get(at.clone()).unwrap_or_default())).max(1));
    let what = escape::terminal(what);
    format!("the filter is wrong at column {}: {what}\n{}\n{:before$}{marks}", before + 1, shown(text), "")
}

/// Letter by letter, so that what stands before a place takes the same columns alone and in the whole.
fn shown(text: &str) -> String {
    let mut buffer = [0; 4];
    text.chars().map(|char| escape::terminal(char.encode_utf8(&mut buffer)).into_owned()).collect()
}

fn hint(hint: &FilterHint) -> String {
    match hint {
        FilterHint::Text(text) => text.clone(),
        FilterHint::OneOf { word, known } => nearest(word, known.iter().copied()).map_or_else(
            || {
                let known: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
                format!("known are {}", list(&known))
            },
            |near| format!("did you mean `{near}`?"),
        ),
    }
}

/// The runs that fit, of all rows of an experiment; they are named to the person before anything is done with them.
///
/// # Errors
/// When that cannot be written.
pub fn named(filters: &[Filter], rows: &[RunRow], console: &mut Console) -> Result<Vec<RunId>, CliError> {
    let runs: Vec<RunId> = rows.iter().filter(|row| any_matches(filters, row)).map(|row| row.run).collect();
    let names: Vec<String> = runs.iter().map(|run| format!("{}/{}/{}", run.tier, run.subtest, run.run)).collect();
    match runs.len() {
        0 => console.say(&format!("no run of {} fits the filter", rows.len()))?,
        count => {
            let fit = if count == 1 { "fits" } else { "fit" };
            console.say(&format!("{} of {} {fit} the filter:", counted(count, "run"), rows.len()))?;
            for line in wrap(&names.join(" "), LINE) {
                console.say(&format!("  {line}"))?;
            }
        }
    }
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::snapshot;

    #[test]
    fn what_is_wrong_is_shown_at_its_column_with_what_is_expected() {
        let mut page = String::new();
        for (expression, column) in [
            ("teir(T1)", 1),
            ("tier(T1) & colour(red)", 12),
            ("unknown-cost()", 1),
            ("tier", 5),
            ("tier T1", 5),
            ("tier(one)", 6),
            ("tier()", 6),
            ("tier(T1, T2)", 6),
            ("tier(T1) status(failed)", 10),
            ("tier(T1) &", 11),
            ("", 1),
            ("& tier(T1)", 1),
            ("tier(T1) & (status(failed)", 12),
            ("tier(T1))", 9),
            ("(tier(T1) status(failed))", 11),
            ("setup(/exp(ert/)", 8),
            ("setup(/expert)", 6),
            ("setup()", 7),
            (r"setup(a\q)", 8),
            ("status(fialed)", 8),
            ("status(blue)", 8),
            ("status()", 8),
            ("grade(E)", 7),
            ("grade(>=)", 9),
            ("score(< half)", 9),
            ("score(<NaN)", 8),
            ("cost(>a lot)", 7),
            ("tokens(>1x)", 9),
            ("time(>2 weeks)", 7),
            ("attempts(>1.5)", 11),
            ("end(timeuot)", 5),
            ("flag(x)", 6),
            ("run(T0/00)", 5),
            ("subtest(T0/x)", 12),
            ("missing(T0)", 9),
            ("status(failed) = tier(T1)", 16),
            ("日本() \u{1b}[2J", 8),
            ("naïve(\u{1b})", 1),
        ] {
            let error = expression.parse::<Filter>().unwrap_err();
            let message = message(expression, &error);
            let hint = error.hint.as_ref().map_or("none".to_owned(), hint);
            page.extend([&*message, "\nhint: ", &hint, "\n\n"]);
            let lines: Vec<&str> = message.lines().collect();
            assert!(lines[0].contains(&format!("at column {column}: ")), "{message}");
            assert_eq!((lines.len(), lines[2].find('^')), (3, Some(column - 1)), "{message}");
            assert!(!message.contains('\u{1b}'), "{message}");
        }
        snapshot("filters", "wrong", &page);
    }
}
