//! What flags say of the fields of a config: as they are asked for, and how they differ from those that an experiment has saved.

use serde_json::{Value, json};

use crate::cli::args::allowance::{AllowanceFlags, ResourceFlags};
use crate::cli::args::operation::OperationFlags;
use crate::cli::args::{ConfigFlags, Run};
use crate::cli::locate::Located;
use crate::cli::options::{canonical_thinking, usual_jobs};
use crate::engine::session::create::Options;
use crate::model::event::Event;
use crate::model::experiment::{Config, FieldClass};
use crate::model::job::BackendChoice;
use crate::model::sandbox::{Sandbox, SandboxChoice};

/// How the flags of a resume differ from the saved config.
#[derive(Debug, Default)]
pub struct Differences {
    /// Each flag that differs.
    pub events: Vec<Event>,
    /// Whether an operational field changed, so that the config has to be saved.
    pub operational: bool,
}

/// Fields of the config that flags and settings of a `run` specify, with their values.
#[must_use]
pub fn fields(args: &Run, located: &Located, options: &Options) -> Vec<(&'static str, Option<Value>)> {
    let (flags, settings) = (&args.config, &located.settings);
    let given = |is_said: bool, value: Value| is_said.then_some(value);
    let fields = [
        ("models", given(flags.model.is_some() || settings.model.is_some(), json!(options.models))),
        (
            "judge_models",
            given(!flags.judge_model.is_empty() || settings.judge_model.is_some(), json!(options.judge_models)),
        ),
        ("thinking_mode", given(flags.thinking.is_some() || settings.thinking.is_some(), json!(options.thinking_mode))),
        (
            "timeout_seconds",
            given(flags.timeout.is_some() || settings.timeout.is_some(), json!(options.timeout_seconds)),
        ),
        ("inherit", given(flags.inherit.is_some() || settings.inherit.is_some(), json!(options.inherit))),
        ("sandbox", given(flags.sandbox.is_some() || flags.network.is_some(), json!(options.sandbox))),
        // Who names no recording wants the models to be asked.
        ("replay", Some(json!(options.replay))),
    ];
    fields.into_iter().chain(of_allowance(&flags.allowance)).collect()
}

/// Fields of the config that flags of what a run may use specify.
fn of_allowance(flags: &AllowanceFlags) -> [(&'static str, Option<Value>); 6] {
    let AllowanceFlags { max_run_tokens, max_run_turns, max_run_cost_usd, resources } = flags;
    let ResourceFlags { max_memory, max_processes, max_processors } = resources;
    [
        ("max_run_tokens", max_run_tokens.map(Value::from)),
        ("max_run_turns", max_run_turns.map(Value::from)),
        ("max_run_cost_usd", max_run_cost_usd.map(|most| json!(most))),
        ("max_memory", max_memory.map(|most| json!(most))),
        ("max_processes", max_processes.map(Value::from)),
        ("max_processors", max_processors.map(|most| json!(most))),
    ]
}

/// Compares flags with the saved config: operational ones take effect, all others are reported.
pub fn differ(config: &mut Config, flags: &ConfigFlags) -> Differences {
    let wanted = [
        ("models", flags.model.as_ref().map(|model| json!([model]))),
        ("judge_models", Some(&flags.judge_model).filter(|models| !models.is_empty()).map(|models| json!(models))),
        ("thinking_mode", flags.thinking.as_deref().map(|mode| json!(canonical_thinking(mode)))),
        ("timeout_seconds", flags.timeout.map(Value::from)),
        ("inherit", flags.inherit.map(|inherit| json!(inherit))),
        ("sandbox", named_sandbox(config.sandbox.as_ref(), flags)),
        ("replay", flags.replay.as_ref().map(|named| json!(named))),
    ];
    let wanted: Vec<_> = wanted.into_iter().chain(of_allowance(&flags.allowance)).collect();
    differ_in(config, &wanted, &flags.operation)
}

/// The saved sandbox with what flags name in its place; `None` where they name nothing of it.
fn named_sandbox(saved: Option<&Sandbox>, flags: &ConfigFlags) -> Option<Value> {
    if flags.sandbox.is_none() && flags.network.is_none() {
        return None;
    }
    let saved = saved.cloned().unwrap_or_default();
    // What `auto` came to was settled when the experiment began; it never comes to the sandbox that was not asked for.
    let is_settled = saved.choice != SandboxChoice::None;
    let asked = flags.sandbox.filter(|choice| !(is_settled && *choice == SandboxChoice::Auto));
    let (choice, network) = (asked.unwrap_or(saved.choice), flags.network.unwrap_or(saved.network));
    Some(json!(Sandbox { choice, network, ..saved }.asked()))
}

/// Compares requested fields with the saved config: operational flags take effect, all others are reported.
pub fn differ_in(config: &mut Config, wanted: &[(&str, Option<Value>)], operation: &OperationFlags) -> Differences {
    let mut differences = Differences::default();
    let saved = config.values();
    for (name, value) in wanted {
        if let (Some(given), Some((field, was))) = (value, saved.iter().find(|(field, _)| field.name == *name))
            && given != was
        {
            differences.report(name, was, given.clone(), field.class);
        }
    }
    operate(config, operation, &mut differences);
    differences
}

impl Differences {
    fn report(&mut self, field: &str, saved: &Value, given: Value, class: FieldClass) {
        self.events.push(Event::FlagDiffers { field: field.to_owned(), saved: saved.clone(), given, class });
    }
}

/// How many runs are in flight at once where nobody says it: as many as were saved. But a number that was only the usual one of where
/// workers ran is not meant for elsewhere: as many agents as a cluster bears are too many for one machine.
fn jobs_of(config: &Config, backend: Option<BackendChoice>) -> u32 {
    let is_same_place = backend.unwrap_or_default() == config.backend.unwrap_or_default();
    let is_usual = config.jobs == usual_jobs(config.backend);
    if is_usual && !is_same_place { usual_jobs(backend) } else { config.jobs }
}

/// Applies operational flags.
pub fn operate(config: &mut Config, flags: &OperationFlags, differences: &mut Differences) {
    let before = config.clone();
    let backend = flags.cluster.backend.or(config.backend);
    config.jobs = flags.jobs.unwrap_or_else(|| jobs_of(config, backend));
    config.attempts = flags.attempts.unwrap_or(config.attempts);
    config.max_cost_usd = flags.max_cost_usd.or(config.max_cost_usd);
    config.max_time_seconds = flags.max_time.or(config.max_time_seconds);
    config.rate_limit_seconds = flags.max_pause.unwrap_or(config.rate_limit_seconds);
    config.keep_workspaces = flags.keep_workspaces.unwrap_or(config.keep_workspaces);
    config.containment = flags.containment.unwrap_or(config.containment);
    config.gateway = flags.gateway.or(config.gateway);
    config.hold_seconds = flags.hold.or(config.hold_seconds);
    config.record = flags.record.or(config.record);
    let job = flags.cluster.resources();
    config.backend = backend;
    config.job_cpus = job.cpus.or(config.job_cpus);
    config.job_memory = job.memory.or(config.job_memory);
    config.job_seconds = job.time_seconds.or(config.job_seconds);
    config.job_partition = job.partition.or_else(|| config.job_partition.take());
    if !job.options.is_empty() {
        config.job_options = job.options;
    }
    config.work_dir = flags.work_dir.clone().or_else(|| config.work_dir.take());
    for ((field, was), (_, is)) in before.values().into_iter().zip(config.values()) {
        if was != is {
            differences.operational = true;
            differences.report(field.name, &was, is, field.class);
        }
    }
}
