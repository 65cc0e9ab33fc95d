//! Models that send what is no answer, or one without end: it costs their attempt what it must, and nobody else anything.

use std::fs;

use serde_json::{Value, json};

use crate::gateway::Place;
use crate::model_server::{Flood, Say};
use crate::scenes::{experiment, json as read, output};
use crate::world::{Live, wait_until};

/// Most memory that a session may have taken, in MiB: of one answer at most 32 are kept, and as much once more where it is recorded.
const MOST_MEBIBYTES: u64 = 160;

/// So many MiB a model answers with: more than a session may take. `cargo xtask sweep floods` takes a gigabyte.
fn mebibytes() -> u64 {
    std::env::var("SCYLLA_FLOODS").map_or(200, |size| size.parse().unwrap())
}

/// An agent that asks its model and counts the bytes of the answer, and then waits until it may end.
const COUNTS: &str = r#"url=${ANTHROPIC_BASE_URL#http://}; host=${url%%/*}; path=${url#"$host"}
body='{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[]}'
exec 3<>"/dev/tcp/${host%:*}/${host#*:}"
printf 'POST %s/v1/messages HTTP/1.1\r\nhost: %s\r\nx-api-key: x\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s' "$path" "$host" "${#body}" "$body" >&3
wc -c <&3 > "$HOME/counting"; mv "$HOME/counting" "$HOME/counted"
until test -e "$HOME/go"; do sleep 0.05; done; touch done"#;

#[test]
fn an_answer_without_end_passes_and_takes_no_more_memory_than_another() {
    let size = mebibytes() << 20;
    for (flood, more, tokens) in [
        (Flood::Whole, "none", json!({})),
        (Flood::Events, "exchanges", json!({"input_tokens": 7, "output_tokens": 9})),
        (Flood::Line, "none", json!({"input_tokens": 7, "output_tokens": 9})),
    ] {
        let place =
            Place::scripted(&format!("bash -c '{}'", COUNTS.replace('\'', r"'\''")), move |_| Say::Flood(flood, size));
        let session = ["--gateway", "require", "--record", more, "--timeout", "300"];
        let live = Live::start(&mut place.runs("1", &session));
        let counted = place.world.path("home/counted");
        wait_until("all of it has come", || counted.exists());
        let count: u64 = fs::read_to_string(&counted).unwrap().trim().parse().unwrap();
        assert!(count > size, "{flood:?}: {count} of {size}");
        let status = fs::read_to_string(format!("/proc/{}/status", live.pid())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")).unwrap();
        let peak = peak.parse::<u64>().unwrap() >> 10;
        assert!(peak < MOST_MEBIBYTES, "{flood:?}: {peak} MiB for an answer of {} MiB", size >> 20);
        place.world.write("home/go", "");
        let (code, _, stderr) = live.end();
        assert_eq!(code, Some(0), "{flood:?}: {stderr}");
        let lines = place.ledger("T0/00/run_01");
        let of = |line: &Value| json!([line["status"], line["passage"], line["tokens"]]);
        let expected = json!([200, "whole", tokens]);
        assert_eq!(lines.iter().map(of).collect::<Vec<_>>(), [expected], "{flood:?}");
    }
}

#[test]
fn garbage_of_a_model_fails_the_attempt_that_asked_for_it_and_no_other() {
    let html = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\n<p/>";
    for (sent, code) in [(&b"SSH-2.0-OpenSSH_9.2\r\n"[..], 6), (b"", 6), (html, 0)] {
        let agent = crate::gateway::asks(1, "true");
        let place = Place::scripted(&agent, move |asked| match asked.before {
            0 => Say::Bytes(sent.to_vec()),
            _ => Say::Answer("done".to_owned()),
        });
        let run = ["--gateway", "require", "--attempts", "1", "--jobs", "1", "--message-format", "json"];
        let ended = output(&mut place.runs("2", &run)).exits(code);
        let other = read(&place.world.experiment().join("T0/00/run_02/run_result.json"));
        assert_eq!((&other["cost_source"], &other["token_stats"]["output_tokens"]), (&json!("metered"), &json!(30)));
        let (folder, passage) = if code == 0 { ("run_01", "whole") } else { (".failed/run_01_attempt_01", "cut") };
        let lines = place.ledger(&format!("T0/00/{folder}"));
        assert_eq!((lines.len(), &lines[0]["passage"]), (1, &json!(passage)), "{lines:#?}");
        if code == 0 {
            let result = read(&place.world.experiment().join("T0/00/run_01/run_result.json"));
            assert_eq!((&result["cost_source"], &result["cost_usd"]), (&json!("unknown"), &Value::Null), "{result:#}");
        } else {
            let failed = ended.events().into_iter().find(|event| event["reason"] == "attempt-failed").unwrap();
            assert_eq!(failed["failure"]["kind"], "provider", "{failed:#}");
            assert!(failed["failure"]["message"].as_str().unwrap().contains("never had an answer"), "{failed:#}");
        }
        place.world.scylla(&["verify", &experiment(&place.world)]).exits(code);
    }
}
