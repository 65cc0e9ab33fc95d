//! A real browser without a window, driven by the W3C's `WebDriver` protocol: chromedriver speaks it over HTTP on this machine.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{World, wait_until};

/// What no answer takes longer than, also on a machine that does ten other things.
const DEADLINE: Duration = Duration::from_mins(3);
/// The key under which the protocol names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Keys, as the protocol writes them.
pub(super) const TAB: &str = "\u{e004}";
pub(super) const ENTER: &str = "\u{e007}";
pub(super) const ESCAPE: &str = "\u{e00c}";
pub(super) const RIGHT: &str = "\u{e014}";

/// A browser with one page.
pub(super) struct Browser {
    driver: Child,
    /// Kept open, for the driver may write to it.
    _said: BufReader<ChildStdout>,
    port: u16,
    session: String,
}

/// Whether a browser and its driver are installed. Where they are not, that is said aloud, and in CI it is a failure.
#[expect(clippy::print_stdout, reason = "who reads the tests' output learns what was not tried")]
pub(super) fn is_installed() -> bool {
    let is_there = |program: &str| {
        let mut command = Command::new(program);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|end| end.success())
    };
    let all = is_there("chromium") && is_there("chromedriver");
    assert!(all || std::env::var_os("CI").is_none(), "chromium and chromedriver are not installed");
    if !all {
        println!("skipped: chromium and chromedriver are not installed");
    }
    all
}

impl Browser {
    /// Starts one with an empty profile, which asks nothing of any network by itself.
    pub(super) fn start(world: &World) -> Self {
        let mut command = Command::new("chromedriver");
        world.seal(&mut command);
        let mut driver =
            command.arg("--port=0").process_group(0).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut said = BufReader::new(driver.stdout.take().unwrap());
        let port = said.by_ref().lines().map_while(Result::ok).find_map(|line| {
            line.split_once("successfully on port ").and_then(|(_, port)| port.trim_end_matches('.').parse().ok())
        });
        let mut browser = Self { driver, _said: said, port: port.unwrap(), session: String::new() };
        let profile = format!("--user-data-dir={}", world.path("profile").display());
        let options = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--window-size=1280,900",
            &profile,
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": options},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }}});
        let session = browser.ask("POST", "/session", &wanted);
        browser.session = format!("/session/{}", session["sessionId"].as_str().unwrap());
        browser
    }

    /// Sends a request to the driver, and returns the value of its answer.
    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let body = body.to_string();
        let length = body.len();
        write!(
            stream,
            "{method} {}{path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}",
            self.session, self.port
        )
        .unwrap();
        let mut answer = BufReader::new(stream);
        let mut size = 0;
        loop {
            let mut line = String::new();
            answer.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                size = value.trim().parse().unwrap();
            }
        }
        let mut content = vec![0; size];
        answer.read_exact(&mut content).unwrap();
        let value: Value = serde_json::from_slice(&content).unwrap();
        assert!(value["value"]["error"].is_null(), "{path}: {value:#}");
        value["value"].clone()
    }

    #[track_caller]
    pub(super) fn open(&self, page: &Path) {
        self.ask("POST", "/url", &json!({"url": format!("file://{}", page.display())}));
    }

    /// What a script returns.
    #[track_caller]
    pub(super) fn script(&self, script: &str) -> Value {
        self.ask("POST", "/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub(super) fn waits_for(&self, expression: &str) {
        wait_until(expression, || self.script(&format!("return Boolean({expression})")) == true);
    }

    /// Clicks as a person would: what is hidden or covered cannot be clicked.
    #[track_caller]
    pub(super) fn click(&self, selector: &str) {
        let found = self.ask("POST", "/element", &json!({"using": "css selector", "value": selector}));
        self.ask("POST", &format!("/element/{}/click", found[ELEMENT].as_str().unwrap()), &json!({}));
    }

    /// Presses keys in the element that has the focus.
    #[track_caller]
    pub(super) fn press(&self, keys: &str) {
        let each = keys.chars().map(String::from);
        let actions: Vec<Value> = each
            .flat_map(|key| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})])
            .collect();
        self.ask("POST", "/actions", &json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}));
    }

    #[track_caller]
    pub(super) fn back(&self) {
        self.ask("POST", "/back", &json!({}));
    }

    /// What assistive technology calls each element that an expression gives.
    #[track_caller]
    pub(super) fn names(&self, elements: &str) -> Vec<(String, String)> {
        let found = self.script(&format!("return {elements}"));
        let elements = found.as_array().unwrap().iter();
        let name = |element: &Value| {
            let path = format!("/element/{}", element[ELEMENT].as_str().unwrap());
            let of = |what: &str| self.ask("GET", &format!("{path}/{what}"), &json!({})).as_str().unwrap().to_owned();
            (of("name"), of("computedlabel"))
        };
        elements.map(name).collect()
    }

    /// What was written to a log since it was last read.
    #[track_caller]
    pub(super) fn log(&self, kind: &str) -> Vec<Value> {
        self.ask("POST", "/se/log", &json!({"type": kind})).as_array().unwrap().clone()
    }

    /// A command of the browser's own protocol.
    #[track_caller]
    pub(super) fn command(&self, command: &str, parameters: &Value) -> Value {
        self.ask("POST", "/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    /// Writes a picture of the whole page.
    pub(super) fn picture(&self, file: &Path) {
        self.captured(file, &json!({"captureBeyondViewport": true}));
    }

    /// Writes a picture of the beginning of the page, in pixels.
    pub(super) fn picture_of_top(&self, file: &Path, (width, height): (u32, u32)) {
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
        self.captured(file, &json!({"captureBeyondViewport": true, "clip": clip}));
    }

    fn captured(&self, file: &Path, how: &Value) {
        let picture = self.command("Page.captureScreenshot", how);
        let decoded = base64(picture["data"].as_str().unwrap());
        fs::write(file, decoded).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver and its browser are a group of their own, and nothing of theirs is worth keeping: they end in any case, also
        // when a check of the page has failed.
        crate::world::kill("KILL", format_args!("-- -{}", self.driver.id()));
        let _ = self.driver.wait();
    }
}

/// The bytes that base 64 stands for.
fn base64(text: &str) -> Vec<u8> {
    let value = |sign: u8| match sign {
        b'A'..=b'Z' => sign - b'A',
        b'a'..=b'z' => sign - b'a' + 26,
        b'0'..=b'9' => sign - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let signs: Vec<u8> = text.bytes().filter(|sign| *sign != b'=').collect();
    let group = |signs: &[u8]| {
        let bits =
            signs.iter().fold(0_u32, |bits, sign| bits << 6 | u32::from(value(*sign))) << (6 * (4 - signs.len()));
        bits.to_be_bytes()[1..signs.len()].to_vec()
    };
    signs.chunks(4).flat_map(group).collect()
}
