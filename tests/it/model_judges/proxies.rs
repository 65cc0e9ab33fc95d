//! Requests of judges go through the proxy that is named, or nowhere.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::{Value, json};

use super::{KEY, VARIABLE, arguments, panel};
use crate::fixture::TestFixture;
use crate::model_server::{Api, ModelServer, Say};
use crate::world::{Live, World};

/// Answers each connection to a port of its own.
fn proxy(answer: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || listener.incoming().flatten().for_each(answer));
    address
}

/// A proxy that speaks SOCKS 5 with whoever needs not log in, and leads to the address that is asked for.
fn socks(mut near: TcpStream) {
    let mut methods = [0; 2];
    near.read_exact(&mut methods).unwrap();
    near.read_exact(&mut vec![0; usize::from(methods[1])]).unwrap();
    near.write_all(&[5, 0]).unwrap();
    let mut asked = [0; 10];
    near.read_exact(&mut asked).unwrap();
    assert_eq!(asked[..4], [5, 1, 0, 1], "a connection to an address of IPv4");
    let port = u16::from_be_bytes([asked[8], asked[9]]);
    let mut far = TcpStream::connect((std::net::Ipv4Addr::new(asked[4], asked[5], asked[6], asked[7]), port)).unwrap();
    near.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
    let (mut to_far, mut from_near) = (far.try_clone().unwrap(), near.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut from_near, &mut to_far));
    let _ = std::io::copy(&mut far, &mut near);
}

/// A run with these variables, whose judge asks by itself: its exit code, the first failure, and how often the model was asked.
fn run(gateway: &str, variables: &[(&str, &str)]) -> (Option<i32>, Value, usize) {
    let server = ModelServer::start(|_| Say::scores(&[("R001", 1.0)]));
    let world = World::new();
    let judges = panel(&server, &[("asked", Api::OpenAiChat)]);
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").extra(&judges).write(&world);
    let mut command = world.command(&[&arguments(&fixture)[..], &["--attempts", "1", "--gateway", gateway]].concat());
    let (code, events, _) = Live::start(command.env(VARIABLE, KEY).envs(variables.iter().copied())).end();
    let failed = events.iter().find(|event| event["reason"] == "attempt-failed");
    (code, failed.map_or(Value::Null, |event| event["failure"].clone()), server.times("asked"))
}

#[test]
fn a_proxy_of_socks_is_gone_through() {
    let address = proxy(|near| drop(thread::spawn(move || socks(near))));
    for (gateway, scheme) in [("off", "socks5"), ("off", "socks"), ("meter", "socks5")] {
        let (code, failure, asked) = run(gateway, &[("ALL_PROXY", &format!("{scheme}://{address}"))]);
        assert_eq!((code, asked), (Some(0), 1), "{scheme}: {failure:#}");
    }
}

#[test]
fn what_is_no_proxy_that_can_be_used_is_a_failure_and_never_passed_by() {
    let wrong = [
        ("ALL_PROXY", "ftp://127.0.0.1:1"),
        ("HTTPS_PROXY", "htp://user:hunter22@127.0.0.1:1"),
        ("HTTP_PROXY", "http://exa mple:1"),
        ("http_proxy", "http://127.0.0.1:x"),
    ];
    let asked = |gateway| wrong.iter().map(move |(variable, value)| (gateway, *variable, *value));
    for (gateway, variable, value) in asked("off").chain(asked("meter")) {
        let (code, failure, asked) = run(gateway, &[(variable, value)]);
        assert_eq!((code, asked, &failure["kind"]), (Some(6), 0, &json!("provider")), "{value}: {failure:#}");
        let message = failure["message"].as_str().unwrap();
        assert!(message.contains(&format!("`{variable}` names a proxy that cannot be used")), "{message}");
        assert!(!message.contains("hunter22"), "{message}");
    }
}

#[test]
fn a_proxy_that_refuses_or_is_not_there_is_told_as_the_proxy() {
    let refusing = proxy(|mut near| {
        let _ = near.read(&mut [0; 4096]);
        let _ = near.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    });
    for value in [format!("http://{refusing}"), "socks5://127.0.0.1:1".to_owned(), "socks4://127.0.0.1:1".to_owned()] {
        let (code, failure, asked) = run("off", &[("ALL_PROXY", &value)]);
        assert_eq!((code, asked, &failure["kind"]), (Some(6), 0, &json!("provider")), "{value}: {failure:#}");
        let place = value.split("//").nth(1).unwrap();
        let told = format!("through the proxy {place}, which `ALL_PROXY` names: ");
        assert!(failure["message"].as_str().unwrap().contains(&told), "{failure:#}");
    }
    for gateway in ["off", "meter"] {
        let (code, failure, asked) = run(gateway, &[("ALL_PROXY", "http://127.0.0.1:1"), ("NO_PROXY", "127.0.0.1")]);
        assert_eq!((code, asked), (Some(0), 1), "{failure:#}");
    }
    // The gateway says why it got no answer.
    let (code, failure, asked) = run("meter", &[("ALL_PROXY", "socks5://127.0.0.1:1")]);
    assert_eq!((code, asked, &failure["kind"]), (Some(6), 0, &json!("provider")), "{failure:#}");
    let message = failure["message"].as_str().unwrap();
    assert!(message.contains("502: the gateway got no answer: the host could not be reached"), "{message}");
}

#[test]
fn a_key_with_a_line_break_is_no_key_and_nothing_is_sent() {
    for gateway in ["off", "meter"] {
        let (code, failure, asked) = run(gateway, &[(VARIABLE, "sk-scripted-one\nsk-scripted-two")]);
        assert_eq!((code, asked, &failure["kind"]), (Some(6), 0, &json!("auth")), "{failure:#}");
        assert!(failure["message"].as_str().unwrap().contains(&format!("the variable `{VARIABLE}` holds no key")));
    }
}
