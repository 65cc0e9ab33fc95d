//! What agents and judges need and is not here, found before anything is paid: programs, their versions, keys, models.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::sync::Arc;

use crate::cli::addresses;
use crate::cli::error::{CliError, On as _};
pub use crate::cli::unmet::{Unmet, refuse};
use crate::engine::cluster;
use crate::engine::image::Image;
use crate::engine::reach::{Reach, contained};
use crate::engine::session::create::Options;
use crate::engine::version::Question;
use crate::gateway::{CONFIG, Way, is_given, is_read};
use crate::model::agent::Agent;
use crate::model::exchange::GatewayUse;
use crate::model::installation::Answer;
use crate::model::job::{BackendChoice, JobResources};
use crate::model::judge::Judge;
use crate::model::sandbox::{Network, Sandbox};
use crate::model::tape::RecordChoice;
use crate::text::words::list;

/// What a recording needs and does not have; and what it is in conflict with.
#[must_use]
pub fn of_recording(gateway: Option<GatewayUse>, record: Option<RecordChoice>, replay: Option<&str>) -> Option<Unmet> {
    let is_off = gateway == Some(GatewayUse::Off);
    let records = record == Some(RecordChoice::Exchanges);
    let (why, cure) = match replay {
        Some(_) if records => (
            "`--record exchanges` records what models answer, and `--replay` asks none",
            "leave `--record exchanges` out: what is replayed is kept with the experiment",
        ),
        Some(_) if is_off => {
            ("`--replay` answers agents by the gateway, and `--gateway off` leaves none", "leave `--gateway off` out")
        }
        None if records && is_off => (
            "`--record exchanges` records what passes through the gateway, and `--gateway off` leaves none",
            "leave `--gateway off` out",
        ),
        Some(_) | None => return None,
    };
    Some(Unmet { why: why.to_owned(), cure: cure.to_owned() })
}

/// What judges need and is not here: a model, a program through which one asks, a key. Those who are not asked, because their answers are
/// replayed, need no more than a name of their model.
#[must_use]
pub fn of_judges(judges: &[Judge], is_replayed: bool) -> Vec<Unmet> {
    let named = |judge: &Judge| format!("`{}`", judge.name());
    let open: Vec<String> = judges.iter().filter(|judge| judge.needs_model()).map(named).collect();
    let (noun, verb) = if open.len() == 1 { ("judge", "names") } else { ("judges", "name") };
    let open = (!open.is_empty()).then(|| Unmet {
        why: format!("the {noun} {} {verb} no model", list(&open)),
        cure: "name it with `--judge-model MODEL`, or by the judge's key `model`".to_owned(),
    });
    if is_replayed {
        return open.into_iter().collect();
    }
    let inherited = std::env::vars_os().collect();
    let wrong = addresses::of_judges(judges, &inherited);
    let absent = judges.iter().filter_map(|judge| {
        let question = Question::of(judge.through()?.agent, &inherited, &Reach::Everything)?;
        let installation = question.err()?;
        let version = judge.through()?.agent.version();
        Some(Unmet {
            why: format!("the judge {} asks through `{}`, which is not installed", named(judge), installation.program),
            cure: format!("type `{}`", installation.package.install(version)),
        })
    });
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let keyless = judges.iter().filter_map(|judge| {
        let name = judge.missing_variable(&environment)?;
        Some(Unmet {
            why: format!("the judge {} needs the variable `{name}`, which is not set", named(judge)),
            cure: "set it to the key of the provider".to_owned(),
        })
    });
    open.into_iter().chain(absent).chain(keyless).chain(wrong).collect()
}

/// What keeps runs from being jobs where that is asked for, and what is asked for of jobs where there are none.
#[must_use]
pub fn of_backend(options: &Options) -> Vec<Unmet> {
    if !options.backend.is_some_and(BackendChoice::is_cluster) {
        return if options.job == JobResources::default() { Vec::new() } else { vec![without_jobs()] };
    }
    let given = std::env::vars_os().collect();
    cluster::unmet(options, &given).into_iter().map(|(why, cure)| Unmet { why, cure: cure.to_owned() }).collect()
}

fn without_jobs() -> Unmet {
    Unmet {
        why: "`--cpus`, `--mem`, `--time`, `--partition` and `--sbatch` say what the jobs of a cluster may use"
            .to_owned(),
        cure: "add `--backend slurm`, or leave them out".to_owned(),
    }
}

/// The programs of these agents that are not here. Those of whom a version is demanded are asked for it ([`of_versions`]), and those in
/// an image are looked for there.
#[must_use]
pub fn of_programs<'a>(agents: impl IntoIterator<Item = &'a Agent>, sandbox: Option<&Sandbox>) -> Vec<Unmet> {
    if sandbox.is_some_and(|sandbox| sandbox.source().is_some()) {
        return Vec::new();
    }
    let inherited: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    let mut unmet: Vec<Unmet> = Vec::new();
    for agent in agents.into_iter().filter(|agent| agent.version().is_none()) {
        let Some(Err(known)) = Question::of(agent, &inherited, &Reach::Everything) else { continue };
        let one = Unmet {
            why: format!("the agent `{}` starts `{}`, which is not installed", agent.kind().name, known.program),
            cure: format!("type `{}`", known.package.install(None)),
        };
        if !unmet.contains(&one) {
            unmet.push(one);
        }
    }
    unmet
}

/// The whole configurations in variables that these agents, or judges, are given and could not read: nobody would lead what they ask.
#[must_use]
pub fn of_configurations<'a>(agents: impl IntoIterator<Item = &'a Agent>) -> Option<Unmet> {
    let inherited = std::env::var(CONFIG).ok();
    let mut given =
        agents.into_iter().filter(|agent| agent.installation().is_some_and(|known| known.addresses.contains(&CONFIG)));
    let unread = given.find(|agent| {
        let own = agent.program().and_then(|program| program.environment.get(CONFIG));
        own.or(inherited.as_ref()).is_some_and(|text| !is_read(text))
    })?;
    Some(Unmet {
        why: format!(
            "`{CONFIG}`, which `{}` is given, is no object of JSON, with or without comments",
            unread.kind().name
        ),
        cure: "mend it, or unset it".to_owned(),
    })
}

/// What sends planned agents to an address below which nothing can be asked.
#[must_use]
pub fn of_addresses(options: &Options) -> Vec<Unmet> {
    if options.replay.is_some() {
        return Vec::new();
    }
    let network = options.sandbox.as_ref().map_or(Network::Open, |sandbox| sandbox.network);
    let configured = options.models.first().map(String::as_str);
    addresses::of_agents(planned_agents(options), &options.fixture, configured, (options.gateway_use(), network))
}

/// The programs of planned agents and of judges that are given no key, as sentences. They may have a login, or a key in a file of their own.
#[must_use]
pub fn keyless(options: &Options) -> Vec<String> {
    if options.replay.is_some() {
        return Vec::new();
    }
    let inherited: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    let given_to = |agent: &Agent| options.fixture.variables_given_to(agent);
    let agents = planned_agents(options).into_iter();
    let agents = agents.map(|agent| ("agent", agent.kind().name, agent, given_to(agent)));
    let through = options.fixture.judges.iter().filter_map(|judge| Some((judge.name(), judge.through()?.agent)));
    let judges = through.map(|(name, agent)| {
        let known = agent.installation().map(|known| [known.keys, known.addresses].concat()).unwrap_or_default();
        ("judge", name, agent, known.into_iter().map(str::to_owned).collect())
    });
    let mut told: Vec<String> = Vec::new();
    for (noun, name, agent, given) in agents.chain(judges) {
        let sentence = keyless_agent(agent, &given, &inherited)
            .map(|cure| format!("no key of the {noun} `{name}` is set: {cure}"));
        told.extend(sentence.filter(|one| !told.contains(one)));
    }
    told
}

/// What is to be set for an agent that is given no key in these variables; `None` for one that has one, or needs none.
fn keyless_agent(agent: &Agent, given: &[String], inherited: &BTreeMap<OsString, OsString>) -> Option<String> {
    let known = agent.installation().filter(|known| !known.keys.is_empty())?;
    let has = |name: &str| is_given(agent, given, inherited, name);
    // A whole configuration may hold a key, or name a server that asks for none.
    if known.keys.iter().any(|key| has(key)) || has(CONFIG) {
        return None;
    }
    let keys: Vec<String> = known.keys.iter().map(|key| format!("`{key}`")).collect();
    let address = known.addresses.iter().find(|address| has(address));
    let word = address.map_or_else(String::new, |address| {
        format!(" (any word, where the server at `{address}` asks for none: the program does)")
    });
    let login = known.login.map_or_else(String::new, |login| format!(", if `{login}` was not typed"));
    Some(format!("set {}{word}{login}", keys.join(" or ")))
}

/// What the network of a sandbox needs and does not have: where it leads to models alone, a gateway.
#[must_use]
pub fn of_network(sandbox: Option<&Sandbox>, gateway: GatewayUse) -> Option<Unmet> {
    let leads_to_models = sandbox.is_some_and(|sandbox| sandbox.network == Network::Model);
    (leads_to_models && gateway == GatewayUse::Off).then(|| Unmet {
        why: "the network leads to models alone (`network: model`), by the gateway, and `--gateway off` leaves none"
            .to_owned(),
        cure: "name `--gateway meter`, or another `--network`".to_owned(),
    })
}

/// What the network of planned agents needs and does not have; and those of them whose models nothing would lead to, where it leads
/// to models alone.
#[must_use]
pub fn of_reach(options: &Options) -> Vec<Unmet> {
    let sandbox = options.sandbox.as_ref();
    if let Some(unmet) = of_network(sandbox, options.gateway_use()) {
        return vec![unmet];
    }
    if options.replay.is_some() && !unled(options).is_empty() {
        return vec![Unmet {
            why: "what is replayed reaches agents by the gateway, and with `--network none` they reach nothing"
                .to_owned(),
            cure: "name `--network model`, where they reach the gateway alone".to_owned(),
        }];
    }
    match sandbox.map_or(Network::Open, |sandbox| sandbox.network) {
        Network::Open => return Vec::new(),
        Network::None => return cut_off(options),
        Network::Model => {}
    }
    let mut unmet: Vec<Unmet> = Vec::new();
    for agent in unled(options).into_iter().filter(|agent| asks_surely(agent, options)) {
        let (kind, known) = (agent.kind().name, agent.installation());
        let keys: Vec<String> = known.iter().flat_map(|known| known.keys).map(|key| format!("`{key}`")).collect();
        let one = Unmet {
            why: format!(
                "the network leads to models alone (`network: model`), by the gateway, and nothing sends an agent of the kind `{kind}` there"
            ),
            cure: if keys.is_empty() {
                "name the variables of its key and its address in `environment` of the fixture, and set them".to_owned()
            } else {
                format!("set a key or an address that its program heeds ({}), or name `--network open`", list(&keys))
            },
        };
        if !unmet.contains(&one) {
            unmet.push(one);
        }
    }
    unmet
}

/// The kinds of planned agents that ask a model by a network that is kept from them.
fn cut_off(options: &Options) -> Vec<Unmet> {
    let asking = planned_agents(options).into_iter().filter(|agent| agent.installation().is_some());
    let kinds: BTreeSet<String> = asking.map(|agent| format!("`{}`", agent.kind().name)).collect();
    let kinds: Vec<String> = kinds.into_iter().collect();
    let unmet = (!kinds.is_empty()).then(|| Unmet {
        why: format!(
            "the network is kept from agents (`network: none`), and an agent of the kind {} asks its model over it",
            list(&kinds)
        ),
        cure: "name `--network model`, where agents reach their models alone, or `--network open`".to_owned(),
    });
    unmet.into_iter().collect()
}

/// The kinds of planned agents of which nobody knows whether they ask a model, and which would reach none, as a sentence; `None` where
/// there are none.
#[must_use]
pub fn led_nowhere(options: &Options) -> Option<String> {
    options.sandbox.as_ref().filter(|sandbox| sandbox.network == Network::Model)?;
    let agents = unled(options).into_iter().filter(|agent| !asks_surely(agent, options));
    let kinds: BTreeSet<String> = agents.map(|agent| format!("`{}`", agent.kind().name)).collect();
    let kinds: Vec<String> = kinds.into_iter().collect();
    (!kinds.is_empty()).then(|| {
        format!(
            "the network leads to models alone (`network: model`), and an agent of the kind {} is given no key and no address of one: it reaches none",
            list(&kinds)
        )
    })
}

/// The kinds of planned agents of which nothing is recorded though that is asked for, as a sentence; `None` where there are none.
#[must_use]
pub fn unrecorded(options: &Options) -> Option<String> {
    options.record.filter(|record| *record == RecordChoice::Exchanges)?;
    let kinds: BTreeSet<String> = unled(options).iter().map(|agent| format!("`{}`", agent.kind().name)).collect();
    let kinds: Vec<String> = kinds.into_iter().collect();
    (!kinds.is_empty()).then(|| {
        format!(
            "nothing of what an agent of the kind {} asks is recorded: it asks past the gateway (`run --dry-run` says why)",
            list(&kinds)
        )
    })
}

/// The planned agents that may ask a model, and that no variable sends to the gateway.
fn unled(options: &Options) -> Vec<&Agent> {
    let inherited = std::env::vars_os().collect();
    let mut agents = planned_agents(options);
    agents.retain(|agent| matches!(way_of(agent, options, &inherited), Some(Way::Past(_))));
    agents
}

/// How a planned agent asks its model, where the session has these variables; `None` for one that asks none.
#[must_use]
pub fn way_of(agent: &Agent, options: &Options, inherited: &BTreeMap<OsString, OsString>) -> Option<Way> {
    let network = options.sandbox.as_ref().map_or(Network::Open, |sandbox| sandbox.network);
    let given = options.fixture.variables_given_to(agent);
    let detours = agent.installation().map_or(&[][..], |known| known.detours);
    // Whoever is answered from a recording is given a key of its own, and nothing that sends it elsewhere.
    let is_played = |name: &str| options.replay.is_some() && !detours.contains(&name);
    let has = |name: &str| is_played(name) || is_given(agent, &given, inherited, name);
    let asked = (options.gateway_use(), network);
    Way::of(agent, options.models.first().map(String::as_str), asked, has)
}

/// Whether an agent asks a model for certain: its program is known to, or a model is named for it.
fn asks_surely(agent: &Agent, options: &Options) -> bool {
    agent.installation().is_some() || agent.assigned_model(options.models.first().map(String::as_str)).is_some()
}

/// The programs of planned agents and of judges that are not of the version that is demanded of them. Those of agents are asked in
/// the image, where they work in one that is here.
///
/// # Errors
/// When no program can be contained here, or there is no room for the folder of one.
pub fn of_versions(options: &Options, image: Option<&Arc<Image>>) -> Result<Vec<Unmet>, CliError> {
    let inherited = std::env::vars_os().collect();
    let in_image = options.sandbox.as_ref().filter(|_| image.is_some());
    let (containment, reach) = contained(options.containment, in_image, image.cloned(), &inherited).on(".")?;
    let mut asked: Vec<(&Agent, &Reach)> = Vec::new();
    let mut unmet = Vec::new();
    let is_elsewhere = options.sandbox.as_ref().is_some_and(|sandbox| sandbox.source().is_some()) && image.is_none();
    let agents = planned_agents(options).into_iter().filter(|_| !is_elsewhere);
    // Judges are in no sandbox.
    let asked_judges = options.fixture.judges.iter().filter(|_| options.replay.is_none());
    let of_judges = asked_judges.filter_map(|judge| Some((judge.through()?.agent, &Reach::Everything)));
    for (agent, reach) in agents.map(|agent| (agent, &reach)).chain(of_judges) {
        let (Some(wanted), Some(installation)) = (agent.version(), agent.installation()) else { continue };
        if asked.contains(&(agent, reach)) {
            continue;
        }
        asked.push((agent, reach));
        let answer = match Question::of(agent, &inherited, reach) {
            Some(Ok(question)) => question.ask(&containment, reach).on(".")?,
            Some(Err(_)) | None => Answer::NotInstalled,
        };
        let place = if reach.image().is_some() { "in the image, have" } else { "type" };
        unmet.extend(
            installation
                .differs(wanted, &answer)
                .map(|(why, install)| Unmet { why, cure: format!("{place} `{install}`") }),
        );
    }
    Ok(unmet)
}

/// The agent of each planned subtest.
#[must_use]
pub fn planned_agents(options: &Options) -> Vec<&Agent> {
    let planned = options.subtests.iter().flat_map(|(tier, ids)| ids.iter().map(move |id| (tier, id)));
    planned.filter_map(|(tier, id)| Some(&options.fixture.tiers.get(tier)?.get(id)?.agent)).collect()
}
