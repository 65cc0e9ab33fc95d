//! The report for a terminal: the answers, the setups, the tiers, the judges. On a narrow one lines are broken, and columns that tell
//! least are left out.

use super::table::{TITLES, WORDS, mark, notes, rows};
use super::{ExperimentReport, File, Form, Material, chosen_by};
use crate::text::columns::{aligned, columns, cut};
use crate::text::escape;
use crate::text::page::Page;
use crate::text::styles::{Styles, Tone};
use crate::text::words::{counted, percent, wrap};

/// Most columns of a setup's name, and the fewest that it is cut to.
const MOST_NAME: usize = 32;
const FEWEST_OF_NAME: usize = 10;
/// Columns in which sentences are broken where a line may have any number.
const COLUMNS: usize = 100;
/// Fewer columns than this hold no table and no sentence.
const FEWEST: usize = 40;
/// The titles of the table where there is little room.
const SHORT: [&str; 9] = ["setup", "name", "runs", "passed", "95 %", "score", "cost/run", "cost/pass", "time/run"];
/// The columns that are left out where there is no room, in this order: all of them are in every other form.
const DISPENSABLE: [usize; 3] = [8, 5, 6];

pub(super) static FORM: Form = Form {
    name: "terminal",
    about: "A summary for people",
    is_printed: true,
    needs_whole_runs: false,
    files: |material, styles| vec![File { name: "report.txt".into(), text: text(material, styles) }],
};

fn text(material: &Material<'_>, styles: Styles) -> String {
    let (report, room) = (material.report, material.room.map(|room| room.max(FEWEST)));
    let mut page = Page::default();
    for (place, experiment) in report.experiments.iter().enumerate() {
        if place > 0 {
            page.line("");
        }
        add(&mut page, experiment, &chosen_by(&report.filters), room, styles);
    }
    let (digest, made_by) = (format!("results {}", report.results_digest), &report.made_by);
    let line = format!("{digest} · {made_by}");
    let is_wide = room.is_none_or(|room| columns(&line) <= room);
    page.line(if is_wide { format!("\n{line}") } else { format!("\n{digest}\n{made_by}") });
    page.into_text()
}

fn add(page: &mut Page, experiment: &ExperimentReport, chosen: &str, room: Option<usize>, styles: Styles) {
    let whole = &experiment.whole;
    let title = styles.paint(Tone::Strong, escape::terminal(&experiment.name));
    let chosen = escape::terminal(chosen);
    page.line(format_args!("{title}: {} of {} judged{chosen}", whole.judged, counted(whole.planned, "planned run")));
    page.line("");
    for answer in &experiment.answers {
        let sentence = escape::terminal(&answer.sentence);
        for (place, line) in wrap(&sentence, room.unwrap_or(COLUMNS).min(COLUMNS) - 2).iter().enumerate() {
            page.line(format_args!("{} {line}", if place == 0 { "•" } else { " " }));
        }
    }
    page.line("");
    for line in setups(experiment, room) {
        page.line(line);
    }
    for note in notes(experiment) {
        for line in wrap(note, room.unwrap_or(COLUMNS)) {
            page.line(styles.paint(Tone::Faint, line));
        }
    }
    add_judges(page, experiment, room);
}

/// The table of setups.
fn setups(experiment: &ExperimentReport, room: Option<usize>) -> Vec<String> {
    let wide = lines(experiment, &rows(experiment), &TITLES, MOST_NAME, &[]);
    let fits = |lines: &[String]| lines.iter().all(|line| room.is_none_or(|room| columns(line) <= room));
    if fits(&wide) {
        return wide;
    }
    let mut narrow = rows(experiment);
    // How far scores are spread takes half of their column; how many runs are missing follows, and is told in a sentence.
    for row in &mut narrow {
        for (column, end) in [(2, ','), (5, ' ')] {
            let length = row[column].find(end).unwrap_or(row[column].len());
            row[column].truncate(length);
        }
    }
    let room = room.unwrap_or(COLUMNS);
    for left_out in 0..=DISPENSABLE.len() {
        let left_out = &DISPENSABLE[..left_out];
        let least = lines(experiment, &narrow, &SHORT, FEWEST_OF_NAME, left_out);
        if fits(&least) {
            // What is left is for names.
            let used = least.iter().map(|line| columns(line)).max().unwrap_or_default();
            let most = (FEWEST_OF_NAME + room - used).min(MOST_NAME);
            return lines(experiment, &narrow, &SHORT, most, left_out);
        }
    }
    let least = lines(experiment, &narrow, &SHORT, FEWEST_OF_NAME, &DISPENSABLE);
    least.iter().map(|line| cut(line, room)).collect()
}

/// The lines of the table, without some columns.
fn lines(
    experiment: &ExperimentReport,
    rows: &[[String; 9]],
    titles: &[&str; 9],
    most_name: usize,
    left_out: &[usize],
) -> Vec<String> {
    let kept = |cells: Vec<String>| -> Vec<String> {
        let kept = cells.into_iter().enumerate().filter(|(column, _)| !left_out.contains(column));
        kept.map(|(_, cell)| cell).collect()
    };
    let body = rows.iter().enumerate().map(|(place, row)| {
        let mut cells: Vec<String> = row.iter().map(|cell| escape::terminal(cell).into_owned()).collect();
        // A long name is cut before its mark.
        let mark = experiment.setups.get(place).map(mark).unwrap_or_default();
        let name = cells[1].strip_suffix(mark).unwrap_or(&cells[1]);
        cells[1] = format!("{}{mark}", cut(name, most_name));
        kept(cells)
    });
    let titles = kept(titles.map(str::to_owned).to_vec());
    aligned(&std::iter::once(titles).chain(body).collect::<Vec<_>>(), WORDS)
}

fn add_judges(page: &mut Page, experiment: &ExperimentReport, room: Option<usize>) {
    let Some(panel) = experiment.judges.as_ref().filter(|panel| panel.judges.len() > 1) else { return };
    page.line("");
    let mut rows = vec![["judge", "name", "runs", "passed", "score"].map(str::to_owned).to_vec()];
    for judge in &panel.judges {
        let score = judge.mean_score.map_or_else(|| super::table::NONE.to_owned(), |score| format!("{score:.3}"));
        let name = cut(&escape::terminal(&judge.name), MOST_NAME);
        let share = crate::stats::tiers::share(judge.passed, judge.judged).map(percent).unwrap_or_default();
        let passed = format!("{} = {share}", judge.passed);
        rows.push(vec![judge.number.to_string(), name, judge.judged.to_string(), passed, score]);
    }
    for line in aligned(&rows, WORDS) {
        page.line(room.map_or_else(|| line.clone(), |room| cut(&line, room)));
    }
}
