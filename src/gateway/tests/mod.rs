mod faults;
mod guarded;
mod held;
mod read;
mod taped;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Gateway, Lease, Passing, Terms};
use crate::model::allowance::{Allowance, Exceeded};
use crate::model::exchange::{Exchange, GatewayUse, Passage};
use crate::model::ids::ModelName;
use crate::model::money::Usd;
use crate::model::usage::{Cost, CostSource, OwnPrices, Tokens};
use crate::os::http::{HttpError, Post, Reply, post};

/// A host that gives one answer to each connection, as these bytes, and then hangs up.
struct Host {
    address: String,
    asked: Receiver<String>,
}

impl Host {
    fn of(answers: Vec<Vec<Vec<u8>>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (give, asked) = channel();
        thread::spawn(move || {
            for parts in answers {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let _ = give.send(request(&mut stream));
                for part in parts {
                    if stream.write_all(&part).is_err() {
                        break;
                    }
                }
            }
        });
        Self { address, asked }
    }

    fn next(&self) -> String {
        self.asked.recv_timeout(Duration::from_secs(20)).unwrap()
    }
}

/// A whole request: its head and a body of the length that it names.
fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return String::from_utf8(bytes).unwrap();
            }
        }
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return String::from_utf8(bytes).unwrap(),
            Ok(count) => bytes.extend_from_slice(&part[..count]),
        }
    }
}

fn answer(kind: &str, body: &str) -> Vec<Vec<u8>> {
    answer_with("200 OK", &format!("content-type: {kind}\r\nrequest-id: req_7\r\n"), body)
}

fn answer_with(status: &str, headers: &str, body: &str) -> Vec<Vec<u8>> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    vec![head.into_bytes(), body.as_bytes().to_vec()]
}

struct Place {
    folder: tempfile::TempDir,
    gateway: Gateway,
    /// The model that agents are told to use.
    model: &'static str,
}

impl Place {
    fn new() -> Self {
        Self::holding(60)
    }

    fn holding(seconds: u64) -> Self {
        let gateway = Gateway::of(GatewayUse::Meter, Duration::from_secs(seconds)).unwrap();
        Self { folder: tempfile::tempdir().unwrap(), gateway, model: "sonnet" }
    }

    fn lease(&self) -> Lease {
        self.lease_within(Allowance::default())
    }

    fn lease_within(&self, allowance: Allowance) -> Lease {
        self.lease_by(allowance, Passing::Forgotten)
    }

    fn lease_by(&self, allowance: Allowance, passing: Passing) -> Lease {
        let terms = Terms { allowance, passing, ..self.terms() };
        self.gateway.lease(&self.folder.path().join("usage.jsonl"), terms).unwrap()
    }

    fn terms(&self) -> Terms {
        Terms {
            run: "T0/00/1".parse().unwrap(),
            model: Some(ModelName::new(self.model)),
            allowance: Allowance::default(),
            heeds_ceiling: true,
            patience: None,
            prices: OwnPrices::default(),
            passing: Passing::Forgotten,
        }
    }

    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join("usage.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<OsString, OsString> {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn text<'a>(environment: &'a BTreeMap<OsString, OsString>, name: &str) -> &'a str {
    environment.get(std::ffi::OsStr::new(name)).and_then(|it| it.to_str()).unwrap_or_default()
}

fn ask(url: &str, key: &str, body: &Value) -> Result<Reply, HttpError> {
    let headers = [("x-api-key", key.to_owned()), ("content-type", "application/json".to_owned())];
    post(&Post {
        url,
        headers: &headers,
        body: body.to_string().as_bytes(),
        timeout: Duration::from_secs(20),
        most_bytes: 1 << 20,
    })
}

fn tokens(input: u64, output: u64) -> Tokens {
    Tokens { input: Some(input), output: Some(output), ..Tokens::default() }
}

const MESSAGE: &str = r#"{"model":"claude-sonnet-4-5","usage":{"input_tokens":10,"output_tokens":3}}"#;

#[test]
fn the_attempt_has_a_key_of_its_own_and_the_real_one_is_put_in_on_the_way() {
    let host = Host::of(vec![answer("application/json", MESSAGE)]);
    let place = Place::new();
    let lease = place.lease();
    let mut given = variables(&[("ANTHROPIC_API_KEY", "sk-real"), ("ANTHROPIC_BASE_URL", &host.address)]);
    lease.redirect(&mut given, None);
    // Once more changes nothing: the agent's own variables are looked at after all others.
    let before = given.clone();
    lease.redirect(&mut given, None);
    assert_eq!(given, before);
    let (key, base) = (text(&given, "ANTHROPIC_API_KEY").to_owned(), text(&given, "ANTHROPIC_BASE_URL").to_owned());
    assert!(!key.contains("real") && base.starts_with("http://127.0.0.1:") && base != host.address, "{given:?}");
    assert_eq!(text(&given, "NO_PROXY"), "127.0.0.1");
    let reply = ask(&format!("{base}/v1/messages?beta=true"), &key, &json!({"model": "m"})).unwrap();
    assert_eq!((reply.status, reply.body.as_slice()), (200, MESSAGE.as_bytes()));
    let asked = host.next();
    assert!(asked.starts_with("POST /v1/messages?beta=true HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("x-api-key: sk-real\r\n") && !asked.contains(&key), "{asked}");
    let ended = lease.end().unwrap();
    let said = ended.in_real_words(&format!("401 of {base}/v1/messages"));
    assert_eq!(said, format!("401 of {}/v1/messages", host.address), "what it says is the same in each attempt");
    let exchanges = ended.exchanges;
    let [exchange] = &exchanges[..] else { panic!("{exchanges:?}") };
    assert_eq!((exchange.tokens, exchange.passage, exchange.status), (tokens(10, 3), Passage::Whole, Some(200)));
    assert_eq!((exchange.model.as_deref(), exchange.request_id.as_deref()), (Some("claude-sonnet-4-5"), Some("req_7")));
    assert_eq!(exchange.cost.usd().map(Usd::dollars), Some(0.000_075));
    let lines = place.lines();
    assert_eq!(serde_json::from_value::<Vec<Exchange>>(json!(lines)).unwrap(), exchanges);
}

#[test]
fn only_the_address_of_an_attempt_under_way_is_answered() {
    let place = Place::new();
    let lease = place.lease();
    let mut given = variables(&[("OPENAI_API_KEY", "sk-real")]);
    lease.redirect(&mut given, None);
    let base = text(&given, "OPENAI_BASE_URL").to_owned();
    let (host, token) = base.trim_end_matches("/openai").rsplit_once('/').unwrap();
    let another = place.lease();
    let mut of_another = variables(&[("OPENAI_API_KEY", "sk-other")]);
    another.redirect(&mut of_another, None);
    let elsewhere = text(&of_another, "OPENAI_BASE_URL").trim_end_matches("/openai").rsplit_once('/').unwrap().1;
    let status = |url: String| ask(&url, "x", &json!({})).unwrap().status;
    assert_eq!(status(format!("{host}/{elsewhere}/openai/responses")), 401, "each has a port of its own");
    assert_eq!(status(format!("{host}/{}/openai/responses", "0".repeat(token.len()))), 401);
    assert_eq!(status(format!("{host}/{token}/elsewhere/responses")), 404);
    assert_eq!(lease.end().unwrap().exchanges, []);
    assert!(
        ask(&format!("{base}/responses"), "x", &json!({})).is_err(),
        "its attempt has ended, and its port is closed"
    );
}

#[test]
fn what_is_known_is_written_down_when_whoever_asked_goes_away_or_the_host_is_not_there() {
    let begun = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-sonnet-4-5\",\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}}\n\n";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 100000\r\n\r\n";
    let host = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let place = Place::new();
    let lease = place.lease();
    let address = format!("http://{}", host.local_addr().unwrap());
    let mut given = variables(&[("ANTHROPIC_API_KEY", "sk-real"), ("ANTHROPIC_BASE_URL", &address)]);
    lease.redirect(&mut given, None);
    let base = text(&given, "ANTHROPIC_BASE_URL").strip_prefix("http://").unwrap().to_owned();
    let (gateway, path) = base.split_once('/').unwrap();
    let mut client = TcpStream::connect(gateway).unwrap();
    write!(client, "POST /{path}/v1/messages HTTP/1.1\r\nhost: it\r\ncontent-length: 2\r\n\r\n{{}}").unwrap();
    let (mut answering, _) = host.accept().unwrap();
    request(&mut answering);
    answering.write_all(format!("{head}{begun}").as_bytes()).unwrap();
    let mut seen = Vec::new();
    let mut part = [0; 4096];
    while !String::from_utf8_lossy(&seen).contains("message_start\"") {
        let count = client.read(&mut part).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&part[..count]);
    }
    drop(client);
    // The host is told that nobody listens any more.
    assert_eq!(answering.read(&mut part).unwrap_or(0), 0);
    drop((answering, host));
    let reply = ask(&format!("http://{base}/v1/messages"), "x", &json!({"model": "m"})).unwrap();
    assert_eq!(reply.status, 502);
    let exchanges = lease.end().unwrap().exchanges;
    // What came after it broke off is paid, too; whoever was never reached takes no money.
    assert!(matches!(exchanges[0].cost, Cost::AtLeast { unknown: 1, .. }), "{:?}", exchanges[0]);
    assert_eq!(exchanges[1].cost, Cost::NOTHING);
    let ended: Vec<_> = exchanges.iter().map(|it| (it.passage, it.tokens, it.status)).collect();
    assert_eq!(ended, [(Passage::Left, tokens(10, 1), Some(200)), (Passage::Cut, Tokens::NOTHING, None)]);
}

#[test]
fn a_stream_of_chat_completions_is_asked_to_say_what_it_took() {
    let chunks = "data: {\"model\":\"m\",\"choices\":[{}]}\n\ndata: {\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"prompt_tokens_details\":{\"cached_tokens\":4},\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
    let host = Host::of(vec![answer("text/event-stream", chunks)]);
    let place = Place::new();
    let lease = place.lease();
    let mut given = variables(&[("OPENAI_API_BASE", &host.address)]);
    lease.redirect(&mut given, Some(&["OPENAI_API_BASE"]));
    let url = format!("{}/chat/completions", text(&given, "OPENAI_API_BASE"));
    let body = json!({"model": "m", "stream": true, "stream_options": {"other": 1}});
    assert_eq!(ask(&url, "none", &body).unwrap().body, chunks.as_bytes());
    assert!(host.next().ends_with(r#""stream_options":{"other":1,"include_usage":true}}"#));
    let expected = Tokens { cache_read: Some(4), ..tokens(5, 2) };
    assert_eq!(lease.end().unwrap().exchanges[0].tokens, expected);
}

#[test]
fn programs_that_heed_no_address_are_left_alone() {
    let place = Place::new();
    let lease = place.lease();
    let before = variables(&[("ANTHROPIC_API_KEY", "sk-real"), ("PATH", "/bin")]);
    let mut given = before.clone();
    lease.redirect(&mut given, Some(&["OPENAI_BASE_URL"]));
    assert_eq!(given, before);
}

fn sent_to(lease: &Lease, host: &Host) -> String {
    let mut given = variables(&[("ANTHROPIC_API_KEY", "sk-real"), ("ANTHROPIC_BASE_URL", &host.address)]);
    lease.redirect(&mut given, None);
    format!("{}/v1/messages", text(&given, "ANTHROPIC_BASE_URL"))
}

fn passed(lease: Lease) -> Vec<(Option<u16>, Passage)> {
    lease.end().unwrap().exchanges.iter().map(|exchange| (exchange.status, exchange.passage)).collect()
}

#[test]
fn at_a_limit_of_the_run_or_of_the_experiment_the_next_request_is_refused_and_not_sent() {
    let usd = |dollars| Usd::from_dollars(dollars).unwrap();
    let own = Allowance { cost: Some(usd(0.000_075)), ..Allowance::default() };
    let tokens = Allowance { tokens: Some(13), ..Allowance::default() };
    for (allowance, ceiling, exceeded) in [
        (own, None, Exceeded::Cost { most: usd(0.000_075), used: usd(0.000_075) }),
        (tokens, None, Exceeded::Tokens { most: 13, used: 13 }),
        (Allowance::default(), Some(usd(1.0)), Exceeded::Experiment { most: usd(1.0), used: usd(1.000_025) }),
    ] {
        let host = Host::of(vec![answer("application/json", MESSAGE)]);
        let place = Place::new();
        place.gateway.begin(usd(0.999_95), ceiling, |_, _| {});
        let lease = place.lease_within(allowance);
        let recall = lease.recall();
        let url = sent_to(&lease, &host);
        let ask = || ask(&url, "x", &json!({"model": "claude-sonnet-4-5"})).unwrap();
        assert_eq!(ask().status, 200, "{exceeded:?}");
        let refused = ask();
        let body = String::from_utf8_lossy(&refused.body);
        assert!(refused.status == 400 && body.contains(&exceeded.to_string()), "{exceeded:?}: {body}");
        assert!(!recall.is_due(), "its agent may end by itself");
        let ended = lease.end().unwrap();
        assert_eq!(ended.exceeded, Some(exceeded));
        let passed: Vec<_> = ended.exchanges.iter().map(|it| (it.passage, it.cost.usd())).collect();
        assert_eq!(passed, [(Passage::Whole, Some(usd(0.000_075))), (Passage::Refused, Some(Usd::ZERO))]);
    }
}

#[test]
fn a_stream_is_known_by_its_type_in_whatever_case_and_what_no_token_says_is_not_known() {
    let begun = "data: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-sonnet-4-5\",\"usage\":{\"input_tokens\":10,\"output_tokens\":3}}}\n\ndata: {\"type\":\"message_stop\"}\n\n";
    let searched =
        MESSAGE.replace("\"output_tokens\":3", "\"output_tokens\":3,\"server_tool_use\":{\"web_search_requests\":2}");
    let hour = MESSAGE.replace("\"output_tokens\":3", "\"output_tokens\":3,\"cache_creation_input_tokens\":1000,\"cache_creation\":{\"ephemeral_1h_input_tokens\":1000}");
    let host = Host::of(vec![
        answer("Text/Event-Stream; charset=utf-8", begun),
        answer("application/json", &searched),
        answer("application/json", &hour),
    ]);
    let place = Place::new();
    let lease = place.lease();
    let url = sent_to(&lease, &host);
    for _ in 0..3 {
        ask(&url, "x", &json!({"model": "claude-sonnet-4-5"})).unwrap();
    }
    let costs: Vec<Cost> = lease.end().unwrap().exchanges.iter().map(|exchange| exchange.cost).collect();
    let usd = |dollars| Usd::from_dollars(dollars).unwrap();
    let metered = CostSource::Metered;
    assert_eq!(
        costs,
        [
            Cost::Known { usd: usd(0.000_075), source: metered },
            Cost::AtLeast { usd: usd(0.000_075), source: metered, unknown: 1 },
            Cost::Known { usd: usd(0.006_075), source: metered },
        ]
    );
}

#[test]
fn requests_that_come_at_once_exceed_a_limit_by_no_more_than_one_answer() {
    let usd = |dollars| Usd::from_dollars(dollars).unwrap();
    let own = Allowance { cost: Some(usd(0.000_2)), ..Allowance::default() };
    for (allowance, ceiling) in [(own, None), (Allowance::default(), Some(usd(0.000_2)))] {
        let host = Host::of(vec![answer("application/json", MESSAGE); 20]);
        let place = Place::new();
        place.gateway.begin(Usd::ZERO, ceiling, |_, _| {});
        let lease = place.lease_within(allowance);
        let url = sent_to(&lease, &host);
        let statuses: Vec<u16> = thread::scope(|scope| {
            let asking: Vec<_> = (0..20)
                .map(|_| scope.spawn(|| ask(&url, "x", &json!({"model": "claude-sonnet-4-5"})).unwrap().status))
                .collect();
            asking.into_iter().map(|asking| asking.join().unwrap()).collect()
        });
        // Each answer costs $0.000075, so that the third one comes over the limit.
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 3, "{statuses:?}");
        assert_eq!(lease.end().unwrap().used.cost, usd(0.000_225).into());
    }
}
