//! What the gateway keeps to itself: real keys, paths that lead elsewhere, and what one program may take from others.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::{CONFIG, Lease};
use super::{Host, MESSAGE, Place, answer, ask, text, variables};
use crate::os::http::{Post, post};

/// Whoever is asked reads keys in a few places, and may repeat everything else in what it answers.
#[test]
fn real_keys_go_where_keys_are_read_and_each_to_its_own_provider() {
    let host = Host::of(vec![answer("application/json", MESSAGE); 3]);
    let place = Place::new();
    let lease = place.lease();
    let mut given = variables(&[
        ("ANTHROPIC_API_KEY", "sk-real-one"),
        ("ANTHROPIC_BASE_URL", &host.address),
        ("OPENAI_API_KEY", "sk-real-two"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:9"),
    ]);
    lease.redirect(&mut given, None);
    let own = text(&given, "ANTHROPIC_API_KEY").to_owned();
    let base = text(&given, "ANTHROPIC_BASE_URL").to_owned();
    let body = json!({"model": own});
    ask(&format!("{base}/v1/{own}/messages?x={own}"), &own, &body).unwrap();
    let asked = host.next();
    assert_eq!(asked.matches("sk-real-one").count(), 1, "{asked}");
    assert!(asked.contains("x-api-key: sk-real-one\r\n"), "{asked}");
    let headers = [("x-request", own.clone()), ("authorization", format!("Bearer {own}"))];
    post(&Post {
        url: &format!("{base}/v1/messages"),
        headers: &headers,
        body: b"{}",
        timeout: Duration::from_secs(20),
        most_bytes: 1 << 20,
    })
    .unwrap();
    let asked = host.next();
    assert_eq!(asked.matches("sk-real-one").count(), 1, "{asked}");
    assert!(asked.contains("authorization: Bearer sk-real-one\r\n"), "{asked}");
    ask(&format!("{base}/v1/messages"), text(&given, "OPENAI_API_KEY"), &json!({})).unwrap();
    let asked = host.next();
    assert!(!asked.contains("sk-real"), "a key of another provider is none here: {asked}");
}

/// Keys whose numbers begin alike are keys of their own.
#[test]
fn each_of_many_keys_stands_for_itself_alone() {
    let host = Host::of(vec![answer("application/json", MESSAGE); 12]);
    let providers: serde_json::Map<String, Value> = (0..12)
        .map(|it| {
            let options = json!({"baseURL": host.address, "apiKey": format!("sk-real-{it:02}-end")});
            (format!("p{it:02}"), json!({"options": options}))
        })
        .collect();
    let place = Place::new();
    let lease = place.lease();
    let mut given = variables(&[(CONFIG, &json!({"provider": providers}).to_string())]);
    lease.redirect(&mut given, Some(&[CONFIG]));
    let led: Value = serde_json::from_str(text(&given, CONFIG)).unwrap();
    for it in 0..12 {
        let options = &led["provider"][format!("p{it:02}")]["options"];
        let (base, key) = (options["baseURL"].as_str().unwrap(), options["apiKey"].as_str().unwrap());
        ask(&format!("{base}/v1/messages"), key, &json!({})).unwrap();
        let asked = host.next();
        assert!(asked.contains(&format!("x-api-key: sk-real-{it:02}-end\r\n")), "{it}: {asked}");
    }
}

#[test]
fn what_nobody_could_count_and_what_steps_out_of_its_path_is_not_passed_on() {
    let host = Host::of(Vec::new());
    let place = Place::new();
    let lease = place.lease();
    let mut given = variables(&[("ANTHROPIC_API_KEY", "sk-real"), ("ANTHROPIC_BASE_URL", &host.address)]);
    lease.redirect(&mut given, None);
    let base = text(&given, "ANTHROPIC_BASE_URL").strip_prefix("http://").unwrap().to_owned();
    let (server, path) = base.split_once('/').unwrap();
    let status = |end: &str| {
        // As bytes, because a client may put a path into another form.
        let mut stream = TcpStream::connect(server).unwrap();
        let head =
            format!("POST /{path}{end} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    for end in ["/v1/x/../messages", "/v1/messages/.", "/../../../other", "/v1/x%2fmessages", "/v1/%2e%2e/messages"] {
        assert_eq!(status(end), "400", "{end}");
    }
    for end in ["/v1/messages/batches", "/v1/complete", "/v1/embeddings"] {
        assert_eq!(status(end), "403", "{end}");
    }
    assert_eq!(lease.end().unwrap().exchanges, []);
}

/// Programs keep connections open that they may use again.
#[test]
fn whoever_holds_all_connections_that_it_may_have_takes_none_from_others() {
    let host = Host::of(vec![answer("application/json", MESSAGE)]);
    let place = Place::new();
    let (greedy, other) = (place.lease(), place.lease());
    let address = |lease: &Lease| {
        let mut given = variables(&[("ANTHROPIC_API_KEY", "sk-real"), ("ANTHROPIC_BASE_URL", &host.address)]);
        lease.redirect(&mut given, None);
        text(&given, "ANTHROPIC_BASE_URL").to_owned()
    };
    let server = address(&greedy);
    let server = server.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let begun = b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\n";
    let held: Vec<TcpStream> = (0..300)
        .map_while(|_| {
            // Whoever has all that it may have gets no other one.
            let mut stream = TcpStream::connect_timeout(&server.parse().unwrap(), Duration::from_millis(500)).ok()?;
            stream.write_all(begun).unwrap();
            Some(stream)
        })
        .collect();
    let reply = ask(&format!("{}/v1/messages", address(&other)), "x", &json!({"model": "m"})).unwrap();
    assert_eq!(reply.status, 200);
    drop(held);
}
