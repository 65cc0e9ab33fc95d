//! The list of experiments, as a table and as JSON.

use serde_json::Value;

use crate::model::overview::Overview;
use crate::text::columns::{columns, cut_front};
use crate::text::escape;
use crate::text::page;
use crate::text::words::duration;

use super::tables::table;

/// What stands for a value that is not known.
const NONE: &str = "–";
/// The columns that are left out, in this order, where there is no room for the names: age, cost, what passed.
const DISPENSABLE: [&str; 3] = ["age", "cost", "passed"];

/// So many columns of a name are shown before a column is left out for it.
const FEWEST: usize = 20;

/// The table, on so many columns; on any number of them where nothing is said. Where there is no room for a whole name, its end is
/// shown, which tells experiments apart.
#[must_use]
pub fn list_table(experiments: &[Overview], room: Option<usize>) -> String {
    if experiments.is_empty() {
        return String::new();
    }
    let mut rows = vec![["name", "state", "done", "passed", "cost", "age"].map(str::to_owned).to_vec()];
    rows.extend(experiments.iter().map(row));
    if let Some(room) = room {
        fit(&mut rows, room);
    }
    table(rows)
}

fn fit(rows: &mut [Vec<String>], room: usize) {
    let width = |rows: &[Vec<String>], column: usize| rows.iter().map(|row| columns(&row[column])).max().unwrap_or(0);
    // Each column has two spaces before it.
    let all = |rows: &[Vec<String>]| (0..rows[0].len()).map(|column| width(rows, column) + 2).sum::<usize>();
    for title in DISPENSABLE {
        if all(rows) - width(rows, 0).saturating_sub(FEWEST) <= room {
            break;
        }
        if let Some(column) = rows[0].iter().position(|cell| cell == title) {
            for row in rows.iter_mut() {
                row.remove(column);
            }
        }
    }
    let others = all(rows) - width(rows, 0);
    for row in rows.iter_mut() {
        row[0] = cut_front(&row[0], room.saturating_sub(others).max(2));
    }
}

fn row(experiment: &Overview) -> Vec<String> {
    let Overview { name, state, done, planned, plan_is_open, spent, unknown_in_flight, age_seconds, .. } = experiment;
    let Overview { agents_done, agents_passed, .. } = experiment;
    let more = if *plan_is_open { "+" } else { "" };
    let planned = planned.map_or_else(|| "?".to_owned(), |planned| format!("{planned}{more}"));
    vec![
        escape::terminal(name).into_owned(),
        state.to_string(),
        format!("{done}/{planned}"),
        if *agents_done == 0 && *done > 0 { NONE.to_owned() } else { agents_passed.to_string() },
        match *unknown_in_flight {
            0 => spent.to_string(),
            parts => format!("{} so far", spent.without_unknown(parts)),
        },
        age_seconds.map_or_else(|| NONE.to_owned(), duration),
    ]
}

/// One JSON array.
#[must_use]
pub fn list_json(experiments: &[Overview]) -> String {
    page::pretty(&experiments)
}

/// The schema of one experiment in the list.
#[must_use]
pub fn list_schema() -> Value {
    schemars::schema_for!(Overview).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::overview::State;
    use crate::model::samples::snapshot;
    use crate::model::usage::Total;

    fn experiment(name: &str, state: State, (done, planned): (usize, usize), spent: Total) -> Overview {
        Overview {
            name: name.to_owned(),
            folder: format!("results/{name}"),
            experiment_id: Some("hello".to_owned()),
            state,
            done,
            planned: Some(planned),
            plan_is_open: false,
            passed: done / 2,
            agents_done: done,
            agents_passed: done / 2,
            spent,
            unknown_in_flight: 0,
            started_at: Some("2026-01-20T06:50:26Z".parse().unwrap()),
            age_seconds: Some(7_620.0),
            made_by: None,
        }
    }

    #[test]
    fn an_experiment_is_a_row_with_at_least_what_it_cost() {
        let usd = |dollars| Total::from(crate::model::money::Usd::from_dollars(dollars).unwrap());
        let nameless = Overview {
            planned: None,
            experiment_id: None,
            age_seconds: None,
            started_at: None,
            ..experiment("2026-01-18T00-00-00-\u{1b}[2Jlost", State::Unknown, (0, 0), Total::UNKNOWN)
        };
        let open = Overview {
            plan_is_open: true,
            made_by: Some("ProjectScylla".to_owned()),
            ..experiment("2026-01-19T06-13-07-test-001", State::Interrupted, (40, 120), usd(3.5))
        };
        let experiments = [
            experiment("2026-01-20T06-50-26-hello-script", State::Running, (3, 60), usd(1.25) + Total::UNKNOWN),
            open,
            nameless,
        ];
        let narrow = list_table(&experiments, Some(80));
        snapshot("screens", "list", &narrow);
        let running = Overview { unknown_in_flight: 1, ..experiments[0].clone() };
        for room in [40, 50, 60] {
            let table = list_table(&[running.clone(), experiments[1].clone()], Some(room));
            snapshot("screens", &format!("list_{room}"), &table);
            assert!(table.lines().all(|line| columns(line) <= room), "{table}");
        }
        assert!(narrow.lines().all(|line| columns(line) <= 80) && !narrow.contains('\u{1b}'), "{narrow}");
        snapshot("screens", "list_json", &list_json(&experiments[..1]));
        assert_eq!((list_table(&[], None), list_json(&[])), (String::new(), "[]\n".to_owned()));
    }
}
