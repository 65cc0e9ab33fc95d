//! The report's page in a real browser: as one clicks and types, without a mouse, with hostile texts, and with ten thousand runs.

mod driver;
mod large;
mod requests;
mod several;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::fixture::TestFixture;
use crate::scenes::{experiment, output};
use crate::shared::shared;
use crate::world::{World, shipped};
use driver::{Browser, ENTER, ESCAPE, RIGHT, TAB, is_installed};

/// A text that would take over a page which obeys it, as it stands in a file and on standard output.
const HOSTILE: &str =
    "</script><script>document.title='obeyed'</script><img src=x onerror=\"document.title='obeyed'\">";

/// What a program in Claude Code's place tells of its steps.
fn steps() -> String {
    let events = [
        json!({"type": "system", "subtype": "init", "session_id": "s"}),
        json!({"type": "assistant", "message": {"id": "m1", "content": [
            {"type": "text", "text": HOSTILE},
            {"type": "tool_use", "id": "t1", "name": format!("Write{HOSTILE}"), "input": {"file_path": "done.html", "content": HOSTILE}}]}}),
        json!({"type": "user", "message": {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "is_error": true, "content": HOSTILE}]}}),
        json!({"type": "result", "subtype": "success", "is_error": false, "total_cost_usd": 0.25, "usage": {"input_tokens": 3, "output_tokens": 2}}),
    ];
    events.map(|event| format!("{event}\n")).concat()
}

/// The page of a real experiment whose agents write hostile texts.
fn page(world: &World) -> PathBuf {
    world.program("bin/claude", "#!/bin/sh\ncat >/dev/null\ncat \"$HOME/hostile\" >done.html\ncat \"$HOME/events\"\n");
    world.write("home/hostile", HOSTILE);
    world.write("home/events", &steps());

    let write = "printf '%s\\n' \"$HOSTILE_TEXT\" | tee done.html";
    let agent = |then: &str| format!("HOSTILE_TEXT={}; {write}; {then}", crate::browser::shell_quoted(HOSTILE));
    let fixture = TestFixture::new()
        .agent("T0/00-always", &agent("touch done"))
        .subtest("T0/01-never", "agent: {kind: claude-code}\n")
        .agent("T1/00-sometimes", &agent("[ $((SCYLLA_RUN % 2)) = 0 ] || touch done"))
        .write(world);
    run(world, &["--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2"]);
    let dir = experiment(world);
    world.scylla(&["report", &dir, "--format", "html"]).exits(0);
    Path::new(&dir).join("report/report.html")
}

/// Runs the fixture with the program in Claude Code's place.
fn run(world: &World, arguments: &[&str]) {
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    output(world.command(&[&["run", "--model", "sonnet"], arguments].concat()).env("PATH", &path)).exits(0);
}

fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[test]
fn the_page_is_read_filtered_opened_and_compared_in_a_browser_which_asks_nobody() {
    if !is_installed() {
        return;
    }
    let world = World::new();
    let page = page(&world);
    let browser = Browser::start(&world);
    browser.open(&page);
    assert_eq!(browser.script("return document.querySelectorAll('#matrix .cell').length"), 6);
    filters(&browser);
    opens_and_goes_back(&browser);
    compares(&browser);
    works_by_keyboard(&browser);
    every_control_has_a_name(&browser);
    fits_a_phone(&browser);
    several::are_told_apart(&browser, &world);
    opens_many_runs(&browser, &world);
    says_and_asks_nothing(&browser);
    if let Some(folder) = std::env::var_os("SCYLLA_SCREENSHOTS") {
        pictures(&browser, &world, &page, Path::new(&folder));
    }
}

const SHOWN: &str = "document.querySelectorAll('#matrix .cell:not([hidden])').length";

fn filters(browser: &Browser) {
    browser.click("#q");
    browser.press("never");
    browser.waits_for(&format!("{SHOWN} === 2 && location.hash === '#q=never'"));
    browser.click("#clear");
    browser.waits_for(&format!("{SHOWN} === 6"));
    browser.script(
        "const it = document.getElementById('status'); it.value = 'failed'; it.dispatchEvent(new Event('change'))",
    );
    browser.waits_for(&format!("{SHOWN} === 3 && location.hash === '#status=failed'"));
    browser.back();
    browser.waits_for(&format!("{SHOWN} === 6"));
    browser.click(".setups thead th:nth-child(4) button");
    let first = "document.querySelector('.setups tbody tr').dataset.setup";
    browser.waits_for(&format!("{first} === 'T0/00' && location.hash === '#sort=-3'"));
    browser.click(".setups thead th:nth-child(4) button");
    browser.waits_for(&format!("{first} === 'T0/01' && location.hash === '#sort=3'"));
    // An address that was shared shows what it showed.
    browser.script("location.hash = '#q=T1/00&status=passed'");
    browser.waits_for(&format!("{SHOWN} === 1 && document.getElementById('q').value === 'T1/00'"));
    browser.script("location.hash = '#q='");
    browser.waits_for(&format!("{SHOWN} === 6"));
}

fn opens_and_goes_back(browser: &Browser) {
    browser.click("[aria-label^='T0/01/2 failed']");
    browser.waits_for("document.querySelector('#view h2')?.textContent === 'Run T0/01/2'");
    let text = browser.script("return document.querySelector('#view').textContent");
    let text = text.as_str().unwrap();
    for words in
        [HOSTILE, "Checks", "done", "failed with exit code 1", "Make a file that is called", "R001", "run_result.json"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    let steps = browser.script("return [...document.querySelectorAll('#view .steps h4')].map((it) => it.textContent)");
    assert_eq!(steps, json!(["message", format!("calls Write{HOSTILE}"), "output: an error"]));
    assert_eq!(browser.script("return document.querySelectorAll('#view img, #view script').length"), 0);
    assert!(browser.script("return document.querySelectorAll('#view .diff .add').length").as_u64() >= Some(1));
    browser.back();
    browser.waits_for("document.getElementById('view').hidden && !document.getElementById('overview').hidden");
}

fn compares(browser: &Browser) {
    browser.click("#picking");
    browser.click("[aria-label^='T0/00/1 passed']");
    browser.click("[aria-label^='T0/01/1 failed']");
    browser.click("#compare");
    browser.waits_for("document.querySelectorAll('#view article').length === 2");
    assert_eq!(browser.script("return location.hash"), "#run=T0/00/1,T0/01/1");
    browser.click("#beside");
    browser.press(&format!("T1/00/1{ENTER}"));
    browser.waits_for("document.querySelectorAll('#view article').length === 3");
    browser.click("#view article:nth-child(2) header button");
    browser.waits_for("location.hash === '#run=T0/00/1,T1/00/1'");
    browser.click("#back");
    browser.waits_for("document.getElementById('view').hidden");
}

/// From the top of the page to a run, to the next one and back, without a mouse.
fn works_by_keyboard(browser: &Browser) {
    browser.script("document.activeElement.blur(); location.hash = '#q='");
    browser.script("document.querySelector('.skip').focus()");
    let is_cell = "return document.activeElement.matches('#matrix .cell')";
    let reached = (0..80).any(|_| {
        browser.press(TAB);
        browser.script(is_cell) == true
    });
    assert!(reached, "the matrix is one stop of the tabulator");
    browser.script("document.querySelector('#matrix .cell').focus()");
    browser.press(RIGHT);
    browser.press(ENTER);
    browser.waits_for("document.querySelector('#view h2')?.textContent === 'Run T0/00/2'");
    assert_eq!(browser.script("return document.activeElement.id"), "opened");
    browser.press(ESCAPE);
    browser.waits_for("document.activeElement.getAttribute('aria-label')?.startsWith('T0/00/2')");
}

fn every_control_has_a_name(browser: &Browser) {
    let controls = "[...document.querySelectorAll('button, input, select, a[href], summary, [tabindex=\"0\"]')]\
        .filter((it) => it.checkVisibility())";
    let mut names = browser.names(controls);
    browser.script("location.hash = '#run=T0/00/1,T0/01/1'");
    browser.waits_for("document.querySelectorAll('#view article').length === 2");
    names.extend(browser.names(controls));
    assert!(names.len() > 40, "{names:?}");
    assert!(names.iter().all(|(_, name)| !name.trim().is_empty()), "{names:?}");
}

fn fits_a_phone(browser: &Browser) {
    let phone = json!({"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true});
    browser.command("Emulation.setDeviceMetricsOverride", &phone);
    for hash in ["#q=", "#run=T0/00/1,T0/01/1"] {
        browser.script(&format!("location.hash = '{hash}'"));
        browser.waits_for("document.documentElement.scrollWidth <= 390");
    }
    browser.command("Emulation.clearDeviceMetricsOverride", &json!({}));
}

/// How long the browser takes is told; `docs/reporting.md` names the command that shows it.
#[expect(clippy::print_stdout, reason = "it is a measurement")]
fn opens_many_runs(browser: &Browser, world: &World) {
    let text = large::page();
    let size = text.len();
    let page = world.write("large.html", &text);
    browser.open(&page);
    browser.waits_for("document.querySelectorAll('#matrix .cell').length === 10000");
    let load = browser.script("return Math.round(performance.getEntriesByType('navigation')[0].loadEventEnd)");
    println!("10,000 runs, {} MiB: opened in {load} ms", size >> 20);
    let start =
        "const begun = performance.now(); location.hash = '#status=failed'; dispatchEvent(new Event('hashchange'));";
    let filtered =
        browser.script(&format!("{start} document.body.offsetHeight; return Math.round(performance.now() - begun)"));
    println!("filtered in {filtered} ms");
    // On a busy machine it takes many times as long as alone: what a reader waits for is measured, not asserted.
    assert!(load.as_u64() < Some(90_000), "{load}");
    browser.script("location.hash = '#run=T4/19/100'");
    browser.waits_for("document.querySelector('#view .diff')");
}

/// Nothing is an error, and nothing but files of this machine was asked for.
fn says_and_asks_nothing(browser: &Browser) {
    let said: Vec<Value> = browser.log("browser");
    assert!(said.is_empty(), "{said:#?}");
    assert_ne!(browser.script("return document.title"), "obeyed");
    let mut asked = 0;
    for entry in browser.log("performance") {
        let message: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
        if message["message"]["method"] == "Network.requestWillBeSent" {
            let url = message["message"]["params"]["request"]["url"].as_str().unwrap();
            // The browser's own first page comes from the browser itself, and `data:` is no request.
            assert!(["file://", "data:", "chrome://"].iter().any(|own| url.starts_with(own)), "{url}");
            asked += 1;
        }
    }
    assert!(asked >= 2, "the pages themselves are asked for");
}

/// Pictures for people who judge how the page looks: `cargo xtask screenshots`.
fn pictures(browser: &Browser, world: &World, page: &Path, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let mut pages = vec![("small", page.to_owned(), "T0/01/1", "T0/00/1")];
    if let Some(data) = shared("data/projectscylla-dryrun") {
        let out = world.path("dryrun");
        let arguments = ["report", data.to_str().unwrap(), "--format", "html", "--out", out.to_str().unwrap()];
        world.scylla(&arguments).exits(0);
        pages.push(("dryrun", out.join("report.html"), "T0/00/1", "T1/01/1"));
    }
    picture_of_readme(browser, world, &folder.join("readme.png"));
    let views = [("desktop", 1280, "light"), ("dark", 1280, "dark"), ("phone", 390, "light")];
    for (name, page, first, second) in &pages {
        for (view, width, scheme) in views {
            let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500});
            browser.command("Emulation.setDeviceMetricsOverride", &size);
            let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
            browser.command("Emulation.setEmulatedMedia", &features);
            for (what, hash) in
                [("all", String::new()), ("run", format!("run={first}")), ("two", format!("run={first},{second}"))]
            {
                browser.open(page);
                browser.script(&format!("location.hash = '#{hash}'"));
                browser.waits_for("document.querySelector('#matrix .cell')");
                browser.picture(&folder.join(format!("{name}-{what}-{view}.png")));
            }
        }
        browser.command("Emulation.setEmulatedMedia", &json!({"media": "print"}));
        browser.open(page);
        browser.picture(&folder.join(format!("{name}-print.png")));
    }
}

/// The picture at the top of the README: the beginning of the page of the shipped fixture, 10 runs of each setup.
fn picture_of_readme(browser: &Browser, world: &World, file: &Path) {
    let out = world.path("readme");
    let (fixture, made) = (shipped("fix-the-crate"), world.path("shipped"));
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", made.to_str().unwrap(), "--runs", "10"]).exits(0);
    let dir = fs::read_dir(&made).unwrap().next().unwrap().unwrap().path();
    let arguments = ["report", dir.to_str().unwrap(), "--format", "html", "--out", out.to_str().unwrap()];
    world.scylla(&arguments).exits(0);
    let (width, height) = (880, 860);
    let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
    browser.command("Emulation.setDeviceMetricsOverride", &size);
    browser.open(&out.join("report.html"));
    browser.waits_for("document.querySelector('#matrix .cell')");
    browser.picture_of_top(file, (width, height));
}
