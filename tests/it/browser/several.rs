//! The page of several experiments: each run says of which it is, and what is done with one leaves the others as they are.

use std::fs;

use super::Browser;
use crate::world::World;

/// Two experiments of one fixture on one page.
pub(super) fn are_told_apart(browser: &Browser, world: &World) {
    super::run(world, &["fixture", "--results-dir", "others", "--runs", "1"]);
    let folder = |results: &str| {
        let mut found = fs::read_dir(world.path(results)).unwrap().map(|entry| entry.unwrap());
        found.find(|entry| entry.path().is_dir()).unwrap().file_name().into_string().unwrap()
    };
    // Under names that tell them apart, as experiments of different seconds have them.
    let second = "2026-01-02T03-04-05-second".to_owned();
    fs::rename(world.path("others").join(folder("others")), world.path("others").join(&second)).unwrap();
    let first = folder("results");
    let dirs = [format!("results/{first}"), format!("others/{second}")];
    world.scylla(&["report", &dirs[0], &dirs[1], "--format", "html", "--out", "both"]).exits(0);
    browser.open(&world.path("both/report.html"));
    browser.waits_for("document.querySelectorAll('#matrix .cell').length === 9");
    let captions =
        browser.script("return [...document.querySelectorAll('#matrix caption')].map((it) => it.textContent)");
    assert_eq!(captions, serde_json::json!([format!("1: {first}"), format!("2: {second}")]));

    // A run says whose it is, alone and beside the same run of the other one.
    browser.click("[aria-label^='2:T0/01/1 failed']");
    browser.waits_for("document.querySelector('#view h2')?.textContent === 'Run 2:T0/01/1'");
    let of = "return [...document.querySelectorAll('#view .of')].map((it) => it.textContent)";
    assert_eq!(browser.script(of), serde_json::json!([format!("of {second}")]));
    browser.click("#beside");
    browser.press(&format!("1:T0/01/1{}", super::ENTER));
    browser.waits_for("document.querySelectorAll('#view article').length === 2");
    assert_eq!(browser.script(of), serde_json::json!([format!("of {second}"), format!("of {first}")]));
    browser.back();
    browser.back();
    browser.waits_for("document.getElementById('view').hidden");

    // The name of an experiment chooses its runs, and one order holds for both tables.
    browser.click("#q");
    browser.press("05-second");
    browser.waits_for("document.querySelectorAll('#matrix .cell:not([hidden])').length === 3");
    browser.click("#clear");
    let firsts = "[...document.querySelectorAll('.setups')].map((it) => it.tBodies[0].rows[0].dataset.setup).join()";
    browser.waits_for(&format!("{firsts} === 'T0/00,T0/00'"));
    for _ in 0..2 {
        browser.click(".setups[data-experiment='1'] thead th:nth-child(4) button");
    }
    browser.waits_for(&format!("{firsts} === 'T0/01,T0/01'"));
}
