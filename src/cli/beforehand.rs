//! What is told of options before an agent starts: limits that hold only at the end, models that no judge takes or no agent
//! reaches, judges of their own work, and solutions that agents can read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::Timestamp;

use crate::cli::needs::{planned_agents, way_of};
use crate::engine::session::create::Options;
use crate::gateway::Way;
use crate::model::agent::Agent;
use crate::model::ids::ModelName;
use crate::model::judge::Judge;
use crate::model::sandbox::place_of;
use crate::model::task::Fixture;
use crate::model::usage::Tokens;
use crate::rules::prices::estimate;
use crate::text::words::list;

/// The folder of a fixture that no agent is to see.
const EXPECTED: &str = "expected";

/// The kinds of planned agents that are not held to a limit of a run while they work, as a sentence; `None` where none is limited.
#[must_use]
pub fn held_at_the_end(options: &Options) -> Option<String> {
    if options.allowance.is_unlimited() {
        return None;
    }
    let agents = planned_agents(options).into_iter();
    let silent = agents.filter(|agent| agent.reader().is_some_and(|reader| !reader.reports_as_it_works()));
    // The gateway knows tokens and cost answer by answer, and no turns.
    let inherited = std::env::vars_os().collect();
    let is_metered = |agent: &&Agent| matches!(way_of(agent, options, &inherited), Some(Way::Through(_)));
    let (metered, silent): (Vec<&Agent>, Vec<&Agent>) = silent.partition(is_metered);
    let kinds = |agents: Vec<&Agent>| {
        let kinds: BTreeSet<String> = agents.iter().map(|agent| format!("`{}`", agent.kind().name)).collect();
        list(&kinds.into_iter().collect::<Vec<_>>())
    };
    let of_all = (!silent.is_empty()).then(|| {
        format!(
            "what an agent of the kind {} uses is known only when it has ended: no limit of tokens, turns or cost ends it \
             before, unless its own program has one",
            kinds(silent)
        )
    });
    let of_turns = (!metered.is_empty() && options.allowance.turns.is_some()).then(|| {
        format!(
            "how many turns an agent of the kind {} takes is known only when it has ended: no limit of turns ends it \
             before, unless its own program has one",
            kinds(metered)
        )
    });
    let told: Vec<String> = of_all.into_iter().chain(of_turns).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// The judges to which the models that judges are told make no difference, as a sentence; `None` where no such model is named, or each takes it.
#[must_use]
pub fn asked_as_before(options: &Options) -> Option<String> {
    let named: Vec<ModelName> = options.judge_models.iter().map(|model| ModelName::new(model)).collect();
    let takes = |judge: &&Judge| {
        let model = judge.model(Some("one"));
        model != judge.model(Some("another")) || model.is_some_and(|model| named.contains(&model))
    };
    let (taking, others): (Vec<&Judge>, Vec<&Judge>) = options.fixture.judges.iter().partition(takes);
    // A judge that asks no model is told only where nobody takes any.
    let others = others.into_iter().filter(|judge| taking.is_empty() || judge.model(None).is_some());
    let others: Vec<String> = others.map(|judge| format!("`{}`", judge.name())).collect();
    let noun = if others.len() == 1 { "judge" } else { "judges" };
    (!named.is_empty() && !others.is_empty()).then(|| {
        format!(
            "`--judge-model` makes no difference to the {noun} {}: only a judge that leaves its model open takes it",
            list(&others)
        )
    })
}

/// A word that what agents can read by `sandbox.readable` holds the fixture itself, with what is expected of them.
#[must_use]
pub fn shown_fixture(options: &Options) -> Option<String> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let expected = options.parts.dir.join(EXPECTED).canonicalize().ok()?;
    let real = |path: &String| place_of(path, home.as_deref()).canonicalize().ok();
    let leads_there = |real: &PathBuf| expected.starts_with(real) || real.starts_with(&expected);
    let mut readable = options.sandbox.iter().flat_map(|sandbox| &sandbox.readable);
    let path = readable.find(|path| real(path).is_some_and(|real| leads_there(&real)))?;
    Some(format!(
        "`sandbox.readable` lists `{path}`, and the fixture's `{EXPECTED}/` is there: agents can read what is expected"
    ))
}

/// A word about judges that are asked for the same model as agents: models tend to like their own work.
#[must_use]
pub fn judging_themselves(
    fixture: &Fixture,
    judges: &[Judge],
    models: &[String],
    judge_models: &[String],
) -> Option<String> {
    let (agents, judge_models) = (models.first()?.as_str(), judge_models.first());
    let model = ModelName::new(agents);
    let mut subtests = fixture.tiers.values().flat_map(BTreeMap::values);
    subtests.find(|subtest| subtest.agent.model(Some(agents)).as_ref() == Some(&model))?;
    let is_same = |judge: &&Judge| {
        let asked = judge.model(judge_models.map(String::as_str));
        asked.is_some_and(|asked| asked.is_also(agents) || model.is_also(asked.as_str()))
    };
    let same = judges.iter().filter(is_same);
    let same: Vec<String> = same.map(|judge| format!("`{}`", judge.name())).collect();
    let judge = match same.len() {
        0 => return None,
        1 => "judge",
        _ => "judges",
    };
    Some(format!(
        "the {judge} {} and the agents use the same model, `{agents}`, and models tend to like their own work",
        list(&same)
    ))
}

/// The models of planned agents and judges whose answers count against no ceiling, because nobody here knows their price, as a
/// sentence; `None` where there are none, or no ceiling.
#[must_use]
pub fn unpriced(options: &Options, now: Timestamp) -> Option<String> {
    let holds_all = options.max_cost_usd.is_some();
    if (options.allowance.cost.is_none() && !holds_all) || options.replay.is_some() {
        return None;
    }
    let one = Tokens { input: Some(1), output: Some(1), ..Tokens::default() };
    let is_unpriced = |model: &str| estimate(&one, &[], model, &options.prices, now).is_none();
    let configured = options.models.first().map(String::as_str);
    let agents = planned_agents(options).into_iter().map(|agent| (agent, agent.assigned_model(configured)));
    // What a program of the fixture's own asks is its own affair, and it says what that cost.
    let judges: Vec<&Judge> =
        options.fixture.judges.iter().filter(|judge| holds_all && judge.program().is_none()).collect();
    let through = judges.iter().filter_map(|judge| judge.through()).map(|through| (through.agent, through.model));
    let known = agents.chain(through).filter_map(|(agent, model)| Some((agent.installation()?, model?)));
    let named = known.filter(|(program, model)| !program.aliases.contains(model)).map(|(_, model)| model.to_owned());
    let asking = judges.iter().filter(|judge| judge.through().is_none()).filter_map(|judge| judge.model(None));
    let models = named.chain(asking.map(|model| model.to_string())).filter(|model| is_unpriced(model));
    let models: BTreeSet<String> = models.collect();
    let models: Vec<String> = models.iter().map(|model| format!("`{model}`")).collect();
    let (verb, they) = if models.len() == 1 { ("costs", "it answers") } else { ("cost", "they answer") };
    (!models.is_empty()).then(|| {
        format!(
            "nobody here knows what {} {verb}: what {they} counts against no ceiling of cost, unless an agent's own program \
             says an amount; name a price in `prices`",
            list(&models)
        )
    })
}
