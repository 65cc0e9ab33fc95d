//! Comparisons as people read them.

use super::*;
use crate::model::row::RowStatus;
use crate::model::row::RunRow;
use crate::model::row::samples::passed;
use crate::model::samples::snapshot;
use crate::stats::comparison::{between, group};
use crate::stats::estimate::{Estimate, Interval};
use crate::text::styles::Styles;

fn rows(subtest: &str, passes: usize, all: usize) -> Vec<RunRow> {
    let row = |number: usize| {
        let has_passed = number <= passes;
        let score = Some(if has_passed { 0.95 } else { 0.3 });
        RunRow { status: RowStatus::judged(has_passed), score, ..passed(&format!("{subtest}/{number}")) }
    };
    (1..=all).map(row).collect()
}

fn compared(first: &[RunRow], later: &[RunRow]) -> (Group, Group, Difference) {
    let (first, later): (Vec<&RunRow>, Vec<&RunRow>) = (first.iter().collect(), later.iter().collect());
    (group(&first), group(&later), between(&first, &later, false))
}

#[test]
fn a_difference_is_told_in_a_plain_sentence_with_how_sure_it_is() {
    let told = |first: (usize, usize), later: (usize, usize)| {
        let (first, later) = (rows("T0/00", first.0, first.1), rows("T1/00", later.0, later.1));
        let (of_first, of_later, difference) = compared(&first, &later);
        sentence(("A", &of_first), ("B", &of_later), &difference)
    };
    let sentences = [
        told((20, 40), (25, 40)),
        told((48, 80), (76, 80)),
        told((9, 10), (1, 10)),
        told((3, 6), (1, 2)),
        told((0, 0), (1, 2)),
    ];
    snapshot("compare", "sentences", &sentences.join("\n"));
}

#[test]
fn a_comparison_is_a_page_for_people_and_a_document_for_programs() {
    let (first, mut later) = (rows("T0/00", 1, 4), rows("T1/02", 4, 4));
    later.push(RunRow { status: RowStatus::Errored, score: None, cost: None, ..passed("T1/02/5") });
    let (of_first, of_later, difference) = compared(&first, &later);
    let side = |letter: &str, part: &str, name: &str, group: &Group| Side {
        letter: letter.to_owned(),
        experiment: "results/2026-11-29T01-02-03-task".to_owned(),
        part: Some(part.to_owned()),
        name: Some(name.to_owned()),
        control: None,
        without_controls: Vec::new(),
        group: group.clone(),
    };
    let given = |what: &str, first: &str, later: &str, is_meant| Given {
        what: what.to_owned(),
        first: first.to_owned(),
        later: later.to_owned(),
        is_meant,
    };
    let item = |id: &str, description: &str, (first, later), (value, low, high)| ItemDifference {
        id: id.to_owned(),
        description: Some(description.to_owned()),
        first,
        first_runs: 4,
        later,
        later_runs: 4,
        difference: Estimate { value, interval: Some(Interval { low, high }) },
    };
    let against = AgainstFirst {
        letter: "B".to_owned(),
        given: vec![
            given("skills", "nothing", "testing, \u{1b}[31mred", true),
            given("day", "2026-11-28", "2026-11-29", false),
        ],
        sentence: sentence(("A", &of_first), ("B", &of_later), &difference),
        method: method(&difference),
        difference,
        items: vec![
            item(
                "R\u{1b}[1m",
                "every case of the bounds comes out right, and the last one of them too",
                (0.125, 0.9),
                (0.775, 0.2, 0.98),
            ),
            item("R002", "it is documented", (0.5, 0.504), (0.004, -0.4, 0.4)),
        ],
        setups: vec![DifferingSetup { tier: TierId(0), subtest: SubtestId(3), first: (1, 3), later: (3, 3) }],
    };
    let sides = vec![side("A", "T0/00", "plain", &of_first), side("B", "T1/02", "expert\u{7}", &of_later)];
    let comparison = Comparison::new(sides, vec![against]);
    snapshot("compare", "human", &human(&comparison, None, Styles::plain()));
    for room in [40, 60] {
        let page = human(&comparison, Some(room), Styles::plain());
        snapshot("compare", &format!("human_{room}"), &page);
        // Paths and names stay whole: a person copies them. The last lines are a table, whose numbers need so many.
        let wide = page.lines().skip(2).filter(|line| crate::text::columns::columns(line) > room.max(50));
        assert_eq!(wide.count(), 0, "{page}");
    }
    snapshot("compare", "json", &comparison.json());
}
