//! Fixtures in ProjectScylla's format that tests write: a test directory, the shared folder with every store, and subtests
//! of all seven tiers that use every key between them. The texts are ours; the shapes are ProjectScylla's.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::world::World;

/// The folder of the fixture below a world.
pub(crate) const FIXTURE: &str = "upstream/tests/fixtures/tests/test-001";

/// The shared folder below a world.
pub(crate) const SHARED: &str = "upstream/tests/claude-code/shared";

/// Every tier of ProjectScylla.
pub(crate) const TIERS: [&str; 7] = ["T0", "T1", "T2", "T3", "T4", "T5", "T6"];

/// The subtests below `subtests/` of the shared folder.
const SUBTESTS: [(&str, &str); 25] = [
    ("t0/00-empty", "extends_previous: false\nsystem_prompt_mode: none\n"),
    ("t0/01-vanilla", "extends_previous: false\nsystem_prompt_mode: default\n"),
    ("t0/02-critical-only", "extends_previous: false\nresources:\n  claude_md:\n    blocks:\n      - B02\n"),
    ("t0/03-full", "extends_previous: false\nresources: {claude_md: {blocks: [B01, B02, B03]}}\n"),
    ("t1/01-github", "extends_previous: true\nresources:\n  skills:\n    categories: [github]\n"),
    ("t1/02-quality", "resources: {skills: {categories: [quality]}}\n"),
    ("t1/03-single", "resources: {skills: {names: [gh-open]}}\n"),
    ("t1/10-advise-plugin", "extends_previous: true\n"),
    ("t2/01-file-ops-only", "extends_previous: true\ntools:\n  enabled: [Read, Write, Edit]\n"),
    ("t2/04-all-tools", "extends_previous: true\ntools: {enabled: all}\n"),
    (
        "t2/05-filesystem-mcp",
        "extends_previous: true\nmcp_servers:\n  - name: filesystem\n    source: modelcontextprotocol/servers\n",
    ),
    ("t2/14-all-mcp", "mcp_servers: [{name: filesystem}, {name: git, source: third-party}]\n"),
    (
        "t2/15-custom-mcp",
        "mcp_servers:\n  - name: custom\n    source: local\n    config_path: \".claude/mcp/custom.json\"\n",
    ),
    ("t3/01-designer", "extends_previous: true\nresources: {agents: {levels: [2]}}\n"),
    ("t3/05-reviewer", "extends_previous: true\nresources: {agents: {levels: [3]}}\n"),
    ("t3/06-writer", "extends_previous: true\nresources: {agents: {levels: [3]}}\n"),
    ("t3/09-by-name", "resources: {agents: {names: [chief.md, tester-a]}}\n"),
    ("t4/01-chief", "extends_previous: true\nresources: {agents: {levels: [0]}}\n"),
    ("t4/08-chief-teams", "extends_previous: true\nagent_teams: true\nresources: {agents: {levels: [0, 1]}}\n"),
    ("t5/01-best-prompts", "extends_previous: true\ninherit_best_from: [T0]\n"),
    ("t5/06-all-prompts", "extends_previous: false\nresources: {claude_md: {blocks: [B01, B02, B03]}}\n"),
    ("t5/13-tools-agents", "inherit_best_from: [\"T2\", \"T3\"]\ntools: {enabled: all}\n"),
    ("t5/15-best-of-all", "extends_previous: true\ninherit_best_from: [T0, T1, T2, T3, T4]\n"),
    ("t5/16-resources", "resources:\n  tools: {enabled: [Bash]}\n  mcp_servers: [{name: memory}]\n"),
    (
        "t6/01-everything",
        "extends_previous: false\ntools: {enabled: all}\nmcp_servers: [{name: filesystem}, {name: git}, {name: custom, \
         config_path: .claude/mcp/custom.json}]\nskills: {categories: [github, quality]}\nagents: {levels: [0, 1, 2, 3, 4, 5]}\n\
         resources: {claude_md: {blocks: [B01, B02, B03]}}\n",
    ),
];

/// The stores below the shared folder.
const STORES: [(&str, &str); 15] = [
    ("blocks/B01-overview.md", "# The project\n\nA small one.\n"),
    ("blocks/B02-critical-rules.md", "## Rules\n\n- Never delete tests.\n"),
    ("blocks/B03-style.md", "## Style\n\nShort sentences.\n"),
    ("blocks/README.md", "What the blocks are for.\n"),
    ("agents/L0/chief.md", "---\nname: chief\nlevel: 0\n---\n\nPlans everything.\n"),
    ("agents/L1/lead.md", "---\nname: lead\nlevel: 1\n---\n\nLeads a section.\n"),
    ("agents/L2/designer.md", "---\nname: designer\nlevel: 2\n---\n\nDraws modules.\n"),
    ("agents/L3/tester-a.md", "---\nname: tester-a\nlevel: 3\n---\n\nTests one half.\n"),
    ("agents/L3/tester-b.md", "---\nname: tester-b\nlevel: 3\n---\n\nTests the other half.\n"),
    ("agents/L4/engineer.md", "---\nname: engineer\nlevel: 4\n---\n\nWrites code.\n"),
    ("agents/L5/junior.md", "---\nname: junior\nlevel: 5\n---\n\nWrites small code.\n"),
    ("skills/github/gh-open/SKILL.md", "---\nname: gh-open\n---\n\nOpen an issue.\n"),
    ("skills/github/gh-close/SKILL.md", "---\nname: gh-close\n---\n\nClose an issue.\n"),
    ("skills/quality/lint/SKILL.md", "---\nname: lint\n---\n\nRun the linter.\n"),
    ("mcp/custom.json", "{\"command\": \"server\"}\n"),
];

/// The programs of a skill.
const SCRIPT: (&str, &str) = ("skills/quality/lint/scripts/lint.sh", "#!/bin/sh\nexit 0\n");

const NAMES: [&str; 7] = ["Prompts", "Skills", "Tooling", "Delegation", "Hierarchy", "Hybrid", "Super"];

/// The rubric of requirements, with every key.
const REQUIREMENTS: &str = "\
# Requirements
requirements:
  - id: \"R001\"
    description: \"The file is there\"
    weight: 3.0
    evaluation: \"binary\"
  - id: \"R002\"
    description: \"The file is tidy\"
    weight: 0.5
    evaluation: \"scaled\"
    criteria:
      - \"No trailing spaces\"
      - \"One line\"
    skill_validation: \"lint\"
    skill_source: \"https://example.com/skills/lint\"
grading:
  pass_threshold: 0.70
  grade_scale:
    S: 1.00    # all of it
    A: 0.80
    B: 0.60
    C: 0.40
    D: 0.20
    F: 0.0
";

/// The rubric of categories, with every key.
pub(crate) const CATEGORIES: &str = "\
categories:
  functional:
    weight: 0.35
    scoring_type: \"checklist\"
    items:
      - id: F1
        check: \"The file is there\"
        points: 1.0
      - id: F2
        check: \"Running `sh done` says `done`\"
        points: 0.5
  build_pipeline:
    weight: 0.45
    scoring_type: \"checklist\"
    items:
      - id: B1
        check: \"The format check passes\"
        points: 1.0
        na_condition: \"no formatter in the workspace\"
  overall_quality:
    weight: 0.20
    scoring_type: \"subjective\"
    items:
      - id: OQ1
        check: \"Overall: would it be merged?\"
        points: 2.0
grading:
  pass_threshold: 0.60
  grade_scale: {S: 0.95, A: 0.80, B: 0.60, C: 0.40, D: 0.20, F: 0.0}
";

/// A judge of any rubric: it gives each item the full score when the graded tree has a file `done`, else none.
pub(crate) const JUDGE: &str = r#"request=$(cat)
workspace=$(printf "%s\n" "$request" | sed -n "s/^  .workspace.: .\(.*\).$/\1/p")
score=0.0; test ! -e "$workspace/done" || score=1.0
answers=$(printf "%s\n" "$request" | sed -n "s/^ *.id.: \(.*\),$/, \1: {\"score\": $score, \"explanation\": \"by the file\"}/p")
echo "{\"items\": {${answers#, }}, \"reasoning\": \"looked\", \"cost_usd\": 0.01}""#;

/// A fixture of ProjectScylla that is written into a world.
pub(crate) struct ProjectScyllaFixture {
    files: BTreeMap<String, String>,
    tiers: Vec<String>,
    language: String,
    extra: String,
    without: Vec<String>,
}

impl ProjectScyllaFixture {
    /// The fixture with all seven tiers and every store, exactly in ProjectScylla's shape: it names no agent, no checks and
    /// no judges.
    pub(crate) fn new() -> Self {
        let fixture = Self {
            files: BTreeMap::new(),
            tiers: TIERS.map(str::to_owned).to_vec(),
            language: "text".to_owned(),
            extra: String::new(),
            without: Vec::new(),
        };
        let mut fixture = fixture
            .file("prompt.md", "Make a file that is called `done`.\n")
            .file("config.yaml", "# Limits of this test\ntimeout_seconds: 1800\nmax_cost_usd: 5.0\n")
            .file("expected/criteria.md", "# Criteria\n\nThe file is there.\n")
            .file("expected/rubric.yaml", REQUIREMENTS)
            .shared("tiers.yaml", &tiers_yaml());
        for (place, keys) in SUBTESTS {
            let name = place.split_once('-').unwrap().1;
            let text = format!("name: \"{name}\"\ndescription: \"The subtest {name}\"\n{keys}");
            fixture = fixture.shared(&format!("subtests/{place}.yaml"), &text);
        }
        for (place, text) in STORES.into_iter().chain([SCRIPT]) {
            fixture = fixture.shared(place, text);
        }
        fixture
    }

    /// Lists these tiers and no other.
    pub(crate) fn tiers(mut self, tiers: &[&str]) -> Self {
        self.tiers = tiers.iter().map(|tier| (*tier).to_owned()).collect();
        self
    }

    /// More lines for `test.yaml`.
    pub(crate) fn test(mut self, lines: &str) -> Self {
        self.extra.push_str(lines);
        self
    }

    /// Another language than one without checks.
    pub(crate) fn language(mut self, language: &str) -> Self {
        language.clone_into(&mut self.language);
        self
    }

    /// Without this text in `test.yaml`.
    pub(crate) fn test_without(mut self, text: &str) -> Self {
        self.without.push(text.to_owned());
        self
    }

    /// A file of the fixture's own folder, in place of the one that is there.
    pub(crate) fn file(mut self, below: &str, text: &str) -> Self {
        self.files.insert(format!("{FIXTURE}/{below}"), text.to_owned());
        self
    }

    /// A file of the shared folder, in place of the one that is there.
    pub(crate) fn shared(mut self, below: &str, text: &str) -> Self {
        self.files.insert(format!("{SHARED}/{below}"), text.to_owned());
        self
    }

    /// Without the files of the shared folder whose path begins so.
    pub(crate) fn without_shared(mut self, below: &str) -> Self {
        self.files.retain(|path, _| !path.starts_with(&format!("{SHARED}/{below}")));
        self
    }

    /// Writes all of it, with the task's repository beside it, and returns the fixture's folder.
    pub(crate) fn write(&self, world: &World) -> String {
        let listed = self.tiers.iter().fold(String::new(), |all, tier| all + "  - " + tier + "  # one of seven\n");
        let hash = repository(world, &world.path("upstream/task"));
        let test = format!(
            "# A test of the original\nid: \"test-001\"\nname: \"Test 001\"\ndescription: |\n  Makes a file.\n  That is all.\n\
             language: {}\nsource:\n  repo: \"../../../../task\"\n  hash: \"{hash}\"\ntask:\n  prompt_file: \"prompt.md\"\n  \
             timeout_seconds: 600\nvalidation:\n  criteria_file: \"expected/criteria.md\"\n  rubric_file: \"expected/rubric.yaml\"\n{}\
             tiers:\n{}",
            self.language, self.extra, listed,
        );
        let test = self.without.iter().fold(test, |test, text| test.replace(text, ""));
        world.write(&format!("{FIXTURE}/test.yaml"), &test);
        for (path, text) in &self.files {
            world.write(path, text);
        }
        world.path(FIXTURE).to_str().unwrap().to_owned()
    }
}

fn tiers_yaml() -> String {
    let tier = |(number, name): (usize, &&str)| {
        let tools = if number < 2 { "null  # by subtest" } else { "true" };
        format!(
            "  T{number}:\n    name: \"{name}\"\n    description: \"What {name} do\"\n    tools_enabled: {tools}\n    \
             delegation_enabled: {}\n",
            number > 2
        )
    };
    NAMES.iter().enumerate().map(tier).fold("# Tiers\ntiers:\n".to_owned(), |all, tier| all + &tier)
}

/// Makes the repository of the task, always the same one, and gives its commit.
fn repository(world: &World, dir: &Path) -> String {
    fs::create_dir_all(dir).unwrap();
    fs::write(dir.join("readme.txt"), "A task.\n").unwrap();
    fs::write(dir.join("CLAUDE.md"), "The project's own words.\n").unwrap();
    commit(world, dir)
}

/// Makes a folder a repository with one commit of all that is in it, and gives that commit, which follows from the content.
pub(crate) fn commit(world: &World, dir: &Path) -> String {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        world.seal(&mut command);
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Test").env(format!("GIT_{who}_EMAIL"), "test@example.com");
            command.env(format!("GIT_{who}_DATE"), "2026-01-01T00:00:00Z");
        }
        let output = command.current_dir(dir).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    if !dir.join(".git").exists() {
        git(&["init", "--quiet", "--template=", "--initial-branch=main"]);
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--message", "The task"]);
    }
    git(&["rev-parse", "HEAD"])
}
