//! What agents asked their models, in the page of the report: a table for each attempt, of which a long one is cut with its count.

use std::path::Path;

use serde_json::json;

use super::driver::{Browser, is_installed};
use crate::fixture::TestFixture;
use crate::gateway::asks;
use crate::model_server::{Api, ModelServer, Say};
use crate::scenes::{experiment, output};
use crate::world::World;

/// So many requests have a row.
const ROWS: usize = 100;

#[test]
fn the_requests_of_each_attempt_are_a_table_in_the_page_of_their_run() {
    if !is_installed() {
        return;
    }
    let world = World::new();
    let server = ModelServer::start(|asked| match asked.before {
        4 => Say::refuse(500, "out of order"),
        _ => Say::Answer("done".to_owned()),
    });
    let fails = r#"printf '{"failure": {"kind": "auth"}}' > "$SCYLLA_RECORD_FILE"; exit 1"#;
    let first = format!("[ \"$SCYLLA_ATTEMPT\" != 1 ] || {{ {fails}; }}; ");
    let more = "for number in $(seq 100); do bash ask.sh; done >/dev/null";
    let fixture = TestFixture::new()
        .agent("T0/00-one", &asks(3, &format!("{first}{more}")))
        .extra("environment: [ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL]\n")
        .write(&world);
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--gateway", "require"];
    let mut command = world.command(&[&run[..], &["--model", "claude-sonnet-4-5", "--attempts", "2"]].concat());
    let base = server.base_url(Api::AnthropicMessages);
    output(command.env("ANTHROPIC_API_KEY", "sk-ant-real").env("ANTHROPIC_BASE_URL", base)).exits(0);
    let dir = experiment(&world);
    world.scylla(&["report", &dir, "--format", "html"]).exits(0);
    let browser = Browser::start(&world);
    browser.open(&Path::new(&dir).join("report/report.html"));
    browser.script("location.hash = '#run=T0/00/1'");
    browser.waits_for("document.querySelectorAll('#view table.asked').length === 2");
    let text = |of: &str| {
        browser.script(&format!("return [...document.querySelectorAll('{of}')].map((it) => it.textContent)"))
    };
    let titles = text("#view table.asked:first-of-type th");
    assert!(titles.to_string().contains("status") && titles.to_string().contains("cached"), "{titles}");
    let rows = browser
        .script("return [...document.querySelectorAll('#view table.asked')].map((it) => it.tBodies[0].rows.length)");
    assert_eq!(rows, json!([3, ROWS]), "of the first attempt, and of the present one");
    let all = text("#view details").to_string();
    for words in
        ["Requests to models (106)", "Former attempt 1", "3 requests: 3 answered", "and 3 more, which are in the sum"]
    {
        assert!(all.contains(words), "{words}: {all}");
    }
    assert_eq!(text("#view table.asked tr.bad").as_array().map(Vec::len), Some(1));
    let phone = json!({"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true});
    browser.command("Emulation.setDeviceMetricsOverride", &phone);
    browser.script("document.querySelectorAll('#view details').forEach((it) => { it.open = true; })");
    browser.waits_for("document.documentElement.scrollWidth <= 390");
    if let Some(folder) = std::env::var_os("SCYLLA_SCREENSHOTS") {
        browser.picture(&Path::new(&folder).join("requests-phone.png"));
        browser.command("Emulation.clearDeviceMetricsOverride", &json!({}));
        browser.picture(&Path::new(&folder).join("requests.png"));
    }
    world.scylla(&["verify", &dir]).exits(0);
}
