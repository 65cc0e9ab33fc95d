//! Real programs of agents, in the versions that `versions.json` pins, work against the scripted model server: each does whole
//! experiments, meets every trouble that a provider can make, and is stopped in every way.

mod aider;
mod claude_code;
mod codex;
mod experiment;
mod first;
mod gemini;
mod judging;
mod mini_swe_agent;
mod opencode;
mod programs;
mod reaching;
mod replayed;
mod spoken;
mod stopped;
mod together;
mod trouble;
mod whole;

#[test]
fn the_manual_names_the_versions_that_are_pinned() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let page = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let pages = (page("claude-code.md"), page("agents.md"));
    for real in programs::ALL {
        let (version, kind) = (real.version(), real.kind);
        let section = pages.1.split(&format!("\n## {kind}\n\n")).nth(1).unwrap_or(&pages.0);
        assert!(section.contains(&format!("ersion {version}")), "{kind} {version}");
    }
}
