//! Variables and keys that name an address below which nothing can be asked are told before anything starts; and what the gateway sees
//! of agents is not called unknown.

use std::fs;

use crate::fixture::TestFixture;
use crate::gateway::Place;
use crate::model_server::Say;
use crate::scenes::{experiment, output};
use crate::world::{Live, Output, World, steady};

/// An agent that waits as long as there is a file `hold` in its home.
const HOLDS: &str = r#"test ! -e "$HOME/hold" || exec sleep 1000; touch done"#;

fn told(output: &Output) -> String {
    output.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_variable_that_sends_an_agent_to_what_is_no_address_is_told_before_anything_starts() {
    let place = Place::scripted(HOLDS, |_| Say::Answer("done".to_owned()));
    let run = |value: &str, more: &[&str]| output(place.runs("1", more).env("ANTHROPIC_BASE_URL", value));
    let mut seen = Vec::new();
    for value in ["127.0.0.1:9311", "ftp://host", "http://exa mple", "http://host/?a=b", "http://host:port"] {
        let refused = run(value, &["--gateway", "require"]).exits(2);
        seen.push(format!("$ ANTHROPIC_BASE_URL='{value}'\n{}", steady(&refused.stderr, &place.world)));
        let plan = run(value, &["--gateway", "require", "--dry-run"]).exits(0);
        let sentence = format!("`ANTHROPIC_BASE_URL` sends the agent `command` to `{value}`, which ");
        assert!(told(&plan).contains(&sentence), "{plan}");
        // What a program of one's own makes of it is its own affair, where nobody sends it elsewhere.
        let plan = run(value, &["--dry-run"]).exits(0);
        assert!(!told(&plan).contains(&sentence), "{plan}");
    }
    assert!(!place.world.results().exists() || fs::read_dir(place.world.results()).unwrap().count() == 0);
    place.world.write("home/hold", "");
    let mut live = Live::start(&mut place.runs("1", &["--gateway", "require"]));
    live.wait_for_reason("run-started");
    live.kill();
    let dir = experiment(&place.world);
    let resume = |value: &str| output(place.command(&["resume", &dir], &[]).env("ANTHROPIC_BASE_URL", value));
    seen.push(format!("$ resume\n{}", steady(&resume("localhost").exits(2).stderr, &place.world)));
    fs::remove_file(place.world.path("home/hold")).unwrap();
    // A password of one's own server is sent along, so this one begins; its agent asks nobody.
    resume("http://me:password@127.0.0.1:1/").exits(6);
    crate::agent_samples::in_gallery(|| insta::assert_snapshot!("wrong_addresses", seen.join("\n")));
}

#[test]
fn programs_that_are_known_and_judges_are_sent_to_no_wrong_address_either() {
    let world = World::new();
    let judges = "judges:\n  - {kind: model, name: j, api: openai-chat, model: m}\n  - {kind: model, name: own, api: anthropic, model: m, base_url: 'http://a'}\n";
    let fixture = TestFixture::new()
        .subtest("T0/00-one", "agent: {kind: claude-code}\n")
        .subtest("T0/01-two", "agent: {kind: opencode}\n")
        .extra(judges)
        .write(&world);
    let config =
        r#"{"provider": {"a": {"options": {"baseURL": "http://a"}}, "b": {"options": {"baseURL": "b:1/v1"}}}}"#;
    let plan = output(
        world
            .command(&["run", "--tiers-dir", &fixture, "--gateway", "off", "--dry-run"])
            .env("ANTHROPIC_BASE_URL", "http://")
            .env("OPENAI_BASE_URL", "host/v1")
            .env("OPENCODE_CONFIG_CONTENT", config),
    );
    let told = told(&plan.exits(0));
    for sentence in [
        "`ANTHROPIC_BASE_URL` sends the agent `claude-code` to `http://`, which has no host, or a port that is no number: set `ANTHROPIC_BASE_URL` to the beginning of a URL",
        "`OPENCODE_CONFIG_CONTENT` sends the agent `opencode` to `b:1/v1`, which does not begin with `https://` or `http://`",
        "`OPENAI_BASE_URL` sends the judge `j` to `host/v1`, which does not begin with",
    ] {
        assert!(told.contains(sentence), "{sentence}: {told}");
    }
    assert!(!told.contains("the judge `own`"), "the fixture says where it is asked: {told}");
    let fixture = TestFixture::new()
        .agent("T0/00-one", HOLDS)
        .extra("judges:\n  - {kind: model, name: j, api: openai-chat, model: m, base_url: 'http://x?key=1'}\n")
        .write(&world);
    let refused = world.scylla(&["fixture", "check", &fixture]).exits(2);
    let why = "test.yaml:15: `judges.base_url` is `http://x`, which goes on after a `?` or `#`, where a path is put behind it; a key belongs into the variable that `key` names";
    assert!(refused.stderr.contains(why), "{refused}");
}

#[test]
fn what_the_gateway_sees_of_an_agent_of_ones_own_is_held_while_it_works_and_not_called_unknown() {
    let place = Place::scripted(&crate::gateway::asks(1, "true"), |_| Say::Answer("done".to_owned()));
    let limits = ["--max-run-tokens", "100000", "--max-run-cost-usd", "2", "--max-cost-usd", "9", "--fresh"];
    let run = |more: &[&str]| told(&output(&mut place.runs("1", &[&limits[..], more].concat())).exits(0));
    let at_the_end = "no limit of tokens, turns or cost ends it before";
    let silent = "agents that owe no record may not say what they cost";
    let turns = "how many turns an agent of the kind `command` takes is known only when it has ended: no limit of turns ends it before";
    let metered = run(&["--gateway", "require"]);
    assert!(![at_the_end, silent, turns].iter().any(|said| metered.contains(said)), "{metered}");
    let metered = run(&["--gateway", "require", "--max-run-turns", "9"]);
    assert!(metered.contains(turns) && !metered.contains(at_the_end) && !metered.contains(silent), "{metered}");
    let past = run(&["--max-run-turns", "9"]);
    assert!(past.contains(at_the_end) && past.contains(silent) && !past.contains(turns), "{past}");
}
