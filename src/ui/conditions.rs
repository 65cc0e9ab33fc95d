//! Under which conditions the runs of a plan would be made, and who would judge them.

use schemars::JsonSchema;
use serde::Serialize;

use crate::gateway::{Past, Way};
use crate::model::exchange::GatewayUse;
use crate::model::sandbox::{Network, Sandbox, SandboxChoice};
use crate::text::escape;
use crate::text::short::cut;
use crate::text::words::list;

use super::agents::Variable;
use super::run_limits::RunLimits;

/// So many characters of a judge's command are shown.
const MOST_PROGRAM: usize = 40;

/// What would be the same for all runs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Conditions {
    /// What agents and checks would be kept in, and what they would reach beside their tree.
    pub sandbox: Sandbox,
    /// What each run would be held to.
    pub limits: RunLimits,
    /// What the gateway to models would be for.
    pub gateway: GatewayUse,
    /// The recording whose answers agents and judges would be given in place of their models'.
    pub replay: Option<String>,
    /// How each kind of agent that asks a model would ask it.
    pub asking: Vec<Asking>,
    /// The judges, in the order of the panel.
    pub judges: Vec<PlannedJudge>,
    /// Variables of the environment that agents get beside the standard ones, where they are set.
    pub variables: Vec<Variable>,
}

/// A judge that would be asked.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PlannedJudge {
    /// Its name in results.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// The kind of agent through whose program it asks, or the command that the fixture names.
    pub program: Option<String>,
    /// The model that it is told to ask.
    pub model: Option<String>,
}

/// How agents of a kind would ask their models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Asking {
    /// The kind of agent.
    pub agent: &'static str,
    /// Whether they ask through the gateway, so that what they use is metered.
    pub metered: bool,
    /// Why they ask past it, or what of theirs does; `null` where all is metered.
    pub why: Option<String>,
}

impl Asking {
    /// What comes of a way.
    #[must_use]
    pub fn new(agent: &'static str, way: &Way, asked: GatewayUse) -> Self {
        let why = match way {
            Way::Through(past) if past.is_empty() => None,
            Way::Through(past) => Some(format!("what it asks with {} goes past it", past.join(", "))),
            Way::Past(Past::Off) => Some("there is no gateway".to_owned()),
            Way::Past(Past::NoNetwork) => Some("the network is kept from it".to_owned()),
            Way::Past(Past::Unknown) => {
                Some("nobody knows whether its program goes where it is sent; `--gateway require` sends it".to_owned())
            }
            Way::Past(Past::Keyless) => Some("no key and no address of a provider is set for it".to_owned()),
            Way::Past(Past::Detour(variable)) => Some(format!("`{variable}` sends it elsewhere, with the real key")),
        };
        let metered = matches!(way, Way::Through(_));
        let fails = if !metered && asked == GatewayUse::Require { ": its runs fail" } else { "" };
        Self { agent, metered, why: why.map(|why| why + fails) }
    }

    /// `codex is metered`.
    fn words(&self) -> String {
        let Self { agent, metered, why } = self;
        let way = if *metered { "is metered" } else { "is not metered" };
        let why = why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
        format!("{agent} {way}{why}")
    }
}

impl Conditions {
    /// The lines of the plan's page.
    #[must_use]
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("sandbox", self.sandbox_words()),
            ("limits", self.limits.of_agents()),
            ("machine", self.limits.of_the_machine()),
        ];
        lines.extend(
            self.gateway_words()
                .into_iter()
                .enumerate()
                .map(|(at, words)| (if at == 0 { "gateway" } else { "" }, words)),
        );
        for (at, judge) in self.judges.iter().enumerate() {
            lines.push((if at == 0 { "judges" } else { "" }, judge.words()));
        }
        lines.push(("variables", self.variable_words()));
        lines
    }

    /// What the gateway is for, with the first kind of agent; then the others.
    fn gateway_words(&self) -> Vec<String> {
        if let Some(named) = &self.replay {
            return vec![format!("answers from the recording `{}`: no model is asked", escape::terminal(named))];
        }
        let by = match self.gateway {
            GatewayUse::Off => {
                return vec!["off: agents have the real keys, and what they say they used counts".to_owned()];
            }
            GatewayUse::Meter => "meter",
            GatewayUse::Require => "require",
        };
        let mut words: Vec<String> = self.asking.iter().map(Asking::words).collect();
        match words.first_mut() {
            Some(first) => *first = format!("{by}: {first}"),
            None => words.push(format!("{by}: no agent asks a model")),
        }
        words
    }

    fn sandbox_words(&self) -> String {
        let Sandbox { choice, network, readable, allow, image, containerfile } = &self.sandbox;
        let by = match choice {
            SandboxChoice::None => "none",
            SandboxChoice::Auto => "auto",
            SandboxChoice::Bubblewrap => "bubblewrap",
            SandboxChoice::Podman => "podman",
        };
        let shown = |text: &String| escape::terminal(text).into_owned();
        let of = image.as_ref().or(containerfile.as_ref()).map(|of| format!(" (image {})", shown(of)));
        let network = match (choice, network) {
            (SandboxChoice::None, _) => "network open".to_owned(),
            (_, Network::Open) => format!("network {network}"),
            (_, Network::None | Network::Model) => {
                let hosts: Vec<String> = allow.iter().map(ToString::to_string).collect();
                let hosts = if hosts.is_empty() { String::new() } else { format!(" and {}", list(&hosts)) };
                format!("network {network}{hosts}; judges are in no sandbox")
            }
        };
        let readable: Vec<String> = readable.iter().map(shown).collect();
        let readable = if readable.is_empty() { String::new() } else { format!(", readable: {}", list(&readable)) };
        format!("{by}{}{readable}, {network}", of.unwrap_or_default())
    }

    fn variable_words(&self) -> String {
        let named = |is_set| -> Vec<String> {
            let those = self.variables.iter().filter(|variable| variable.set == is_set);
            those.map(|variable| escape::terminal(&variable.name).into_owned()).collect()
        };
        let (set, unset) = (named(true), named(false));
        let given = std::iter::once("the standard ones".to_owned()).chain(set).collect::<Vec<_>>();
        let given = list(&given);
        let verb = if unset.len() == 1 { "is" } else { "are" };
        if unset.is_empty() { given } else { format!("{given}; {} {verb} not set", list(&unset)) }
    }
}

impl PlannedJudge {
    /// `critic: agent-program claude-code, asks opus`.
    fn words(&self) -> String {
        let program =
            self.program.as_ref().map(|program| format!(" {}", escape::terminal(&cut(program, MOST_PROGRAM))));
        let model = self.model.as_ref().map(|model| format!(", asks {}", escape::terminal(model)));
        let (program, model) = (program.unwrap_or_default(), model.unwrap_or_default());
        format!("{}: {}{program}{model}", escape::terminal(&self.name), self.kind)
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::model::allowance::Allowance;
    use crate::model::resources::Resources;

    fn judge(name: &str, kind: &'static str, program: Option<&str>, model: Option<&str>) -> PlannedJudge {
        let [program, model] = [program, model].map(|text| text.map(str::to_owned));
        PlannedJudge { name: name.to_owned(), kind, program, model }
    }

    impl Conditions {
        pub(in crate::ui) fn sample() -> Self {
            Self {
                sandbox: Sandbox { choice: SandboxChoice::Bubblewrap, network: Network::None, ..Sandbox::default() },
                limits: RunLimits::new(
                    900,
                    Allowance { turns: Some(30), ..Allowance::default() },
                    Resources { memory: "4GiB".parse().ok(), ..Resources::default() },
                ),
                gateway: GatewayUse::Meter,
                replay: None,
                asking: [
                    ("codex", Way::Through(Vec::new())),
                    ("aider", Way::Through(vec!["ANTHROPIC_API_KEY"])),
                    ("gemini", Way::Past(Past::Keyless)),
                    ("acp", Way::Past(Past::Unknown)),
                ]
                .map(|(agent, way)| Asking::new(agent, &way, GatewayUse::Meter))
                .into(),
                judges: vec![
                    judge("strict", "command", Some("./judge.sh --strict"), None),
                    judge("critic", "agent-program", Some("claude-code"), Some("opus")),
                    judge("gpt", "model", None, Some("gpt-5.2")),
                    judge("checks", "checks", None, None),
                ],
                variables: [("MY_TOKEN", true), ("ANTHROPIC_API_KEY", true), ("PROXY_URL", false)]
                    .map(|(name, set)| Variable { name: name.to_owned(), set })
                    .into(),
            }
        }

        pub(in crate::ui) fn unlimited_sample() -> Self {
            Self {
                sandbox: Sandbox::default(),
                limits: RunLimits::new(3600, Allowance::default(), Resources::default()),
                gateway: GatewayUse::Require,
                replay: None,
                asking: [("command", Way::Through(Vec::new())), ("opencode", Way::Past(Past::Keyless))]
                    .map(|(agent, way)| Asking::new(agent, &way, GatewayUse::Require))
                    .into(),
                judges: vec![judge("strict", "command", Some("./judge.sh --strict"), None)],
                variables: Vec::new(),
            }
        }
    }
}
