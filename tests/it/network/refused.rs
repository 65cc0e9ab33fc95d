//! What is refused before an agent starts: a network that would lead nowhere, and hosts that are none.

use std::path::PathBuf;

use super::{IN_SANDBOX, Place, is_skipped};
use crate::scenes::{files_below, output};

#[test]
fn a_network_that_leads_to_models_alone_is_refused_where_it_would_lead_nowhere() {
    let place = Place::new("touch done", "");
    let refused = |more: &[&str], keys: bool, why: &str, cure: &str| {
        let mut command = place.run(more);
        if !keys {
            command.env_remove("ANTHROPIC_API_KEY").env_remove("ANTHROPIC_BASE_URL");
        }
        let ended = output(&mut command).exits(2);
        assert!(ended.stderr.contains(why) && ended.stderr.contains(cure), "{more:?}: {ended}");
        assert_eq!(files_below(&place.world.results()), Vec::<PathBuf>::new(), "{more:?}");
    };
    refused(
        &["--network", "model"],
        true,
        "a network can be taken away only from programs in a sandbox",
        "add `--sandbox bubblewrap`",
    );
    refused(
        &[IN_SANDBOX, &["--containment", "walk"]].concat(),
        true,
        "a sandbox needs bubblewrap",
        "install the package `bubblewrap`",
    );
    if is_skipped() {
        return;
    }
    refused(
        &[IN_SANDBOX, &["--gateway", "off"]].concat(),
        true,
        "`--gateway off` leaves none",
        "name `--gateway meter`",
    );
    refused(
        IN_SANDBOX,
        false,
        "nothing sends an agent of the kind `command` there",
        "name the variables of its key and its address",
    );
    // Nobody knows whether a command asks a model when none is named.
    let unnamed = [IN_SANDBOX, &["--dry-run"]].concat();
    let mut unnamed = place.world.command(&[&["run", &place.fixture], &unnamed[..]].concat());
    let told = output(&mut unnamed).exits(0);
    assert!(told.stderr.contains("is given no key and no address of one: it reaches none"), "{told}");
    let gemini = [IN_SANDBOX, &["--agent", "gemini"]].concat();
    refused(&gemini, true, "nothing sends an agent of the kind `gemini` there", "or name `--network open`");
    let mut planned = place.run(&[&gemini[..], &["--dry-run"]].concat());
    let planned = output(&mut planned).exits(0);
    assert!(planned.stderr.contains("nothing sends an agent of the kind `gemini` there"), "{planned}");
    assert!(planned.stdout.contains("network model"), "{planned}");
}

#[test]
fn a_list_of_hosts_with_mistakes_is_refused_with_its_line() {
    let place = Place::new(
        "touch done",
        "network:\n  allow:\n    - https://pypi.org\n    - \"*\"\n    - pypi.org\n  alow: [x.org]\n",
    );
    let ended = output(&mut place.run(&["--dry-run"])).exits(2);
    for (line, why) in [
        (":17:", "`https://pypi.org`, which is no host: it is an address of the web"),
        (":18:", "`*`, which is no host: it names nearly everything"),
    ] {
        let told = ended.stderr.lines().find(|told| told.contains(why)).unwrap_or_else(|| panic!("{ended}"));
        assert!(told.contains("test.yaml") && told.contains(line), "{told}: {ended}");
    }
    assert!(ended.stderr.contains("`network.alow`") && ended.stderr.contains("(name one as `example.org`"), "{ended}");
}
