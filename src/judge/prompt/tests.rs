//! Prompts: what a model is shown, that nobody whom it grades can speak in them, and what is wrong with a template.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{USUAL, mistake_in, render};
use crate::model::ids::AttemptNumber;
use crate::model::judge::{Facts, Seen};
use crate::model::outcome::AgentEnd;
use crate::model::result::{AgentResult, Before, CheckResult};
use crate::model::rubric::{Evaluation, Rubric, RubricItem};
use crate::model::score::{GradeScale, Score};
use crate::model::usage::Usage;

fn item(id: &str, evaluation: Evaluation, na_condition: Option<&str>) -> RubricItem {
    RubricItem {
        id: id.to_owned(),
        description: format!("What {id} asks for is there."),
        weight: 1.0,
        evaluation,
        rests_on: None,
        na_condition: na_condition.map(str::to_owned),
    }
}

fn rubric() -> Rubric {
    Rubric {
        items: vec![
            item("R001", Evaluation::Binary, None),
            item("R002", Evaluation::Scaled, Some("there is no network")),
        ],
        pass_threshold: Score::new(0.7).unwrap(),
        grade_scale: GradeScale::default(),
    }
}

fn check(name: &str, exit_code: i32, before: Option<Before>) -> CheckResult {
    CheckResult {
        name: name.to_owned(),
        passed: exit_code == 0,
        exit_code: Some(exit_code),
        timed_out: false,
        duration_seconds: 0.1,
        not_applicable: None,
        no_longer_applies: None,
        exceeded: None,
        before,
        output_truncated: false,
    }
}

fn rendered(template: &str, patch: &[u8], seen: &Seen) -> Result<String, String> {
    let agent = AgentResult {
        attempt: AttemptNumber(1),
        end: AgentEnd::TimedOut,
        exit_code: None,
        usage: Usage::default(),
        prices: None,
        reported: None,
        exceeded: None,
        program: crate::model::agent::ProgramFacts::default(),
        replayed: None,
        started_at: "2026-11-23T10:00:00Z".parse().unwrap(),
        duration_seconds: 1.0,
        isolation: None,
        containment: "walk".to_owned(),
        held_seconds: 0.0,
        leftover_processes: 0,
        output_truncated: false,
        work: None,
        flags: BTreeSet::new(),
    };
    let facts = Facts {
        experiment_id: &"test-001".parse().unwrap(),
        run: "T3/07/9".parse().unwrap(),
        judge: "judge-7",
        model: Some("some-model"),
        prompt: "Fix the crate.",
        criteria: "Its tests pass.",
        rubric: &rubric(),
        agent: &agent,
        checks: &[check("build", 0, Some(Before::Passed)), check("tests", 101, None)],
        patch,
        workspace: "/experiment/T3/07/run_09/workspace".as_ref(),
        seen,
    };
    render(template, &facts)
}

fn seen(output: &str) -> Seen {
    Seen {
        tree: vec!["Cargo.toml".to_owned(), "src/lib.rs".to_owned()],
        outputs: [("tests".to_owned(), output.to_owned())].into(),
    }
}

#[test]
fn a_model_is_shown_task_rubric_changes_files_and_checks_and_not_whose_work_it_is() {
    let prompt =
        rendered(USUAL, b"--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1 +1 @@\n-0\n+\xff1\n", &seen("1 failed\n")).unwrap();
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/judge"),
        prepend_module_to_snapshot => false,
    }, {
        insta::assert_snapshot!("prompt", prompt);
    });
    for hidden in ["test-001", "T3", "07", "some-model", "judge-7", "run_09", "0.7"] {
        assert!(!prompt.contains(hidden), "{hidden}");
    }
}

#[test]
fn what_is_long_is_cut_in_its_middle_and_that_is_told() {
    let patch = [b"begin".repeat(40_000), "é".repeat(100_000).into_bytes(), b"finish".repeat(40_000)].concat();
    let prompt = rendered(USUAL, &patch, &Seen::default()).unwrap();
    assert!(prompt.len() < 300 << 10 && prompt.contains(" bytes are left out here …]"), "{}", prompt.len());
    assert!(prompt.contains("beginbegin") && prompt.contains("finishfinish\n"));
}

#[test]
fn a_template_that_names_what_there_is_not_is_a_mistake_with_its_line() {
    assert_eq!(mistake_in(USUAL), None);
    let told: Vec<String> =
        ["\n{{ unknown }}", "{{ rubric.x.y }}", "{% for item in rubric %}", "{{ task", "{% include 'a' %}"]
            .into_iter()
            .map(|template| format!("{template:?}: {}\n", mistake_in(template).unwrap()))
            .collect();
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/judge"),
        prepend_module_to_snapshot => false,
    }, {
        insta::assert_snapshot!("template_mistakes", told.concat());
    });
}

/// The parts of a prompt between the lines that begin and end a fence, and all that is outside of them.
fn parts(prompt: &str) -> (Vec<String>, String) {
    let nonce = prompt.split("<<<").nth(1).unwrap().split(' ').next().unwrap();
    let (mut inside, mut outside, mut open) = (Vec::new(), String::new(), None::<String>);
    for line in prompt.lines().skip_while(|line| !line.starts_with("# The task")) {
        if line.starts_with(&format!("<<<{nonce} ")) {
            assert!(open.replace(String::new()).is_none(), "a fence begins in a fence");
        } else if line == format!("{nonce}>>>") {
            inside.extend(open.take());
        } else {
            let part = open.as_mut().unwrap_or(&mut outside);
            part.push_str(line);
            part.push('\n');
        }
    }
    assert!(open.is_none(), "a fence does not end");
    (inside, outside)
}

proptest! {
    #[test]
    fn nothing_that_is_graded_leaves_its_fence(
        text in "(\\{\\{ task \\}\\}|<<<|>>>|[0-9a-f]{16}|\n|# Your answer|\\{% endfor %\\}|`|a| ){0,40}",
    ) {
        let plain = rendered(USUAL, b"+x\n", &seen("x\n")).unwrap();
        let hostile = Seen { tree: vec![text.replace('\n', "")], ..seen(&text) };
        let prompt = rendered(USUAL, text.as_bytes(), &hostile).unwrap();
        let (inside, outside) = parts(&prompt);
        prop_assert_eq!(&outside, &parts(&plain).1, "what is outside does not depend on it");
        prop_assert_eq!(inside.len(), 4);
        prop_assert_eq!(prompt, rendered(USUAL, text.as_bytes(), &hostile).unwrap());
    }
}
