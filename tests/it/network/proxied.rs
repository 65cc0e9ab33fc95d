//! Where this machine reaches hosts through a proxy alone, the door goes through it; who may be reached is decided before.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use super::hosts::OUT;
use super::{Answering, IN_SANDBOX, Place, bash, is_skipped};
use crate::scenes::output;

/// A proxy that wants to know who asks, and leads to this port of this machine, whatever host is asked for.
struct Proxy {
    address: String,
    /// The first lines of what it was asked, and who asked.
    asked: Arc<Mutex<Vec<[String; 2]>>>,
}

impl Proxy {
    fn start(leads_to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, asked) = (listener.local_addr().unwrap().to_string(), Arc::<Mutex<Vec<_>>>::default());
        let heard = Arc::clone(&asked);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let heard = Arc::clone(&heard);
                thread::spawn(move || lead(near, leads_to, &heard));
            }
        });
        Self { address, asked }
    }
}

fn lead(mut near: TcpStream, leads_to: u16, heard: &Mutex<Vec<[String; 2]>>) {
    let mut reading = BufReader::new(near.try_clone().unwrap());
    let lines = lines_of_head(&mut reading);
    let Some(first) = lines.first().cloned() else { return };
    let who =
        lines.iter().find_map(|line| line.to_lowercase().strip_prefix("proxy-authorization: ").map(str::to_owned));
    heard.lock().unwrap().push([first.clone(), who.unwrap_or_default()]);
    if first.starts_with("CONNECT refused.example:") {
        let _ = near.write_all(b"HTTP/1.1 407 Who are you\r\n\r\n");
        return;
    }
    let mut far = TcpStream::connect(("127.0.0.1", leads_to)).unwrap();
    if first.starts_with("CONNECT ") {
        near.write_all(b"HTTP/1.1 200 Here you are\r\nvia: it\r\n\r\n").unwrap();
        let mut to_far = far.try_clone().unwrap();
        thread::spawn(move || std::io::copy(&mut reading, &mut to_far));
    } else {
        far.write_all(format!("{first}\r\n\r\n").as_bytes()).unwrap();
    }
    let _ = std::io::copy(&mut far, &mut near);
    let _ = near.shutdown(Shutdown::Both);
}

/// The lines of a head.
fn lines_of_head(reading: &mut BufReader<TcpStream>) -> Vec<String> {
    let lines = std::iter::from_fn(|| {
        let mut line = String::new();
        reading.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line.trim_end().to_owned()).filter(|line| !line.is_empty())
    });
    lines.collect()
}

const ALLOW: &str = "network: {allow: [far.example, refused.example, 127.0.0.1:PORT]}\n";

/// What the agent printed, and its connections, with these variables of the session.
fn run(script: &str, port: u16, variables: &[(&str, &str)]) -> (String, Vec<Value>) {
    let place = Place::new(&bash(&format!("{OUT}{script}")), &ALLOW.replace("PORT", &port.to_string()));
    let mut run = place.run(IN_SANDBOX);
    output(run.env_remove("HTTPS_PROXY").env("NO_PROXY", "127.0.0.1").envs(variables.iter().copied())).exits(0);
    (place.file("agent/stdout.log").replace('\r', ""), place.connections("agent/connections.jsonl"))
}

#[test]
fn hosts_that_are_allowed_are_reached_through_the_proxy_of_this_machine_and_others_are_not_asked_for() {
    if is_skipped() {
        return;
    }
    let answering = Answering::start();
    let proxy = Proxy::start(answering.port);
    let script = format!(
        "tunnel far.example:443; direct far.example:80; tunnel other.example:443; tunnel 127.0.0.1:{}; tunnel refused.example:443; env",
        answering.port
    );
    let named = format!("http://me:hunter22@{}", proxy.address);
    let (printed, connections) = run(
        &script,
        answering.port,
        &[("HTTPS_PROXY", &named), ("HTTP_PROXY", &named), ("NO_PROXY", "127.0.0.1,near.org")],
    );
    let said =
        |what: &str| printed.split(&format!("{what}:\n")).nth(1).unwrap_or_else(|| panic!("{printed}")).to_owned();
    assert!(said("tunnel far.example:443").contains("heard GET /through HTTP/1.1"), "{printed}");
    assert!(said("direct far.example:80").contains("heard GET http://far.example:80/direct?x=1 HTTP/1.1"), "{printed}");
    assert!(said("tunnel other.example:443").starts_with("HTTP/1.1 403 "), "{printed}");
    assert!(said(&format!("tunnel 127.0.0.1:{}", answering.port)).contains("heard GET /through"), "{printed}");
    let refused = said("tunnel refused.example:443");
    assert!(refused.starts_with("HTTP/1.1 502 ") && refused.contains("answers with status 407"), "{printed}");
    let who = "basic bwu6ahvudgvymji=".to_owned();
    let expected = ["CONNECT far.example:443", "GET http://far.example:80/direct?x=1", "CONNECT refused.example:443"];
    let expected = expected.map(|line| [format!("{line} HTTP/1.1"), who.clone()]);
    assert_eq!(*proxy.asked.lock().unwrap(), expected, "nothing else was asked of the proxy");
    assert!(!printed.contains("hunter22"), "who may ask the proxy is not the agent's to know: {printed}");
    let seen: Vec<Value> = connections.iter().map(|line| json!([line["host"], line["allowed"]])).collect();
    let hosts = [
        ("far.example", true),
        ("far.example", true),
        ("other.example", false),
        ("127.0.0.1", true),
        ("refused.example", true),
    ];
    assert_eq!(seen, hosts.map(|(host, allowed)| json!([host, allowed])));
    assert!(connections[4]["why"].as_str().unwrap().contains("answers with status 407"), "{connections:?}");
    assert_eq!(connections[0]["sent_bytes"].as_u64(), Some("GET /through HTTP/1.1\r\n\r\n".len() as u64));
}

#[test]
fn a_proxy_that_cannot_lead_there_is_told_as_the_proxy_and_not_passed_by() {
    if is_skipped() {
        return;
    }
    let answering = Answering::start();
    for (named, why) in [
        ("socks5://127.0.0.1:9", "the proxy 127.0.0.1:9 is no `http://` one"),
        ("http://127.0.0.1:9", "the proxy 127.0.0.1:9: Connection refused"),
    ] {
        let (printed, connections) = run("tunnel far.example:443", answering.port, &[("ALL_PROXY", named)]);
        assert!(printed.contains("HTTP/1.1 502 ") && printed.contains(why), "{named}: {printed}");
        assert!(connections[0]["why"].as_str().unwrap().contains(why), "{connections:?}");
    }
}
