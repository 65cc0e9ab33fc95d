//! What a program reaches where the network leads to its model and to named hosts alone: it does its task, and its own tools reach
//! nothing else.

use std::fs;
use std::net::TcpListener;

use super::experiment::{Experiment, HELLO};
use super::programs::{KEY, Real, installed};
use crate::model_server::Say;
use crate::network::is_skipped;
use crate::scenes::{experiment, files_below, output, recorded};

/// A program does the task of `hello-script`, and its tool tries other addresses before.
pub(super) fn reaches_its_model_alone(real: &'static Real) {
    let Some(installed) = installed() else { return };
    if is_skipped() {
        return;
    }
    let (other, named) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = [&other, &named].map(|listener| listener.local_addr().unwrap().port());
    other.set_nonblocking(true).unwrap();
    let tries = format!(
        "for at in 127.0.0.1/{} 127.0.0.1/{} 1.1.1.1/443; do \
         timeout 5 bash -c \"exec 3<>/dev/tcp/$at\" 2> /dev/null && echo reached >> reached || echo kept >> kept; done; \
         getent hosts example.org && echo reached >> reached; true",
        ports[0], ports[1]
    );
    let of = Experiment::new(&installed, real, move |asked| match real.runs {
        Some(runs) if real.is_work(asked) && asked.results() == 0 => {
            Say::Call("I look around.".to_owned(), runs(&tries))
        }
        _ => (real.works)(asked, HELLO),
    });
    let yaml = format!("network: {{allow: [\"127.0.0.1:{}\"]}}\n", ports[1]);
    let before = fs::read_to_string(of.world.path("hello-script/test.yaml")).unwrap();
    of.world.write("hello-script/test.yaml", &(before + &yaml));
    let ended = output(&mut of.run(&["--sandbox", "bubblewrap", "--network", "model"])).exits(0);
    assert_eq!(recorded(&of.world, "T0/00/1"), "passed", "{ended}");
    let result = of.result("T0/00/run_01");
    assert_eq!(result["network"], "model", "{result:#}");
    let usage = fs::read_to_string(of.world.experiment().join("T0/00/run_01/agent/usage.jsonl")).unwrap();
    assert!(usage.lines().count() as u64 >= of.asked(), "every answer is metered: {usage}");
    let patch = fs::read_to_string(of.world.experiment().join("T0/00/run_01/changes.patch")).unwrap();
    if real.runs.is_some() {
        assert_eq!((patch.matches("+kept").count(), patch.contains("reached")), (3, false), "{patch}");
    }
    assert!(other.accept().is_err(), "nobody came");
    of.world.scylla(&["verify", &experiment(&of.world)]).exits(0);
    for file in files_below(&of.world.experiment()) {
        assert!(!String::from_utf8_lossy(&fs::read(&file).unwrap()).contains(KEY), "{}", file.display());
    }
}
