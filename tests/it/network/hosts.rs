//! Hosts that a fixture names are reached by the same door, and no others; each connection is written down.

use serde_json::{Value, json};

use super::{Answering, IN_SANDBOX, Place, bash, is_skipped};
use crate::scenes::{experiment, output};

/// Asks for a host by the proxy that the environment names, through a tunnel and directly.
pub(super) const OUT: &str = r#"door=${HTTPS_PROXY#http://}
tunnel() { echo "tunnel $1:"; exec 3<>"/dev/tcp/${door%:*}/${door#*:}"; printf 'CONNECT %s HTTP/1.1\r\nhost: %s\r\nconnection: close\r\n\r\n' "$1" "$1" >&3
  IFS= read -r status <&3; echo "$status"; case $status in *200*) printf 'GET /through HTTP/1.1\r\n\r\n' >&3;; esac; timeout 20 cat <&3; exec 3<&-; echo; }
direct() { echo "direct $1:"; exec 3<>"/dev/tcp/${door%:*}/${door#*:}"
  printf 'GET http://%s/direct?x=1 HTTP/1.1\r\nhost: elsewhere\r\nproxy-connection: close\r\nconnection: close\r\n\r\n' "$1" >&3; timeout 20 cat <&3; exec 3<&-; echo; }
"#;

#[test]
fn a_host_that_the_fixture_names_is_reached_and_another_one_is_refused_and_each_connection_is_written_down() {
    if is_skipped() {
        return;
    }
    let (allowed, other) = (Answering::start(), Answering::start());
    let (port, refused) = (allowed.port, other.port);
    let script = format!(
        "{OUT}tunnel 127.0.0.1:{port}; direct 127.0.0.1:{port}; tunnel 127.0.0.1:{refused}; direct 127.0.0.1:{refused}
tunnel localhost:{port}; tunnel api.example.org:443; direct 127.1:{port}; tunnel [::ffff:127.0.0.1]:{port}; ask; env"
    );
    let place = Place::checked(
        &bash(&script),
        &bash(&format!("{OUT}direct 127.0.0.1:{port}; direct 127.0.0.1:{refused}; test -f done")),
        &format!(
            "network: {{allow: [\"127.0.0.1:{port}\", \"localhost:{port}\", pypi.org, \"*.example.org:8443\"]}}\n"
        ),
    );
    output(&mut place.run(IN_SANDBOX)).exits(0);
    let printed = place.file("agent/stdout.log").replace('\r', "");
    let said =
        |what: &str| printed.split(&format!("{what}:\n")).nth(1).unwrap_or_else(|| panic!("{printed}")).to_owned();
    let tunnel = said(&format!("tunnel 127.0.0.1:{port}"));
    assert!(tunnel.starts_with("HTTP/1.1 200 OK\n") && tunnel.contains("heard GET /through HTTP/1.1"), "{printed}");
    assert!(said(&format!("direct 127.0.0.1:{port}")).contains("heard GET /direct?x=1 HTTP/1.1"), "{printed}");
    for (what, why) in [
        (format!("tunnel 127.0.0.1:{refused}"), "is none of the hosts that this task may reach (`network.allow`)"),
        (format!("direct 127.0.0.1:{refused}"), "is none of the hosts"),
        ("tunnel api.example.org:443".to_owned(), "is none of the hosts"),
        (format!("direct 127.1:{port}"), "is none of the hosts"),
    ] {
        let said = said(&what);
        assert!(said.starts_with("HTTP/1.1 403 ") && said.contains(why), "{what}: {printed}");
    }
    assert!(
        said(&format!("tunnel localhost:{port}")).starts_with("HTTP/1.1 200 OK"),
        "its address is named too: {printed}"
    );
    assert!(printed.contains("HTTP/1.1 200 OK") && place.server.asked().len() == 1, "the model is asked: {printed}");
    assert!(
        printed.contains("HTTPS_PROXY=http://127.0.0.1:21731") && printed.contains("\nno_proxy=127.0.0.1,localhost"),
        "{printed}"
    );
    assert_eq!((allowed.count(), other.count()), (5 + 1, 0), "the untouched tree was checked, too");
    assert_written_down(&place, port, refused);
    assert_eq!(
        place.result()["allow"],
        json!([format!("127.0.0.1:{port}"), format!("localhost:{port}"), "pypi.org", "*.example.org:8443"])
    );
    let verified = place.world.scylla(&["verify", &experiment(&place.world)]).exits(0);
    assert!(
        verified
            .stdout
            .contains(&format!("reachable: 127.0.0.1:{port}, localhost:{port}, pypi.org and *.example.org:8443.")),
        "{verified}"
    );
    let shown = place.world.scylla(&["show", "T0/00/run_01"]).exits(0);
    assert!(shown.stdout.contains(&format!("network model and 127.0.0.1:{port}")), "{shown}");
}

/// Each of those connections has its line, and the seal covers them.
fn assert_written_down(place: &Place, port: u16, refused: u16) {
    let seen: Vec<(Value, Value)> = place
        .connections("agent/connections.jsonl")
        .iter()
        .map(|line| (json!(format!("{}:{}", line["host"].as_str().unwrap(), line["port"])), line["allowed"].clone()))
        .collect();
    let expected = |host: String, is_allowed: bool| (json!(host), json!(is_allowed));
    assert_eq!(
        seen,
        [
            expected(format!("127.0.0.1:{port}"), true),
            expected(format!("127.0.0.1:{port}"), true),
            expected(format!("127.0.0.1:{refused}"), false),
            expected(format!("127.0.0.1:{refused}"), false),
            expected(format!("localhost:{port}"), true),
            expected("api.example.org:443".to_owned(), false),
            expected(format!("127.1:{port}"), false),
            expected(format!("[::ffff:127.0.0.1]:{port}"), true),
        ]
    );
    let first = &place.connections("agent/connections.jsonl")[0];
    let bytes = (first["sent_bytes"].as_u64().unwrap(), first["received_bytes"].as_u64().unwrap());
    assert_eq!(bytes.0, "GET /through HTTP/1.1\r\n\r\n".len() as u64, "{first}");
    assert!(bytes.1 > 50 && first["seconds"].as_f64().unwrap() > 0.0, "{first}");
    let checked = place.connections("checks/connections.jsonl");
    let checked: Vec<bool> = checked.iter().map(|line| line["allowed"].as_bool().unwrap()).collect();
    assert_eq!(checked, [true, false, true, false], "before and after the agent");
    assert!(place.file("SHA256SUMS").contains("agent/connections.jsonl"));
}

#[test]
fn a_name_that_leads_to_this_machine_is_refused_where_its_address_is_not_named() {
    if is_skipped() {
        return;
    }
    let own = Answering::start();
    let script = format!("{OUT}tunnel localhost:{port}; direct localhost:{port}", port = own.port);
    let place = Place::new(&bash(&script), &format!("network: {{allow: [\"localhost:{}\"]}}\n", own.port));
    output(&mut place.run(IN_SANDBOX)).exits(0);
    let printed = place.file("agent/stdout.log");
    assert_eq!(printed.matches("403 Forbidden").count(), 2, "{printed}");
    assert!(printed.contains("leads to an address of this machine"), "{printed}");
    assert_eq!(own.count(), 0);
    let lines = place.connections("agent/connections.jsonl");
    assert!(lines.iter().all(|line| line["allowed"] == json!(false)) && lines.len() == 2, "{lines:?}");
}
