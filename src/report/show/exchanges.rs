//! What an agent and its judges asked their models, request by request, as the gateway wrote it down: for people and as JSON.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::agent::by_itself;
use super::short;
use crate::model::exchange::Exchange;
use crate::model::exchanges::{DamagedLine, Exchanges, Ledger, OfAttempt, OfJudge, Sum};
use crate::model::ids::{AttemptNumber, JudgeNumber, RunId};
use crate::model::usage::Usage;
use crate::text::escape;
use crate::text::exchanges::{brief, lines, sentence, table};
use crate::text::page::{Page, pretty};
use crate::text::styles::{Styles, Tone};
use crate::text::words::{counted, wrap};

/// What is known of the requests of a run.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The run.
    pub run: RunId,
    /// Each attempt: former ones first, and the present one last.
    pub attempts: &'a [OfAttempt],
    /// When the agent of the present one was started.
    pub started_at: Option<Timestamp>,
    /// What that agent itself reports.
    pub reported: Option<Usage>,
    /// Why nothing is known of the present one, where that is so.
    pub why: Option<&'a str>,
    /// What its judges asked.
    pub judges: &'a [OfJudge],
}

impl<'a> Asked<'a> {
    fn present(&self) -> Option<&'a OfAttempt> {
        self.attempts.last().filter(|attempt| !attempt.is_former)
    }

    fn former(&self) -> impl Iterator<Item = &'a OfAttempt> {
        self.attempts.iter().filter(|attempt| attempt.is_former)
    }
}

/// The requests of a run for people, on so many columns, or on any number of them.
#[must_use]
pub fn exchanges(asked: &Asked<'_>, room: Option<usize>, styles: Styles) -> String {
    let mut page = Page::default();
    let mut say = |text: &str| add_wrapped(&mut page, text, room);
    let id = short(asked.run);
    match asked.present().map(|attempt| (&attempt.ledger, &attempt.path)) {
        Some((Ledger::Read(exchanges), path)) if !exchanges.all.is_empty() => {
            say(&format!("{id}: {}", sentence(&exchanges.sum())));
            let since = if asked.started_at.is_some() { "its agent was started" } else { "the first one came" };
            say(&format!("by {path}; times since {since}"));
            page.line("");
            add_table(&mut page, exchanges, asked.started_at, room, styles);
            if let Some(own) = asked.reported {
                page.line("");
                add_wrapped(&mut page, &format!("its agent says itself: {}", by_itself(own)), room);
            }
        }
        Some((Ledger::Unreadable(wrong), _)) => say(&format!("what {id} asked cannot be read: {wrong}")),
        _ => {
            let why = asked.why.map(|why| format!(": {why}")).unwrap_or_default();
            say(&format!("no request of {id} is known{why}"));
        }
    }
    if let Some((Ledger::Read(exchanges), path)) = asked.present().map(|attempt| (&attempt.ledger, &attempt.path)) {
        add_damaged(&mut page, exchanges, path, room);
    }
    add_judges(&mut page, asked.judges, room, styles);
    let mut is_first = true;
    for attempt in asked.former() {
        if std::mem::take(&mut is_first) {
            page.line(format_args!("\n{}", styles.paint(Tone::Strong, "Former attempts")));
        }
        let number = attempt.attempt.map_or_else(|| "?".to_owned(), |number| number.0.to_string());
        let words = match &attempt.ledger {
            Ledger::Read(exchanges) => format!("{}, by {}", brief(&exchanges.sum()), attempt.path),
            Ledger::Absent => "no request is known".to_owned(),
            Ledger::Unreadable(wrong) => format!("its requests cannot be read: {wrong}"),
        };
        for (at, line) in wrap(&words, room.map_or(usize::MAX, |room| room.saturating_sub(5))).iter().enumerate() {
            let number = if at == 0 { number.as_str() } else { "" };
            page.line(format_args!("  {number:<3}{}", escape::terminal(line)));
        }
    }
    page.into_text()
}

/// Adds what judges asked, each by itself.
fn add_judges(page: &mut Page, judges: &[OfJudge], room: Option<usize>, styles: Styles) {
    if !judges.is_empty() {
        page.line(format_args!("\n{}", styles.paint(Tone::Strong, "Judges")));
    }
    for (place, OfJudge { judge, is_former, path, ledger }) in judges.iter().enumerate() {
        if place > 0 {
            page.line("");
        }
        let of = if *is_former { ", whose answer was set aside," } else { "" };
        let who = format!("judge {}{of}", judge.0);
        let exchanges = match ledger {
            Ledger::Read(exchanges) if !exchanges.all.is_empty() => exchanges,
            Ledger::Unreadable(wrong) => {
                add_wrapped(page, &format!("what {who} asked cannot be read: {wrong}"), room);
                continue;
            }
            Ledger::Read(_) | Ledger::Absent => {
                add_wrapped(page, &format!("{who} asked nobody, by {path}"), room);
                continue;
            }
        };
        let models = exchanges.by_model();
        let model = models.first().filter(|_| models.len() == 1).and_then(|(model, _)| *model);
        let model = model.map(|model| format!(" asked `{model}`")).unwrap_or_default();
        add_wrapped(page, &format!("{who}{model}: {}", sentence(&exchanges.sum())), room);
        add_wrapped(page, &format!("by {path}; times since the first one came"), room);
        page.line("");
        add_table(page, exchanges, None, room, styles);
        add_damaged(page, exchanges, path, room);
    }
}

fn add_table(page: &mut Page, exchanges: &Exchanges, since: Option<Timestamp>, room: Option<usize>, styles: Styles) {
    let table = table(exchanges, since, usize::MAX, room);
    let tone = |is_answered| if is_answered { Tone::Plain } else { Tone::Warning };
    for line in lines(&table, |line, is_answered| styles.paint(tone(is_answered), line).to_string()) {
        page.line(line);
    }
    if !table.notes.is_empty() {
        page.line("");
    }
    for note in &table.notes {
        add_wrapped(page, note, room);
    }
}

/// Adds a text, wrapped, and harmless for a terminal.
fn add_wrapped(page: &mut Page, text: &str, room: Option<usize>) {
    for line in wrap(text, room.unwrap_or(usize::MAX)) {
        page.line(escape::terminal(&line));
    }
}

/// Names the lines that say nothing.
fn add_damaged(page: &mut Page, exchanges: &Exchanges, path: &str, room: Option<usize>) {
    if exchanges.damaged_lines == 0 {
        return;
    }
    page.line("");
    let mut say = |text: &str| add_wrapped(page, text, room);
    let (says, counts) = if exchanges.damaged_lines == 1 { ("says", "counts") } else { ("say", "count") };
    let lines = counted(exchanges.damaged_lines, "line");
    say(&format!("{lines} of {path} {says} nothing that can be read, and {counts} nowhere:"));
    for DamagedLine { line, wrong } in &exchanges.damaged {
        say(&format!("  line {line}: {wrong}"));
    }
    let more = exchanges.damaged_lines - exchanges.damaged.len();
    if more > 0 {
        say(&format!("  … and {more} more"));
    }
}

/// The requests of a run, for programs.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Document<'a> {
    /// The run.
    run: RunId,
    /// When its agent was started; `null` where that is not known.
    #[schemars(with = "Option<String>")]
    started_at: Option<Timestamp>,
    /// The requests of its present attempt, in the order in which they came; `null` where none can be known.
    exchanges: Option<&'a [Exchange]>,
    /// Why none is known, where that is so.
    why: Option<&'a str>,
    /// The file that has them.
    told_by: Option<&'a str>,
    /// What they come to.
    sum: Sum,
    /// What its agent itself reports, where it does.
    reported: Option<Usage>,
    /// The first lines of that file that say nothing that can be read.
    damaged: &'a [DamagedLine],
    /// How many such lines there are.
    damaged_lines: usize,
    /// What its former attempts asked.
    former_attempts: Vec<Former<'a>>,
    /// What its judges asked through the gateway.
    judges: Vec<JudgeExchanges<'a>>,
}

/// What a judge asked.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct JudgeExchanges<'a> {
    /// Its number.
    judge: JudgeNumber,
    /// Whether its answer was set aside, because it was not valid.
    is_former: bool,
    /// Its requests, in the order in which they came; `null` where they cannot be read.
    exchanges: Option<&'a [Exchange]>,
    /// Why not.
    why: Option<&'a str>,
    /// The file that has them.
    told_by: &'a str,
    /// What they come to.
    sum: Sum,
    /// The first lines of that file that say nothing that can be read.
    damaged: &'a [DamagedLine],
    /// How many such lines there are.
    damaged_lines: usize,
}

/// What a former attempt asked.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Former<'a> {
    /// Its number; `null` where its folder does not say it.
    attempt: Option<AttemptNumber>,
    /// The file that has its requests; `null` where there is none.
    told_by: Option<&'a str>,
    /// What they come to.
    sum: Option<Sum>,
}

/// The JSON schema of [`exchanges_json`].
#[must_use]
pub fn exchanges_schema() -> Value {
    schemars::schema_for!(Document<'_>).to_value()
}

/// The requests of a run as JSON.
#[must_use]
pub fn exchanges_json<'a>(asked: &Asked<'a>) -> String {
    let present = asked.present();
    let exchanges = present.and_then(|attempt| attempt.ledger.read());
    let unreadable = |ledger: &'a Ledger| match ledger {
        Ledger::Unreadable(wrong) => Some(wrong.as_str()),
        Ledger::Absent | Ledger::Read(_) => None,
    };
    let wrong = present.and_then(|attempt| unreadable(&attempt.ledger));
    let judge = |of: &'a OfJudge| {
        let exchanges = of.ledger.read();
        JudgeExchanges {
            judge: of.judge,
            is_former: of.is_former,
            exchanges: exchanges.map(|exchanges| exchanges.all.as_slice()),
            why: unreadable(&of.ledger),
            told_by: &of.path,
            sum: exchanges.map(Exchanges::sum).unwrap_or_default(),
            damaged: exchanges.map_or(&[], |exchanges| exchanges.damaged.as_slice()),
            damaged_lines: exchanges.map_or(0, |exchanges| exchanges.damaged_lines),
        }
    };
    let former = |attempt: &'a OfAttempt| Former {
        attempt: attempt.attempt,
        told_by: attempt.ledger.read().map(|_| attempt.path.as_str()),
        sum: attempt.ledger.read().map(Exchanges::sum),
    };
    pretty(&Document {
        run: asked.run,
        started_at: asked.started_at,
        exchanges: exchanges.map(|exchanges| exchanges.all.as_slice()),
        why: wrong.or(asked.why.filter(|_| exchanges.is_none_or(|exchanges| exchanges.all.is_empty()))),
        told_by: present.filter(|attempt| attempt.ledger.read().is_some()).map(|attempt| attempt.path.as_str()),
        sum: exchanges.map(Exchanges::sum).unwrap_or_default(),
        reported: asked.reported,
        damaged: exchanges.map_or(&[], |exchanges| exchanges.damaged.as_slice()),
        damaged_lines: exchanges.map_or(0, |exchanges| exchanges.damaged_lines),
        former_attempts: asked.former().map(former).collect(),
        judges: asked.judges.iter().map(judge).collect(),
    })
}
