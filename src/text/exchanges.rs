//! Requests to models as a table that fits its screen, and what they come to in words. Nothing in it is obeyed by a terminal.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::columns::{columns, cut};
use super::escape;
use super::words::{counted, duration};
use crate::model::exchange::Exchange;
use crate::model::exchanges::{Exchanges, Outcome, Sum, Table};

/// Most columns of a model's name, and where there is little room.
const MOST_MODEL: usize = 28;
const SHORT_MODEL: usize = 14;
/// Fewer columns than this are little room.
const WIDE: usize = 80;
/// So many seconds at least count as held back: fewer are the way through the gateway on a busy machine.
const LEAST_HELD: f64 = 0.5;
/// Columns between two cells.
const GAP: usize = 2;

/// What is said of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    At,
    Model,
    Status,
    Read,
    Cached,
    Stored,
    Written,
    Cost,
    Took,
    First,
    Held,
    Retry,
    Id,
}

impl Column {
    const ALL: [Self; 13] = [
        Self::At,
        Self::Model,
        Self::Status,
        Self::Read,
        Self::Cached,
        Self::Stored,
        Self::Written,
        Self::Cost,
        Self::Took,
        Self::First,
        Self::Held,
        Self::Retry,
        Self::Id,
    ];

    /// Those that are left out where there is no room for all, the first one first. Others always stay.
    const FIRST_TO_GO: [Self; 8] =
        [Self::Id, Self::First, Self::Stored, Self::Took, Self::Cached, Self::Held, Self::Retry, Self::Model];

    fn title(self) -> &'static str {
        match self {
            Self::At => "at",
            Self::Model => "model",
            Self::Status => "status",
            Self::Read => "read",
            Self::Cached => "cached",
            Self::Stored => "stored",
            Self::Written => "written",
            Self::Cost => "cost",
            Self::Took => "took",
            Self::First => "first",
            Self::Held => "held",
            Self::Retry => "retry",
            Self::Id => "request id",
        }
    }

    /// Whether it holds words, not numbers.
    fn is_of_words(self) -> bool {
        matches!(self, Self::Model | Self::Status | Self::Id)
    }
}

/// The table of the first requests, at most so many, with their times after `since`; on a screen of so many columns, or of any number.
#[must_use]
pub fn table(exchanges: &Exchanges, since: Option<Timestamp>, most: usize, room: Option<usize>) -> Table {
    let since = since.or_else(|| exchanges.all.first().map(|exchange| exchange.at)).unwrap_or_default();
    let models = exchanges.by_model();
    let most_model = if room.is_some_and(|room| room < WIDE) { SHORT_MODEL } else { MOST_MODEL };
    let shown: Vec<(&Exchange, usize)> = exchanges.all.iter().zip(exchanges.retries()).take(most).collect();
    let sum = exchanges.sum();
    let mut kept: Vec<(Column, Vec<String>, String)> = Column::ALL
        .into_iter()
        .filter(|column| *column != Column::Model || models.len() > 1)
        .map(|column| {
            let cells = shown.iter().map(|(exchange, retry)| match column {
                Column::Model => cut(&cell(column, exchange, (*retry, since)), most_model),
                _ => cell(column, exchange, (*retry, since)),
            });
            (column, cells.collect::<Vec<_>>(), cell_of_sum(column, &sum))
        })
        .filter(|(column, cells, _)| {
            matches!(column, Column::At | Column::Status | Column::Cost) || cells.iter().any(|cell| !cell.is_empty())
        })
        .collect();
    let left_out = make_room(&mut kept, room);
    let rows = shown.iter().enumerate().map(|(at, (exchange, _))| {
        let cells = kept.iter().map(|(_, cells, _)| cells[at].clone());
        (cells.collect(), exchange.outcome() == Outcome::Answered)
    });
    Table {
        titles: kept.iter().map(|(column, ..)| column.title()).collect(),
        of_words: kept.iter().map(|(column, ..)| column.is_of_words()).collect(),
        rows: rows.collect(),
        sum: kept.iter().map(|(.., sum)| sum.clone()).collect(),
        more: exchanges.all.len() - shown.len(),
        notes: notes(exchanges, &shown, &left_out),
    }
}

/// Leaves columns out until the others have room. Gives those that were left out.
fn make_room(kept: &mut Vec<(Column, Vec<String>, String)>, room: Option<usize>) -> Vec<Column> {
    let Some(room) = room else { return Vec::new() };
    let width = |(column, cells, sum): &(Column, Vec<String>, String)| {
        let cells = cells.iter().map(|cell| columns(cell)).max().unwrap_or(0);
        GAP + cells.max(columns(column.title())).max(columns(sum))
    };
    let mut used: usize = kept.iter().map(width).sum();
    let mut left_out = Vec::new();
    for column in Column::FIRST_TO_GO {
        if used <= room {
            break;
        }
        if let Some(place) = kept.iter().position(|(known, ..)| *known == column) {
            used -= width(&kept[place]);
            kept.remove(place);
            left_out.push(column);
        }
    }
    left_out
}

fn cell(column: Column, exchange: &Exchange, (retry, since): (usize, Timestamp)) -> String {
    // Of a request that took nothing, zeros say nothing.
    let count =
        |count: Option<u64>| count.filter(|count| *count > 0).map(|count| count.to_string()).unwrap_or_default();
    let held = |seconds: f64| if seconds >= LEAST_HELD { duration(seconds) } else { String::new() };
    let tokens = &exchange.tokens;
    match column {
        Column::At => duration(exchange.at.duration_since(since).as_secs_f64()),
        Column::Model => escape::terminal(exchange.family().unwrap_or_default()).into_owned(),
        Column::Status => status(exchange),
        Column::Read => count(tokens.input),
        Column::Cached => count(tokens.cache_read),
        Column::Stored => count(tokens.cache_creation),
        Column::Written => count(tokens.output),
        Column::Cost if exchange.outcome() == Outcome::Answered => Sum::of(exchange).cost.to_string(),
        Column::Cost => Some(Sum::of(exchange).cost)
            .filter(|cost| cost.at_least().is_some_and(|usd| usd > crate::model::money::Usd::ZERO))
            .map(|cost| cost.to_string())
            .unwrap_or_default(),
        Column::Took if exchange.outcome() == Outcome::Withheld => String::new(),
        Column::Took => duration(exchange.seconds),
        Column::First => exchange.first_byte_seconds.map(duration).unwrap_or_default(),
        Column::Held => held(exchange.held_seconds),
        Column::Retry => {
            if retry > 0 {
                retry.to_string()
            } else {
                String::new()
            }
        }
        Column::Id => escape::terminal(exchange.request_id.as_deref().unwrap_or_default()).into_owned(),
    }
}

fn cell_of_sum(column: Column, sum: &Sum) -> String {
    let count = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
    match column {
        Column::At => "in all".to_owned(),
        Column::Model | Column::Status | Column::First | Column::Id => String::new(),
        Column::Read => count(sum.tokens.input),
        Column::Cached => count(sum.tokens.cache_read),
        Column::Stored => count(sum.tokens.cache_creation),
        Column::Written => count(sum.tokens.output),
        Column::Cost => sum.cost.to_string(),
        Column::Took => duration(sum.seconds),
        Column::Held => duration(sum.held_seconds),
        Column::Retry => sum.retries.to_string(),
    }
}

/// The status of an answer, and a word where its request did not come to its end.
fn status(exchange: &Exchange) -> String {
    let status = exchange.status.map(|status| status.to_string());
    let word = match exchange.outcome() {
        Outcome::Answered | Outcome::Refused => None,
        Outcome::Withheld => Some("limit"),
        Outcome::Cut => Some("cut"),
        Outcome::Left => Some("left"),
    };
    status.into_iter().chain(word.map(str::to_owned)).collect::<Vec<_>>().join(" ")
}

/// What one has to know to read a table of these.
fn notes(exchanges: &Exchanges, shown: &[(&Exchange, usize)], left_out: &[Column]) -> Vec<String> {
    let there: BTreeSet<Outcome> = shown.iter().map(|(exchange, _)| exchange.outcome()).collect();
    let words = [
        (Outcome::Withheld, "limit: answered by the gateway itself, for a limit"),
        (Outcome::Cut, "cut: the provider broke off, or was not reached"),
        (Outcome::Left, "left: whoever asked went away before the end"),
    ];
    let mut notes: Vec<String> =
        words.iter().filter(|(outcome, _)| there.contains(outcome)).map(|(_, meaning)| (*meaning).to_owned()).collect();
    if !left_out.is_empty() {
        let titles: Vec<&str> = left_out.iter().map(|column| column.title()).collect();
        notes.push(format!("not shown for want of room: {}", titles.join(", ")));
    }
    let models = exchanges.by_model();
    if models.len() > 1 {
        notes.extend(models.iter().map(|(model, sum)| {
            let model = escape::terminal(model.unwrap_or("a model without a name"));
            format!("{model}: {}", brief(sum))
        }));
    }
    notes
}

/// How many requests, tokens and dollars: `3 requests, 3690 tokens, $0.0105`.
#[must_use]
pub fn brief(sum: &Sum) -> String {
    let tokens = sum.tokens.total().map_or_else(|| "tokens unknown".to_owned(), |count| format!("{count} tokens"));
    format!("{}, {tokens}, {}", counted(sum.requests, "request"), sum.cost)
}

/// How many requests there are and what became of them: `3 requests: 2 answered, 1 refused by the provider; 1 asks again`.
#[must_use]
pub fn sentence(sum: &Sum) -> String {
    let outcomes = [
        (sum.answered, "answered"),
        (sum.refused, "refused by the provider"),
        (sum.withheld, "answered by the gateway for a limit"),
        (sum.cut, "broken off by the provider, or not reached"),
        (sum.left, "left by whoever asked"),
    ];
    let outcomes: Vec<String> =
        outcomes.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let mut words = counted(sum.requests, "request");
    if !outcomes.is_empty() {
        words = format!("{words}: {}", outcomes.join(", "));
    }
    if sum.retries > 0 {
        let ask = if sum.retries == 1 { "asks" } else { "ask" };
        words = format!("{words}; {} {ask} again", sum.retries);
    }
    if sum.held_seconds >= LEAST_HELD {
        words = format!("{words}; held back for {} in all", duration(sum.held_seconds));
    }
    words
}

/// The lines of a table for a terminal, the titles first and the sum last; `paint` colors the line of a request by whether it was answered.
#[must_use]
pub fn lines(table: &Table, paint: impl Fn(&str, bool) -> String) -> Vec<String> {
    let titles: Vec<String> = table.titles.iter().map(|title| (*title).to_owned()).collect();
    let rows = table.rows.iter().map(|(cells, _)| cells);
    let all: Vec<&Vec<String>> = [&titles].into_iter().chain(rows).chain([&table.sum]).collect();
    let widths: Vec<usize> =
        (0..titles.len()).map(|column| all.iter().map(|cells| columns(&cells[column])).max().unwrap_or(0)).collect();
    let padded = |cells: &Vec<String>| {
        let cells = cells.iter().zip(&widths).zip(&table.of_words).map(|((cell, width), of_words)| {
            let room = " ".repeat(width - columns(cell));
            if *of_words { format!("{cell}{room}") } else { format!("{room}{cell}") }
        });
        let gap = " ".repeat(GAP);
        format!("{gap}{}", cells.collect::<Vec<_>>().join(&gap)).trim_end().to_owned()
    };
    let rows = table.rows.iter().map(|(cells, is_answered)| paint(&padded(cells), *is_answered));
    let more = (table.more > 0).then(|| format!("  … and {} more", table.more));
    let sum = (table.rows.len() + table.more > 1).then(|| padded(&table.sum));
    [padded(&titles)].into_iter().chain(rows).chain(more).chain(sum).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::samples::snapshot;

    const HOSTILE: &str = "m\u{1b}[2J\u{202e}";

    fn exchanges(models: [&str; 2]) -> Exchanges {
        let line = |at: &str, model: &str, status: Option<u16>, passage: &str, more: serde_json::Value| {
            let mut line = json!({
                "at": format!("2026-11-23T{at}Z"), "interface": "anthropic", "model": model, "status": status, "passage": passage,
                "tokens": {}, "cost_usd": 0.0, "cost_source": "metered", "seconds": 0.04, "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy",
            });
            line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            format!("{line}\n")
        };
        let took = |input: u64, cached: u64, output: u64, usd: f64, source: &str| {
            let tokens = json!({"input_tokens": input, "cache_read_tokens": cached, "cache_creation_tokens": 0, "output_tokens": output});
            json!({"tokens": tokens, "cost_usd": usd, "cost_source": source, "seconds": 12.3, "first_byte_seconds": 0.62})
        };
        let [first, second] = models;
        Exchanges::read(
            [
                line("10:00:00.4", first, Some(200), "whole", took(1_834, 0, 212, 0.0087, "metered")),
                line("10:00:14", first, Some(429), "whole", json!({"first_byte_seconds": 0.04})),
                line("10:00:14.1", first, Some(200), "whole", {
                    let mut it = took(2_046, 120_480, 1_934, 0.0713, "metered");
                    it["held_seconds"] = json!(29.8);
                    it
                }),
                line("10:01:02", second, None, "cut", json!({"cost_source": "unknown", "request_id": null})),
                line("10:01:03", second, Some(200), "left", took(80, 0, 3, 0.0001, "estimated")),
                line("11:01:03", second, Some(403), "refused", json!({"request_id": null})),
            ]
            .concat()
            .as_bytes(),
        )
    }

    fn lines(exchanges: &Exchanges, most: usize, room: Option<usize>) -> Vec<String> {
        let since = "2026-11-23T10:00:00Z".parse().ok();
        let table = table(exchanges, since, most, room);
        let lines = super::lines(&table, |line, _| line.to_owned());
        assert!(room.is_none_or(|room| lines.iter().all(|line| columns(line) <= room)), "{lines:#?}");
        lines.into_iter().chain(table.notes).collect()
    }

    #[test]
    fn requests_are_a_table_that_fits_its_screen_and_says_what_had_no_room() {
        let (one, two) = (exchanges(["claude-sonnet-4-5"; 2]), exchanges(["claude-sonnet-4-5", "claude-haiku-4-5"]));
        let mut screens = Vec::new();
        for (told, room) in [(&one, None), (&one, Some(80)), (&one, Some(60)), (&two, Some(80)), (&two, Some(60))] {
            screens.push(lines(told, usize::MAX, room).join("\n"));
        }
        screens.push(lines(&two, 2, Some(80)).join("\n"));
        screens.push(format!("{}\n{}", sentence(&two.sum()), brief(&two.sum())));
        snapshot("screens", "exchanges", &screens.join("\n────\n"));
    }

    #[test]
    fn nothing_that_a_provider_names_is_obeyed_by_a_terminal() {
        let text = lines(&exchanges([HOSTILE, "other"]), usize::MAX, None).join("\n");
        assert!(text.contains("m\\u{1b}[2J") && !text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
}
