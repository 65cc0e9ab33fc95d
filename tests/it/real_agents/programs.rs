//! The real programs of agents: where they are, how each finds the scripted server, and how its model does a task there.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::model_server::{Api, Asked, Call, ModelServer, Say};

/// What opens the scripted server for agents, and must be in no file.
pub(super) const KEY: &str = "sk-scripted-0815-not-to-be-kept";

/// A task that is done by writing one file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task {
    pub(super) file: &'static str,
    pub(super) text: &'static str,
}

/// What a program does about a rate limit whose time its provider names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenLimited {
    /// It gives up soon.
    GivesUp,
    /// It waits as long as it is told, also for an hour.
    Waits,
}

/// A real program.
pub(super) struct Real {
    /// The kind of agent.
    pub(super) kind: &'static str,
    /// What `--model` says.
    pub(super) model: &'static str,
    /// What the server is then asked for.
    pub(super) asked_for: &'static str,
    /// The variable with its key.
    key: &'static str,
    /// Variables by which it finds a server.
    addresses: fn(&ModelServer) -> Vec<(&'static str, String)>,
    /// What its model says to each request until the task is done.
    pub(super) works: fn(&Asked, Task) -> Say,
    /// How many answers of its model the task takes.
    pub(super) answers: u64,
    /// What its model says so that it runs a command of a shell; `None` where it runs none.
    pub(super) runs: Option<fn(&str) -> Call>,
    /// What it does about a rate limit.
    pub(super) when_limited: WhenLimited,
    /// Whether it tells its steps.
    pub(super) has_steps: bool,
}

pub(super) static CLAUDE_CODE: Real = Real {
    kind: "claude-code",
    model: "claude-sonnet-4-5",
    asked_for: "claude-sonnet-4-5",
    key: "ANTHROPIC_API_KEY",
    addresses: |server| vec![("ANTHROPIC_BASE_URL", server.base_url(Api::AnthropicMessages))],
    works: |asked, task| {
        let write = json!({"file_path": task.file, "content": "to be replaced\n"});
        by_tools(asked, &[Call { tool: "Write", input: write }, bash(&shell(task))])
    },
    answers: 3,
    runs: Some(bash),
    when_limited: WhenLimited::GivesUp,
    has_steps: true,
};

pub(super) static CODEX: Real = Real {
    kind: "codex",
    model: "gpt-5.1-codex",
    asked_for: "gpt-5.1-codex",
    key: "OPENAI_API_KEY",
    addresses: openai,
    works: |asked, task| by_tools(asked, &[exec_command("true"), exec_command(&shell(task))]),
    answers: 3,
    runs: Some(exec_command),
    when_limited: WhenLimited::Waits,
    has_steps: true,
};

pub(super) static GEMINI: Real = Real {
    kind: "gemini",
    model: "gemini-2.5-flash",
    asked_for: "gemini-2.5-flash",
    key: "GEMINI_API_KEY",
    addresses: |server| vec![("GOOGLE_GEMINI_BASE_URL", server.base_url(Api::Gemini))],
    works: |asked, task| {
        let write = json!({"file_path": task.file, "content": "to be replaced\n"});
        by_tools(asked, &[Call { tool: "write_file", input: write }, run_shell_command(&shell(task))])
    },
    answers: 3,
    runs: Some(run_shell_command),
    when_limited: WhenLimited::GivesUp,
    has_steps: true,
};

pub(super) static OPENCODE: Real = Real {
    kind: "opencode",
    model: "scripted/opencode-model",
    asked_for: "opencode-model",
    key: "OPENAI_API_KEY",
    addresses: |server| {
        let options = json!({"baseURL": server.base_url(Api::OpenAiChat), "apiKey": "{env:OPENAI_API_KEY}"});
        let models = json!({"opencode-model": {"tool_call": true, "limit": {"context": 128_000, "output": 8000}}});
        let provider = json!({"npm": "@ai-sdk/openai-compatible", "options": options, "models": models});
        vec![(
            "OPENCODE_CONFIG_CONTENT",
            json!({"model": OPENCODE.model, "provider": {"scripted": provider}}).to_string(),
        )]
    },
    works: |asked, task| {
        let write = json!({"filePath": task.file, "content": "to be replaced\n"});
        by_tools(asked, &[Call { tool: "write", input: write }, lower_bash(&shell(task))])
    },
    answers: 3,
    runs: Some(lower_bash),
    when_limited: WhenLimited::Waits,
    has_steps: true,
};

const MINI: Real = Real {
    kind: "mini-swe-agent",
    model: "openai/mini-model",
    asked_for: "mini-model",
    key: "OPENAI_API_KEY",
    addresses: openai,
    works: |asked, task| {
        let end = lower_bash("echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT");
        by_tools(asked, &[lower_bash("true"), lower_bash(&shell(task)), end])
    },
    answers: 3,
    runs: Some(lower_bash),
    when_limited: WhenLimited::GivesUp,
    has_steps: true,
};

pub(super) static MINI_SWE_AGENT: Real = MINI;
/// The same with models of other providers.
pub(super) static MINI_ELSEWHERE: [Real; 2] = [with_claude(&MINI), with_gemini(&MINI)];

const AIDER_ITSELF: Real = Real {
    kind: "aider",
    model: "openai/aider-model",
    asked_for: "aider-model",
    key: "OPENAI_API_KEY",
    addresses: openai,
    works: |asked, Task { file, text }| {
        // It asks models that can do so for changes in place of whole files.
        let is_change = asked.body.to_string().contains("SEARCH/REPLACE");
        let (before, after) = if is_change { ("<<<<<<< SEARCH\n=======\n", ">>>>>>> REPLACE\n") } else { ("", "") };
        Say::Answer(format!("I write the file.\n\n{file}\n```\n{before}{text}{after}```\n"))
    },
    answers: 1,
    runs: None,
    when_limited: WhenLimited::GivesUp,
    has_steps: false,
};

pub(super) static AIDER: Real = AIDER_ITSELF;
/// The same with models of other providers.
pub(super) static AIDER_ELSEWHERE: [Real; 2] = [with_claude(&AIDER_ITSELF), with_gemini(&AIDER_ITSELF)];

/// A program that asks any provider, with a model of Anthropic.
const fn with_claude(real: &Real) -> Real {
    Real {
        model: "anthropic/claude-sonnet-4-5",
        asked_for: "claude-sonnet-4-5",
        key: "ANTHROPIC_API_KEY",
        addresses: |server| vec![("ANTHROPIC_BASE_URL", server.base_url(Api::AnthropicMessages))],
        ..*real
    }
}

/// The same with one of Google.
const fn with_gemini(real: &Real) -> Real {
    Real {
        model: "gemini/gemini-2.5-flash",
        asked_for: "gemini-2.5-flash",
        key: "GEMINI_API_KEY",
        addresses: |server| vec![("GEMINI_API_BASE", format!("{}/v1beta", server.base_url(Api::Gemini)))],
        ..*real
    }
}

/// All of them.
pub(super) static ALL: [&Real; 6] = [&CLAUDE_CODE, &CODEX, &GEMINI, &OPENCODE, &MINI_SWE_AGENT, &AIDER];

/// Where programs that speak an API of Codex' maker look for its address.
fn openai(server: &ModelServer) -> Vec<(&'static str, String)> {
    ["OPENAI_BASE_URL", "OPENAI_API_BASE"].map(|name| (name, server.base_url(Api::OpenAiChat))).into()
}

fn exec_command(command: &str) -> Call {
    Call { tool: "exec_command", input: json!({"cmd": command}) }
}

fn run_shell_command(command: &str) -> Call {
    Call { tool: "run_shell_command", input: json!({"command": command, "description": "does it"}) }
}

fn lower_bash(command: &str) -> Call {
    Call { tool: "bash", input: json!({"command": command, "description": "does it"}) }
}

fn bash(command: &str) -> Call {
    Call { tool: "Bash", input: json!({"command": command, "description": "does it"}) }
}

/// The command for a shell that does a task.
fn shell(Task { file, text }: Task) -> String {
    format!("cat >{file} <<'END_OF_FILE'\n{text}END_OF_FILE")
}

/// The next of these calls, and then the end. Who is offered no tools asks for a title or the like.
fn by_tools(asked: &Asked, calls: &[Call]) -> Say {
    match calls.get(asked.results()) {
        _ if asked.tools().is_empty() => Say::Answer("A title".to_owned()),
        None => Say::Answer("The file is written.".to_owned()),
        Some(call) => {
            assert!(asked.tools().contains(&call.tool), "`{}` is none of {:?}", call.tool, asked.tools());
            Say::Call("I write the file.".to_owned(), call.clone())
        }
    }
}

/// The folder with the programs: they are large, so only `cargo xtask e2e agents` installs them.
#[expect(clippy::print_stdout, reason = "who reads the tests' output learns what was not tried")]
pub(super) fn installed() -> Option<PathBuf> {
    let folder = std::env::var_os("SCYLLA_REAL_AGENTS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: SCYLLA_REAL_AGENTS names no folder with real agents: see `cargo xtask e2e agents`");
    }
    folder
}

impl Real {
    /// The version that is pinned.
    pub(super) fn version(&self) -> String {
        let pinned: Value = serde_json::from_str(include_str!("versions.json")).unwrap();
        pinned[self.kind]["version"].as_str().unwrap().to_owned()
    }

    /// Whether a request is part of the work, and not one for a title or the like.
    pub(super) fn is_work(&self, asked: &Asked) -> bool {
        asked.model == self.asked_for && (self.runs.is_none() || !asked.tools().is_empty())
    }

    /// What a program is told of its models, which it needs without a server, too.
    pub(super) fn configuration(&self, server: &ModelServer) -> Vec<(&'static str, String)> {
        if self.kind == "opencode" { (self.addresses)(server) } else { Vec::new() }
    }

    /// Lets a command find the scripted server in the place of the program's provider.
    pub(super) fn reaches(&self, server: &ModelServer, command: &mut Command) {
        command.env(self.key, KEY).envs((self.addresses)(server));
    }
}
