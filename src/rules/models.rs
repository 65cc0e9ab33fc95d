//! Which model an agent or a judge asks, as far as an experiment says it: whose rate limit holds whom back.

use std::path::Path;

use crate::model::ids::ModelName;
use crate::model::task::{AgentSpec, Invocation, JudgeSpec};

/// What agents are called that nobody gave a model, and that are a line for a shell.
const SOME_AGENTS: &str = "the agents' model";

/// The model that an agent asks: the one that agents are told to use. Without one, agents that are the same program ask the
/// same model, and so do all that are a line for a shell. `None` for those that ask none.
#[must_use]
pub fn of_agent(agent: &AgentSpec, models: &[String]) -> Option<ModelName> {
    match (agent, models.first()) {
        (AgentSpec::Oracle | AgentSpec::Nop, _) => None,
        (AgentSpec::Command { .. }, Some(model)) => Some(ModelName::new(model)),
        (AgentSpec::Command { run: Invocation::Argv(words), .. }, None) => {
            let program = words.first().map(Path::new).and_then(Path::file_name);
            Some(program.map_or(ModelName::new(SOME_AGENTS), |program| ModelName::new(&program.to_string_lossy())))
        }
        (AgentSpec::Command { run: Invocation::Shell(_), .. }, None) => Some(ModelName::new(SOME_AGENTS)),
    }
}

/// The model that a judge asks: the one that judges are told to use; without one, its own, which is called as the judge is.
/// `None` for the judge that asks none.
#[must_use]
pub fn of_judge(judge: &JudgeSpec, judge_models: &[String]) -> Option<ModelName> {
    match judge {
        JudgeSpec::Checks => None,
        JudgeSpec::Command { name, .. } => Some(ModelName::new(judge_models.first().unwrap_or(name))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn who_is_told_a_model_asks_that_one_and_who_is_not_asks_that_of_its_program() {
        let agent = |run| AgentSpec::Command { run, environment: BTreeMap::new(), owes_record: false };
        let argv = |words: &[&str]| agent(Invocation::Argv(words.iter().map(|word| (*word).to_owned()).collect()));
        let shell = agent(Invocation::Shell("claude -p x".to_owned()));
        let judge = JudgeSpec::Command {
            name: "careful".to_owned(),
            run: Invocation::Shell("ask".to_owned()),
            timeout_seconds: 1,
        };
        let told = ["opus".to_owned(), "other".to_owned()];
        let called = |model: Option<ModelName>| model.map(|model| model.to_string());
        for (agent, untold, told_one) in [
            (argv(&["/usr/bin/claude", "-p"]), Some("claude"), Some("opus")),
            (argv(&["claude"]), Some("claude"), Some("opus")),
            (argv(&["codex", "claude"]), Some("codex"), Some("opus")),
            (argv(&["/"]), Some("the agents' model"), Some("opus")),
            (shell, Some("the agents' model"), Some("opus")),
            (AgentSpec::Oracle, None, None),
            (AgentSpec::Nop, None, None),
        ] {
            assert_eq!(called(of_agent(&agent, &[])).as_deref(), untold, "{agent:?}");
            assert_eq!(called(of_agent(&agent, &told)).as_deref(), told_one, "{agent:?}");
        }
        assert_eq!(called(of_judge(&judge, &[])).as_deref(), Some("careful"));
        assert_eq!(called(of_judge(&judge, &told)).as_deref(), Some("opus"));
        assert_eq!(called(of_judge(&JudgeSpec::Checks, &told)), None);
    }
}
