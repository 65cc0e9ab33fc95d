//! What agents and checks reach of the network where it leads to their model and to named hosts alone: nothing else, whoever tries.

mod hosts;
mod proxied;
mod refused;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::fixture::TestFixture;
use crate::model_server::{Api, ModelServer, Say};
use crate::scenes::{alive, containments, experiment, files_below, output, saved};
use crate::world::{Live, World, wait_until};

/// The real key.
const KEY: &str = "sk-ant-the-real-key-0123456789";
const MODEL: &str = "claude-sonnet-4-5";
const IN_SANDBOX: &[&str] = &["--sandbox", "bubblewrap", "--network", "model"];

/// Asks the model once, by whatever address the environment names.
const ASK: &str = r#"ask() {
url=${ANTHROPIC_BASE_URL#http://}; host=${url%%/*}; path=${1-${url#"$host"}}
body='{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":"go"}]}'
exec 3<>"/dev/tcp/${host%:*}/${host#*:}"
printf 'POST %s/v1/messages HTTP/1.1\r\nhost: %s\r\nx-api-key: %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s' "$path" "$host" "$ANTHROPIC_API_KEY" "${#body}" "$body" >&3
cat <&3; exec 3<&-
}
"#;

/// An agent of bash, which does this.
fn bash(script: &str) -> String {
    format!("cat > ask.sh <<'END'\n{ASK}{script}\nEND\nbash ask.sh; code=$?; rm ask.sh; touch done; exit $code")
}

struct Place {
    world: World,
    server: ModelServer,
    fixture: String,
}

impl Place {
    fn new(agent: &str, extra: &str) -> Self {
        Self::checked(agent, "test -f done", extra)
    }

    fn checked(agent: &str, check: &str, extra: &str) -> Self {
        let server = ModelServer::start(|_| Say::Answer("done".to_owned()));
        let world = World::new();
        let fixture = TestFixture::new()
            .agent("T0/00-one", agent)
            .check(check)
            .extra("environment: [ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL, HTTPS_PROXY]\n")
            .extra(extra)
            .write(&world);
        Self { world, server, fixture }
    }

    fn run(&self, more: &[&str]) -> Command {
        let run = ["run", &self.fixture, "--results-dir", "results", "--runs", "1", "--model", MODEL];
        let mut command = self.world.command(&[&run[..], more].concat());
        command.env("ANTHROPIC_API_KEY", KEY).env("ANTHROPIC_BASE_URL", self.server.base_url(Api::AnthropicMessages));
        // A proxy of this machine is nothing to a program that reaches nothing of it.
        command.env("HTTPS_PROXY", "http://127.0.0.1:9");
        command
    }

    fn file(&self, name: &str) -> String {
        let path = self.world.experiment().join("T0/00/run_01").join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn result(&self) -> Value {
        serde_json::from_str(&self.file("run_result.json")).unwrap()
    }

    fn connections(&self, name: &str) -> Vec<Value> {
        self.file(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Whether a test that needs bubblewrap has to be skipped; it says so.
#[expect(clippy::print_stdout, reason = "who reads the tests' output learns what was not tried")]
pub(crate) fn is_skipped() -> bool {
    let skipped = !containments().contains(&"bubblewrap");
    if skipped {
        println!("skipped: bubblewrap does not work here");
    }
    skipped
}

/// A server that answers every connection with a word, and counts them.
struct Answering {
    port: u16,
    count: Arc<AtomicUsize>,
}

impl Answering {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&count);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                counted.fetch_add(1, Ordering::SeqCst);
                let mut asked = Vec::new();
                let mut buffer = [0; 1024];
                while !asked.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut buffer) {
                        Ok(0) | Err(_) => break,
                        Ok(length) => asked.extend_from_slice(&buffer[..length]),
                    }
                }
                let body = format!("heard {}", String::from_utf8_lossy(&asked).lines().next().unwrap_or_default());
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Self { port, count }
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

#[test]
fn an_agent_reaches_its_model_by_the_gateway_and_nothing_else_by_any_address() {
    if is_skipped() {
        return;
    }
    let other = Answering::start();
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    datagrams.set_nonblocking(true).unwrap();
    let place = Place::new(
        &bash(&format!(
            r#"ask
for address in 127.0.0.1/{other} 127.0.0.1/53 1.1.1.1/443 ::1/{other} 10.0.0.1/80; do
  if timeout 5 bash -c "exec 3<>/dev/tcp/$address" 2> /dev/null; then echo "reached $address"; else echo "kept from $address"; fi
done
if getent hosts example.org; then echo "a name was found"; else echo "no name is found"; fi
echo question > /dev/udp/127.0.0.1/{datagrams}
cat /proc/net/dev | tail -n +3 | cut -d: -f1 | tr -d ' ' | sed 's/^/interface /'
sed 's/^/process /' /proc/[0-9]*/comm
env"#,
            other = other.port,
            datagrams = datagrams.local_addr().unwrap().port()
        )),
        "",
    );
    let ended = output(&mut place.run(IN_SANDBOX)).exits(0);
    let printed = place.file("agent/stdout.log");
    assert!(printed.contains("HTTP/1.1 200"), "{printed}{ended}");
    assert_eq!(place.server.asked().len(), 1);
    assert_eq!(place.server.asked()[0].header("x-api-key"), Some(KEY));
    assert!(!printed.contains("reached") && printed.matches("kept from").count() == 5, "{printed}");
    assert!(printed.contains("no name is found"), "{printed}");
    let interfaces: Vec<&str> = printed.lines().filter(|line| line.starts_with("interface ")).collect();
    assert_eq!(interfaces, ["interface lo"], "{printed}");
    assert!(printed.contains("process bash"), "{printed}");
    assert!(!printed.contains("process cargo-scylla"), "nothing of ours stays in there: {printed}");
    assert!(!printed.to_lowercase().contains("_proxy=http"), "{printed}");
    assert_eq!(other.count(), 0);
    assert!(datagrams.recv(&mut [0; 10]).is_err());
    let result = place.result();
    let seen = (&result["sandbox"], &result["network"], &result["not_isolated"], &result["cost_source"]);
    assert_eq!(seen, (&json!("bubblewrap"), &json!("model"), &json!(["resources"]), &json!("metered")));
    assert!(!place.world.experiment().join("T0/00/run_01/agent/connections.jsonl").exists());
    assert_eq!(saved(&place.world, "sandbox"), json!({"use": "bubblewrap", "network": "model"}));
    for file in files_below(&place.world.experiment()) {
        assert!(!String::from_utf8_lossy(&fs::read(&file).unwrap()).contains(KEY), "{}", file.display());
    }
    let verified = place.world.scylla(&["verify", &experiment(&place.world)]).exits(0);
    assert!(verified.stdout.contains("Not isolated: resources of the machine."), "{verified}");
}

#[test]
fn the_code_and_the_signal_by_which_an_agent_ends_behind_the_door_are_its_own() {
    if is_skipped() {
        return;
    }
    for (end, code) in [("exit 7", 7), ("kill -USR1 $$", 128 + 10)] {
        let place = Place::new(&format!("touch done; {end}"), "");
        output(&mut place.run(IN_SANDBOX)).exits(0);
        assert_eq!(place.result()["exit_code"], code, "{end}");
    }
    let place = Place::new("touch done; cat; echo end of input; kill -KILL $$", "");
    let ended = output(&mut place.run(&[IN_SANDBOX, &["--attempts", "1"]].concat()));
    assert!(ended.stdout.contains("signal 9") || ended.stderr.contains("signal 9"), "{ended}");
}

#[test]
fn the_door_of_an_attempt_admits_nothing_that_belongs_to_another_attempt() {
    if is_skipped() {
        return;
    }
    let world = World::new();
    let told = Arc::new(Mutex::new("nothing yet".to_owned()));
    let tells = Arc::clone(&told);
    let server = ModelServer::start(move |_| Say::Answer(tells.lock().unwrap().clone()));
    // The first one tells its address, and stays until the second one has tried it.
    let first = bash("echo \"mine: $ANTHROPIC_BASE_URL\"; until ask | grep -q tried; do sleep 0.1; done");
    let second = bash(
        "until other=$(ask | grep -o '/[0-9a-f]*/anthropic'); do sleep 0.1; done; echo \"other: $other\"; ask \"$other\"; ask",
    );
    let fixture = TestFixture::new()
        .agent("T0/00-first", &first)
        .agent("T0/01-second", &second)
        .extra("environment: [ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL]\n")
        .write(&world);
    let run = ["run", &fixture, "--results-dir", "results", "--runs", "1", "--jobs", "2", "--model", MODEL];
    let mut command = world.command(&[&run[..], IN_SANDBOX].concat());
    command.env("ANTHROPIC_API_KEY", KEY).env("ANTHROPIC_BASE_URL", server.base_url(Api::AnthropicMessages));
    let session = Live::start(&mut command);
    let printed = |subtest: &str| {
        let logs = files_below(&world.results());
        let log = logs.iter().find(|file| file.ends_with(format!("T0/{subtest}/run_01/agent/stdout.log")));
        log.and_then(|log| fs::read_to_string(log).ok()).unwrap_or_default()
    };
    wait_until("the first one has told its address", || printed("00").contains("/anthropic"));
    let address = printed("00").lines().find_map(|line| line.strip_prefix("mine: ").map(str::to_owned)).unwrap();
    let path = address.trim_start_matches("http://127.0.0.1:21731").to_owned();
    told.lock().unwrap().clone_from(&path);
    wait_until("the second one has tried it", || {
        printed("01").contains("message_stop") || printed("01").matches("HTTP/1.1").count() > 1
    });
    "tried".clone_into(&mut told.lock().unwrap());
    let (code, _, told) = session.end();
    assert_eq!(code, Some(0), "{told}");
    let printed = printed("01");
    let answers: Vec<&str> = printed.lines().filter(|line| line.starts_with("HTTP/1.1")).map(str::trim).collect();
    assert!(printed.contains(&format!("other: {path}")), "{printed}");
    assert_eq!(answers, ["HTTP/1.1 401 Unauthorized", "HTTP/1.1 200 OK"], "{printed}");
    assert!(printed.contains("does not belong to the attempt that asks"), "{printed}");
}

/// A tunnel to the gateway in a tunnel to the gateway, and so on, would take a part of the coordinator's stack each.
#[test]
fn a_tunnel_to_the_gateway_leads_to_models_and_to_no_other_tunnel() {
    if is_skipped() {
        return;
    }
    let nested = "url=${ANTHROPIC_BASE_URL#http://}; host=${url%%/*}; exec 3<>\"/dev/tcp/${host%:*}/${host#*:}\"\n\
        for one in 1 2; do printf 'CONNECT %s HTTP/1.1\\r\\nhost: %s\\r\\n\\r\\n' \"$host\" \"$host\" >&3; \
        read -r line <&3; echo \"$one: $line\"; while read -r line <&3 && [ -n \"${line%?}\" ]; do :; done; done; exec 3<&-; ask";
    let place = Place::new(&bash(nested), "");
    output(&mut place.run(IN_SANDBOX)).exits(0);
    let printed = place.file("agent/stdout.log");
    assert!(printed.contains("1: HTTP/1.1 200 OK") && printed.contains("2: HTTP/1.1 400 Bad Request"), "{printed}");
}

/// A shell may have left a file or a connection open, which is no way past the walls of a sandbox.
#[test]
fn nothing_that_was_open_when_a_session_began_is_open_to_an_agent_or_a_check() {
    let world = World::new();
    world.write("secret.txt", "HOST-SECRET");
    let reads = "(cat <&9) 2>&1 | tee done; ls /proc/self/fd > fds; cat fds";
    let fixture = TestFixture::new().agent("T0/00-one", reads).check("! (cat <&9)").write(&world);
    let secret = world.path("secret.txt");
    for containment in containments() {
        let script = format!(
            "exec 9<'{}'; exec '{}' run --tiers-dir '{fixture}' --results-dir results-{containment} --runs 1 --containment {containment}",
            secret.display(),
            env!("CARGO_BIN_EXE_cargo-scylla")
        );
        let given = world.command(&[]);
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(script).env_clear().current_dir(world.path("."));
        shell.envs(given.get_envs().filter_map(|(name, value)| Some((name, value?))));
        output(&mut shell).exits(0);
        let logs = files_below(&world.path(&format!("results-{containment}")));
        let log = logs.iter().find(|file| file.ends_with("agent/stdout.log")).unwrap();
        let printed = fs::read_to_string(log).unwrap();
        assert!(!printed.contains("HOST-SECRET"), "{containment}: {printed}");
    }
}

#[test]
fn a_session_that_is_killed_leaves_no_process_no_listener_and_no_socket_and_a_resume_goes_on() {
    if is_skipped() {
        return;
    }
    let stays = Arc::new(AtomicBool::new(true));
    let place = Place::new(&bash("if ask | grep -q stay; then exec sleep 4729; fi"), "");
    let server = {
        let stays = Arc::clone(&stays);
        ModelServer::start(move |_| Say::Answer(if stays.load(Ordering::SeqCst) { "stay" } else { "go" }.to_owned()))
    };
    let place = Place { server, ..place };
    let mut session = Live::start(&mut place.run(&[IN_SANDBOX, &["--work-dir", "work"]].concat()));
    let listens = |process: i32| {
        let listeners = fs::read_to_string(format!("/proc/{process}/net/tcp")).unwrap_or_default();
        listeners.contains(&format!(":{:04X} 00000000:0000 0A", 21_731))
    };
    // The word stands in the commands of those, too, that start it.
    wait_until("the agent is in a network of its own", || alive("4729").into_iter().any(listens));
    session.kill();
    wait_until("nothing of it is alive", || alive("4729").is_empty());
    assert!(!listens(std::process::id().cast_signed()));
    let sockets = Command::new("find").arg(place.world.path("")).args(["-type", "s"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&sockets.stdout), "");
    let dir = experiment(&place.world);
    let refused = place.world.scylla(&["resume", &dir, "--gateway", "off"]).exits(2);
    assert!(refused.stderr.contains("and `--gateway off` leaves none"), "{refused}");
    assert_eq!(saved(&place.world, "gateway"), Value::Null, "what was refused is not saved");
    stays.store(false, Ordering::SeqCst);
    let mut resume = place.world.command(&["resume", &dir]);
    resume.env("ANTHROPIC_API_KEY", KEY).env("ANTHROPIC_BASE_URL", place.server.base_url(Api::AnthropicMessages));
    output(&mut resume).exits(0);
    assert_eq!(place.result()["network"], "model");
}
