//! Every page that is generated from the program itself: below `docs/`, and for a released archive.

use std::fmt::Write as _;
use std::io;

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use crate::cli::args::Cli;
use crate::cli::commands::pages::{completions_for, man_page};
use crate::cli::exit::Exit;
use crate::config::languages::LANGUAGES;
use crate::model::checkpoint::Checkpoint;
use crate::model::experiment::{Config, FieldClass};
use crate::model::finding::{FindingKind, Level};
use crate::model::inherited::Inherited;
use crate::model::program::{HasKinds, Kind};
use crate::model::result::{AgentResult, AttemptRecord, ChecksResult, Judgment, RunResult, Verdict};
use crate::report::findings;
use crate::ui::json;

/// Every generated page: its path below `docs/` and its content.
#[must_use]
pub fn generated_files() -> Vec<(String, Vec<u8>)> {
    let mut files = vec![
        ("cli.md".to_owned(), cli_page().into_bytes()),
        ("exit-codes.md".to_owned(), exit_page().into_bytes()),
        ("findings.md".to_owned(), findings_page().into_bytes()),
        ("config.md".to_owned(), config_page().into_bytes()),
        ("languages.md".to_owned(), languages_page().into_bytes()),
        ("agents-and-judges.md".to_owned(), kinds_page().into_bytes()),
    ];
    for (name, schema) in schemas() {
        files.push((format!("schema/{name}.json"), format!("{schema:#}\n").into_bytes()));
    }
    files
}

/// The files beside a released program: manual pages and completions, by their paths in its archive.
///
/// # Errors
/// Never for pages in memory; the renderer's signature requires it.
pub fn released_files() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for (name, command) in all_commands("cargo-scylla", &Cli::command()) {
        let page_command = command.clone().name(name.clone()).bin_name(name.clone());
        files.push((format!("man/{name}.1"), man_page(&page_command)?));
    }
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        files.push((format!("completions/cargo-scylla.{shell}"), completions_for(shell)));
    }
    Ok(files)
}

/// The command and all its subcommands, with the names of their manual pages.
fn all_commands(name: &str, command: &Command) -> Vec<(String, Command)> {
    let mut all = vec![(name.to_owned(), command.clone())];
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        all.extend(all_commands(&format!("{name}-{}", sub.get_name()), sub));
    }
    all
}

fn schemas() -> Vec<(&'static str, serde_json::Value)> {
    let of = |schema: schemars::Schema| schema.to_value();
    vec![
        ("event", json::event_schema()),
        ("verification", findings::verification_schema()),
        ("status", crate::ui::status::status_schema()),
        ("run_details", crate::report::show::run_schema()),
        ("setup_details", crate::report::show::setup_schema()),
        ("tier_details", crate::report::show::tier_schema()),
        ("texts", crate::report::show::texts_schema()),
        ("steps", crate::report::show::steps_schema()),
        ("exchanges", crate::report::show::exchanges_schema()),
        ("run", crate::report::rows::row_schema()),
        ("experiment", crate::ui::list::list_schema()),
        ("agent", crate::ui::agents::agent_schema()),
        ("diagnosis", crate::ui::doctor::diagnosis_schema()),
        ("report", crate::report::results::report_schema()),
        ("tables", crate::report::tables::tables_schema()),
        ("stamp", of(schemars::schema_for!(crate::report::results::stamp::Stamp))),
        ("sealed", crate::report::done::sealed_schema()),
        ("published", crate::report::done::published_schema()),
        ("written_report", crate::report::done::written_schema()),
        ("comparison", crate::report::compare::comparison_schema()),
        ("judge_check", crate::ui::drift::check_schema()),
        ("plan", crate::ui::plan::plan_schema()),
        ("planned_run", of(schemars::schema_for!(crate::engine::pending::PlannedRun))),
        ("repair", crate::ui::repair::repair_schema()),
        ("checkpoint", of(schemars::schema_for!(Checkpoint))),
        ("config", of(schemars::schema_for!(Config))),
        ("inherited", of(schemars::schema_for!(Inherited))),
        ("grading", of(schemars::schema_for!(crate::model::grading::Grading))),
        ("run_result", of(schemars::schema_for!(RunResult))),
        ("agent_result", of(schemars::schema_for!(AgentResult))),
        ("changes", of(schemars::schema_for!(crate::model::changes::Changes))),
        ("checks_result", of(schemars::schema_for!(ChecksResult))),
        ("judgment", of(schemars::schema_for!(Judgment))),
        ("verdict", of(schemars::schema_for!(Verdict))),
        ("attempt", of(schemars::schema_for!(AttemptRecord))),
        ("judge_request", crate::judge::request::schema()),
        ("judge_answer", crate::judge::answer::schema()),
        ("agent_record", crate::agent::record::schema()),
    ]
}

fn cli_page() -> String {
    let mut page = "# Commands\n\nMade by `cargo xtask codegen` from the program's own help.\n".to_owned();
    let mut command = Cli::command();
    // Only a command that was built has the global options.
    command.build();
    for (name, command) in all_commands("cargo scylla", &command) {
        let name = name.replace('-', " ");
        let help = command.bin_name(name.clone()).term_width(100).render_long_help();
        let lines: Vec<String> = help.to_string().lines().map(|line| line.trim_end().to_owned()).collect();
        // Writing to a String cannot fail.
        let _ = write!(page, "\n## `{name}`\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
    }
    page
}

fn exit_page() -> String {
    let mut page = "# Exit codes\n\nMade by `cargo xtask codegen`. Any other code is a failure.\n\n| code | meaning |\n|---|---|\n".to_owned();
    for exit in Exit::ALL {
        let _ = writeln!(page, "| {} | {} |", exit.code(), exit.meaning());
    }
    page
}

fn findings_page() -> String {
    let mut page =
        "# Findings of `verify`\n\nMade by `cargo xtask codegen`. Names are stable; messages may change.\n\n\
                    | name | level | exit code | meaning |\n|---|---|---|---|\n"
            .to_owned();
    for kind in FindingKind::ALL {
        let (level, exit) = match kind.level() {
            Level::Note if *kind == FindingKind::LiveExperiment => ("note", Exit::Locked),
            Level::Note => ("note", Exit::Success),
            Level::Warning => ("warning", Exit::Success),
            Level::Incomplete => ("incomplete", Exit::Incomplete),
            Level::Outdated => ("outdated", Exit::Policy),
            Level::Mendable => ("mendable", Exit::Mendable),
            Level::Damaged => ("damaged", Exit::Damaged),
        };
        let _ = writeln!(page, "| `{}` | {level} | {} | {} |", kind.name(), exit.code(), kind.description());
    }
    page
}

fn languages_page() -> String {
    let mut page = "# Checks of languages\n\nMade by `cargo xtask codegen`. A fixture that says no `checks` gets those of its `language`, \
                    carried out in this order in the graded tree. A check that needs a program which is not installed, or a path which is \
                    not in the tree, does not apply: it has neither passed nor failed.\n"
        .to_owned();
    for language in LANGUAGES {
        let (name, others) = language.names.split_first().unwrap_or((&"", &[]));
        let others: Vec<String> = others.iter().map(|other| format!(" or `{other}`")).collect();
        let _ = write!(page, "\n## {name}\n\n`language: {name}`{}\n\n", others.concat());
        let _ = writeln!(
            page,
            "| check | line for `sh` | needs | exit codes that say that it does not apply |\n|---|---|---|---|"
        );
        for check in language.checks {
            let line = check
                .line
                .lines()
                .map(|line| format!("`{}`", line.replace('|', "\\|")))
                .collect::<Vec<_>>()
                .join("<br>");
            let needs: Vec<String> = check.needs.iter().map(|need| format!("`{need}`")).collect();
            let codes: Vec<String> = check.not_applicable.iter().map(ToString::to_string).collect();
            let _ = writeln!(page, "| `{}` | {line} | {} | {} |", check.name, needs.join(", "), codes.join(", "));
        }
    }
    page
}

fn kinds_page() -> String {
    let mut page = "# Kinds of agents and judges\n\nMade by `cargo xtask codegen`. `kind` says which one an agent of a subtest, or a \
                    judge, is. What a kind cannot be given makes no difference to it: `run --dry-run` and `fixture check` say \
                    where a plan or a fixture gives it all the same.\n"
        .to_owned();
    kinds("Agents", crate::agent::KINDS, &mut page);
    kinds("Judges", crate::judge::KINDS, &mut page);
    page
}

fn kinds<T: HasKinds>(title: &str, kinds: &[&Kind<T>], page: &mut String) {
    let _ =
        writeln!(page, "\n## {title}\n\n| `kind` | what it does | further keys | can be given |\n|---|---|---|---|");
    for kind in kinds {
        let keys: Vec<String> = kind.keys.iter().map(|(key, about)| format!("`{key}`: {about}")).collect();
        let takes: Vec<&str> = kind.takes.iter().map(|capability| capability.name()).collect();
        let _ = writeln!(page, "| `{}` | {} | {} | {} |", kind.name, kind.about, keys.join("<br>"), takes.join(", "));
    }
}

fn config_page() -> String {
    let mut page = "# Fields of `config/experiment.json`\n\nMade by `cargo xtask codegen`. A *result* field can change a result: \
                    the saved value wins on resume and `config_hash` covers it. A *plan* field says which runs should exist: only \
                    `extend` changes it. An *operational* flag takes effect on resume. A *label* is a name for people.\n\n\
                    | field | class |\n|---|---|\n"
        .to_owned();
    for field in Config::FIELDS {
        let class = match field.class {
            FieldClass::Result => "result",
            FieldClass::Plan => "plan",
            FieldClass::Operational => "operational",
            FieldClass::Label => "label",
        };
        let _ = writeln!(page, "| `{}` | {class} |", field.name);
    }
    page
}
