//! Agents and checks in an image reach their model and the hosts that the fixture names, and nothing else, whatever libraries the image
//! has: its own are those of one program, which needs none.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use serde_json::{Value, json};

use super::podman::podman;
use crate::fixture::TestFixture;
use crate::model_server::{Api, ModelServer, Say};
use crate::scenes::{experiment, files_below, output};

const KEY: &str = "sk-ant-the-real-key-0123456789";

/// Asks the model (by no proxy, which this `wget` would ask by GET alone), an allowed host, one that is not, and this machine; then looks for what is ours.
const AGENT: &str = r#"body='{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[]}'
(unset http_proxy HTTP_PROXY; wget -q -O - --header "x-api-key: $ANTHROPIC_API_KEY" --header 'content-type: application/json' --post-data "$body" "$ANTHROPIC_BASE_URL/v1/messages" 2>&1)
echo; echo "allowed: $(NO_PROXY= no_proxy= wget -q -O - http://127.0.0.1:PORT/ 2>&1)"
echo "another: $(NO_PROXY= no_proxy= wget -q -O - http://127.0.0.1:OTHER/ 2>&1)"
echo "past it: $(unset http_proxy HTTP_PROXY; wget -q -O - http://127.0.0.1:PORT/ 2>&1 || echo nobody)"
(echo lost > /.cargo-scylla/cargo-scylla) 2> /dev/null || echo read-only; env; cat /etc/which; touch done"#;

/// Answers everybody.
fn answering() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nheard");
        }
    });
    port
}

#[test]
fn an_agent_in_an_image_reaches_its_model_and_named_hosts_and_nothing_else() {
    let Some(podman) = podman() else { return };
    let world = &podman.world;
    podman.import("localhost/task:1", "first");
    let server = ModelServer::start(|_| Say::Answer("done".to_owned()));
    let (allowed, other) = (answering(), answering());
    let script = AGENT.replace("PORT", &allowed.to_string()).replace("OTHER", &other.to_string());
    let fixture = TestFixture::new()
        .agent("T0/00-asks", &script)
        .check(&format!(
            "test -f done || exit 1; NO_PROXY= no_proxy= wget -q -O - http://127.0.0.1:{allowed}/ | grep heard"
        ))
        .extra("sandbox: {use: podman, image: 'localhost/task:1', network: model}\n")
        .extra("environment: [ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL]\n")
        .extra(&format!("network: {{allow: ['127.0.0.1:{allowed}']}}\n"))
        .write(world);
    let work = world.path("work");
    let run =
        ["run", &fixture, "--runs", "1", "--results-dir", "results", "--model", "claude-sonnet-4-5", "--work-dir"];
    let mut command = podman.command(&[&run[..], &[work.to_str().unwrap()]].concat());
    let base = server.base_url(Api::AnthropicMessages);
    output(command.env("ANTHROPIC_API_KEY", KEY).env("ANTHROPIC_BASE_URL", base)).exits(0);
    let run = world.experiment().join("T0/00/run_01");
    let printed = fs::read_to_string(run.join("agent/stdout.log")).unwrap();
    let keys: Vec<String> = server.asked().iter().map(|asked| asked.header("x-api-key").unwrap().to_owned()).collect();
    assert_eq!(keys, [KEY], "{printed}");
    for line in
        ["\"usage\"", "\nallowed: heard\n", "\nread-only\n", "\nfirst\n", "ANTHROPIC_BASE_URL=http://127.0.0.1:21731/"]
    {
        assert!(printed.contains(line), "{line}: {printed}");
    }
    assert!(printed.contains("\nanother: wget: server returned error: HTTP/1.1 403 Forbidden"), "{printed}");
    assert!(
        printed.contains("\npast it: wget: can't connect to remote host") && printed.contains("nobody\n"),
        "{printed}"
    );
    let ledger = fs::read_to_string(run.join("agent/usage.jsonl")).unwrap();
    assert_eq!(ledger.lines().count(), 1, "{ledger}");
    let connections = fs::read_to_string(run.join("agent/connections.jsonl")).unwrap();
    let allowed: Vec<Value> =
        connections.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["allowed"].clone()).collect();
    assert_eq!(allowed, [true, false], "{connections}");
    assert!(run.join("checks/connections.jsonl").exists());
    for file in files_below(&world.experiment()) {
        assert!(!String::from_utf8_lossy(&fs::read(&file).unwrap()).contains(KEY), "{}", file.display());
    }
    let result = crate::scenes::json(&run.join("run_result.json"));
    assert_eq!((&result["sandbox"], &result["network"]), (&json!("podman"), &json!("model")), "{result:#}");
    assert_eq!((&result["cost_source"], &result["judge_passed"]), (&json!("metered"), &json!(true)), "{result:#}");
    podman.scylla(&["verify", &experiment(world)]).exits(0);
}
