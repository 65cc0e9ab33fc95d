use super::*;
use crate::model::details::samples::{details, unfinished};
use crate::model::ids::SubtestId;
use crate::model::samples::{FOLDER, snapshot};
use crate::stats::setups::together;

fn around(styles: Styles) -> Around<'static> {
    Around { dir: FOLDER, is_held: false, styles }
}

/// Text that a terminal would interpret, used for every text from another source.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]52;c;ZXZpbA==\u{7}\u{9b}1m\u{202e}x\r::add-mask::y\n::error::z";

#[test]
fn a_run_is_told_on_one_screen() {
    let mut failed = details("T0/00/run_02", false);
    failed.lies_below(FOLDER);
    snapshot("screens", "show_run_failed", &run(&failed, around(Styles::plain())));
    snapshot("screens", "show_run_json", &run_json(&failed));
    assert!(
        run(&failed, around(Styles::plain()))
            .lines()
            .all(|line| { line.contains(FOLDER) || crate::text::columns::columns(line) <= COLUMNS })
    );
}

#[test]
fn a_run_without_a_verdict_says_why_and_what_to_type() {
    let screens: Vec<String> = RunState::ALL[2..]
        .iter()
        .map(|state| {
            let mut details = unfinished("T0/00/run_03", *state);
            details.lies_below(FOLDER);
            run(&details, around(Styles::plain()))
        })
        .collect();
    snapshot("screens", "show_run_missing", &screens.join("\n────\n\n"));
    let held = Around { is_held: true, ..around(Styles::plain()) };
    let waits = run(&unfinished("T0/00/run_03", RunState::NotStarted), held);
    assert!(waits.contains("A coordinator is at work and comes to it"), "{waits}");
}

#[test]
fn a_setup_and_a_tier_are_told_by_their_runs() {
    let mut runs: Vec<RunDetails> =
        (1..=60).map(|number| details(&format!("T0/00/{number}"), number % 3 != 0)).collect();
    for (at, state) in [(3, RunState::NotStarted), (4, RunState::Errored), (59, RunState::InFlight)] {
        runs[at] = unfinished(&format!("T0/00/{}", at + 1), state);
    }
    let of = |subtest, name: &str, runs: &[RunDetails]| {
        together((TierId(0), SubtestId(subtest)), (Some(name.to_owned()), None), runs, None)
    };
    let many = of(0, "expert", &runs);
    snapshot("screens", "show_setup", &setup(&many, around(Styles::plain())));
    let setups = [many, of(1, "寿司とラーメンと天ぷらとうどんと蕎麦", &runs[..3]), of(2, "", &[])];
    snapshot("screens", "show_tier", &tier(TierId(0), &setups, around(Styles::plain())));
    let schema = setup_schema();
    let written: Value = serde_json::from_str(&setup_json(&setups[0])).unwrap();
    assert!(written.as_object().unwrap().keys().all(|key| schema["properties"].get(key).is_some()));
}

#[test]
fn text_of_agents_and_judges_gives_no_command() {
    let mut hostile = details("T0/00/run_02", false);
    let text = || HOSTILE.to_owned();
    hostile.name = Some(text());
    hostile.why = Some(text());
    hostile.folder = text();
    for judgment in &mut hostile.judges {
        (judgment.model, judgment.reasoning) = (text(), text());
        let said = judgment.criteria_scores.values().next().unwrap().clone();
        let said = crate::model::rubric::ItemScore { explanation: text(), ..said };
        judgment.criteria_scores.insert(text(), said);
    }
    hostile.by_items(None);
    for check in &mut hostile.checks {
        check.result.name = text();
        check.result.not_applicable.clone_from(&Some(text()));
        check.excerpt = Some(crate::model::outcome::Excerpt { file: text(), text: text() });
    }
    hostile.files.iter_mut().for_each(|file| file.path = text());
    hostile.not_captured_names = vec![text()];
    hostile.gradings.iter_mut().for_each(|grading| grading.reason = Some(text()));
    hostile.attempts.iter_mut().for_each(|attempt| attempt.folder = text());
    let of_setup = together((TierId(0), SubtestId(0)), (Some(text()), None), std::slice::from_ref(&hostile), None);
    for screen in [
        run(&hostile, around(Styles::plain())),
        setup(&of_setup, around(Styles::plain())),
        tier(TierId(0), std::slice::from_ref(&of_setup), around(Styles::plain())),
        run_json(&hostile),
        setup_json(&of_setup),
    ] {
        let obeyed = screen.chars().find(|char| *char != '\n' && (char.is_control() || *char == '\u{202e}'));
        assert_eq!(obeyed, None, "{screen}");
        let is_command = |line: &str| line.trim_start().starts_with("::");
        assert!(!screen.lines().any(is_command), "{screen}");
    }
}
