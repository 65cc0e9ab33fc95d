//! A comparison for people: what each side was given, its numbers in columns, and a sentence for each difference.

use super::{AgainstFirst, Comparison, Side};
use crate::model::digest::Digest;
use crate::model::money::Usd;
use crate::stats::items::ItemDifference;
use crate::text::columns::{aligned, columns};
use crate::text::escape;
use crate::text::page::Page;
use crate::text::short::{cut, first_of};
use crate::text::styles::{Styles, Tone};
use crate::text::words::{counted, duration, list, wrap};

/// Setups that are listed of one difference; all of them are in the JSON.
const MOST_SETUPS: usize = 12;
/// Items of the rubric that are listed of one difference; all of them are in the JSON.
const MOST_ITEMS: usize = 5;
/// Controls that are named of one side.
const MOST_CONTROLS: usize = 5;
/// Most characters of what an item says, and fewest where there is little room.
const MOST_OF_ITEM: usize = 50;
const FEWEST_OF_ITEM: usize = 10;
/// Columns of a table of items beside what they say.
const BESIDE_ITEM: usize = 52;
/// Most characters of a digest: as many as tell two apart.
const MOST_OF_DIGEST: usize = 19;
/// A smaller difference of scores is shown as none.
const LEAST_DIFFERENCE: f64 = 0.005;
/// What stands for a value that is not known.
const NONE: &str = "–";

/// The page, on so many columns; on any number of them where nothing is said.
#[must_use]
pub fn human(comparison: &Comparison, room: Option<usize>, styles: Styles) -> String {
    let mut page = Page::default();
    for side in &comparison.sides {
        let name = side.name.as_deref().map(|name| format!(" {}", escape::terminal(name))).unwrap_or_default();
        let part = side.part.as_deref().map(|part| format!("{part}{name} of ")).unwrap_or_default();
        let letter = styles.paint(Tone::Strong, &side.letter);
        let mark = if side.control.is_some() { " (a control, which measures no agent)" } else { "" };
        page.line(format_args!("{letter}  {part}{}{mark}", escape::terminal(&side.experiment)));
        if !side.without_controls.is_empty() {
            let controls = list(&first_of(&side.without_controls, MOST_CONTROLS));
            page.line(format_args!("   without its controls {controls}, which measure no agent"));
        }
    }
    for against in comparison.differences.iter().filter(|against| !against.given.is_empty()) {
        add_given(&mut page, against, room);
    }
    page.line("");
    for line in tables(&comparison.sides, room) {
        page.line(line);
    }
    for against in &comparison.differences {
        page.line("");
        for line in broken(&against.sentence, room) {
            page.line(styles.paint(tone(against), line));
        }
        for line in against.method.iter().flat_map(|method| broken(method, room)) {
            page.line(styles.paint(Tone::Faint, line));
        }
        add_setups(&mut page, against);
        add_items(&mut page, &comparison.sides[0].letter, against, room);
    }
    page.into_text()
}

/// A text in lines that fit.
fn broken(text: &str, room: Option<usize>) -> Vec<String> {
    room.map_or_else(|| vec![text.to_owned()], |room| wrap(text, room))
}

/// A text in lines that fit, each but the first further in.
fn indented(text: &str, room: Option<usize>) -> String {
    broken(text, room.map(|room| room.saturating_sub(4).max(1))).join("\n    ")
}

fn tone(against: &AgainstFirst) -> Tone {
    match against.difference.pass_rate {
        Some(rate) if against.difference.is_clear() && rate.value > 0.0 => Tone::Good,
        Some(_) if against.difference.is_clear() => Tone::Bad,
        _ => Tone::Plain,
    }
}

fn add_given(page: &mut Page, against: &AgainstFirst, room: Option<usize>) {
    for (is_meant, title) in [(true, "was given"), (false, "also differs, and nobody asked for it")] {
        let given: Vec<_> = against.given.iter().filter(|given| given.is_meant == is_meant).collect();
        if given.is_empty() {
            continue;
        }
        page.line("");
        let title = if is_meant { format!("what {} {title}", against.letter) } else { format!("what {title}") };
        page.line(format_args!("{title}:"));
        for one in given {
            let (first, later) = (value(&one.first), value(&one.later));
            page.line(format_args!("  {}", indented(&format!("{}: {first} → {later}", one.what), room)));
        }
    }
}

/// A value as people read it: of a digest the beginning, which tells it apart.
fn value(text: &str) -> String {
    let text = escape::terminal(text);
    if text.parse::<Digest>().is_ok() { cut(&text, MOST_OF_DIGEST) } else { text.into_owned() }
}

/// The numbers of all sides: in one table where that fits, else with intervals in rows of their own, else in several tables.
fn tables(sides: &[Side], room: Option<usize>) -> Vec<String> {
    let fits = |lines: &[String]| room.is_none_or(|room| lines.iter().all(|line| columns(line) <= room));
    let wide = table(sides, true);
    if fits(&wide) {
        return wide;
    }
    for at_once in (1..=sides.len()).rev() {
        let parts: Vec<Vec<String>> = sides.chunks(at_once).map(|sides| table(sides, false)).collect();
        if at_once == 1 || parts.iter().all(|part| fits(part)) {
            return parts.join(&String::new());
        }
    }
    wide
}

/// The numbers, a column for each side.
fn table(sides: &[Side], is_wide: bool) -> Vec<String> {
    let mut rows: Vec<Vec<String>> = vec![vec![String::new()]];
    rows[0].extend(sides.iter().map(|side| side.letter.clone()));
    let mut add = |title: &str, cell: &dyn Fn(&Side) -> Option<String>| {
        let cells: Vec<Option<String>> = sides.iter().map(cell).collect();
        if cells.iter().any(Option::is_some) {
            let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| NONE.to_owned()));
            rows.push(std::iter::once(title.to_owned()).chain(cells).collect());
        }
    };
    add("runs", &|side| Some(runs(side)));
    add("passed", &|side| {
        let rate = side.group.pass_rate?;
        let interval = interval(side).filter(|_| is_wide).map(|range| format!(" [{range}]"));
        Some(format!("{} = {:.0} %{}", side.group.passed, rate.value * 100.0, interval.unwrap_or_default()))
    });
    add("95 %", &|side| interval(side).filter(|_| !is_wide));
    add("score", &|side| {
        let sd = side.group.sd_score.map(|sd| format!(" ± {sd:.2}")).unwrap_or_default();
        side.group.mean_score.map(|mean| format!("{mean:.3}{sd}"))
    });
    add("cost of a run", &|side| side.group.mean_cost_usd.map(|cost| money(cost, side.group.cost_unknown)));
    add("spent in all", &|side| side.group.spent_usd.map(|cost| money(cost, side.group.spent_unknown)));
    add("time of a run", &|side| side.group.mean_seconds.map(duration));
    add("tokens of a run", &|side| side.group.mean_tokens.map(|tokens| format!("{tokens:.0}")));
    aligned(&rows, sides.len() + 1)
}

/// The interval of the share that passed.
fn interval(side: &Side) -> Option<String> {
    let range = side.group.pass_rate?.interval?;
    Some(format!("{:.0}–{:.0} %", range.low * 100.0, range.high * 100.0))
}

fn runs(side: &Side) -> String {
    let missing: usize = side.group.missing.values().sum();
    match missing {
        0 => side.group.judged.to_string(),
        _ => format!("{} of {}, {missing} missing", side.group.judged, side.group.planned),
    }
}

fn money(cost: Usd, unknown: u32) -> String {
    if unknown > 0 { format!("at least {cost}") } else { cost.to_string() }
}

fn add_setups(page: &mut Page, against: &AgainstFirst) {
    for setup in against.setups.iter().take(MOST_SETUPS) {
        let (first, later) = (setup.first, setup.later);
        page.line(format_args!(
            "  {}/{}: {} of {} against {} of {}",
            setup.tier, setup.subtest, later.0, later.1, first.0, first.1
        ));
    }
    if against.setups.len() > MOST_SETUPS {
        let more = counted(against.setups.len() - MOST_SETUPS, "more setup");
        page.line(format_args!("  and {more} (`--format json` lists all)"));
    }
}

/// The items of the rubric in which the two differ most.
fn add_items(page: &mut Page, first: &str, against: &AgainstFirst, room: Option<usize>) {
    let differ: Vec<&ItemDifference> =
        against.items.iter().filter(|item| item.difference.value.abs() >= LEAST_DIFFERENCE).collect();
    if differ.is_empty() {
        return;
    }
    let most = room.map_or(MOST_OF_ITEM, |room| room.saturating_sub(BESIDE_ITEM).clamp(FEWEST_OF_ITEM, MOST_OF_ITEM));
    // Where there is little room, the interval stands below its item.
    let is_wide = room.is_none_or(|room| room >= BESIDE_ITEM + FEWEST_OF_ITEM);
    let title = ["item", first, &against.letter, "difference", ""].map(str::to_owned);
    let row = |item: &&ItemDifference| {
        let interval = item.difference.interval;
        let interval = interval.map(|range| format!("{:+.2} to {:+.2}", range.low, range.high)).unwrap_or_default();
        let says = item.description.as_deref().map(|text| format!(" {}", cut(text, most))).unwrap_or_default();
        let what = escape::terminal(&format!("{}{says}", item.id)).into_owned();
        let score = |score: f64| format!("{score:.2}");
        vec![what, score(item.first), score(item.later), format!("{:+.2}", item.difference.value), interval]
    };
    let rows: Vec<Vec<String>> =
        std::iter::once(title.to_vec()).chain(differ.iter().take(MOST_ITEMS).map(row)).collect();
    let title = "items of the rubric that differ most, with their mean scores and a 95 % interval for each alone:";
    page.line(format_args!("  {}", indented(title, room)));
    let narrow: Vec<Vec<String>> = rows.iter().map(|row| row[..row.len() - 1].to_vec()).collect();
    for (line, row) in aligned(if is_wide { &rows } else { &narrow }, 1).into_iter().zip(&rows) {
        page.line(format_args!("    {line}"));
        if let Some(interval) = row.last().filter(|interval| !is_wide && !interval.is_empty()) {
            page.line(format_args!("      {interval}"));
        }
    }
    if differ.len() > MOST_ITEMS {
        let more = counted(differ.len() - MOST_ITEMS, "more item");
        page.line(format_args!("    and {more} (`--format json` lists all)"));
    }
}
