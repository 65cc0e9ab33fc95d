//! How fast results are read and compared, beside reading their bytes and beside what one would do without us.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use super::child;
use super::flat::megabytes;
use super::lab::Lab;
use super::reading::{self, What};
use super::sample::Samples;
use super::synthetic::{self, Content};
use super::table::{Goal, Table, Unit};
use crate::failure::Failure;
use crate::place;

/// At most so many times as long as reading every byte, digesting every result and passing it through the parser: `verify`
/// holds each result against the digest that it carries, and looks at what it says.
const MOST_OVER_READING: f64 = 1.5;
/// At least so many times as fast as ProjectScylla's way, which computes no digests.
const LEAST_UNDER_PROJECTSCYLLA: f64 = 30.0;
/// What did ProjectScylla's way, in the repository.
const PROJECTSCYLLA: &str = "xtask/src/bench/repair_like_projectscylla.py";

/// One experiment with everything that is measured on it.
struct Measured<'a> {
    lab: &'a Lab,
    experiment: PathBuf,
    name: String,
}

pub(super) fn measure(lab: &Lab, table: &mut Table) -> Result<(), Failure> {
    let sizes: &[(u32, Content)] =
        lab.pick(&[(10_000, Content::Whole), (100_000, Content::Linked)], &[(10_000, Content::Whole)]);
    for (runs, content) in sizes {
        let experiment = synthetic::experiment(lab, *runs, *content)?;
        let measured = Measured { lab, experiment, name: format!("{runs} runs") };
        let bytes = reading::all_results(&measured.experiment, What::Read)?;
        table.figure(format!("{runs} runs: bytes of a result"), (bytes / u64::from(*runs)).to_string(), None);
        // The last lines of a program that was not told everything: it must agree.
        child::timed(&mut measured.verify(true), &[0])?;
        measured.quick(table)?;
        measured.others(table)?;
        if *content == Content::Whole {
            measured.evidence(table)?;
        }
    }
    Ok(())
}

impl Measured<'_> {
    fn verify(&self, quick: bool) -> Command {
        let mut command = self.lab.program();
        command.arg("verify").args(quick.then_some("--quick")).arg(&self.experiment);
        command
    }

    /// `verify --quick`, reading, and its parts alone, turn by turn.
    fn quick(&self, table: &mut Table) -> Result<(), Failure> {
        let (mut verify, mut read, mut parts) = (Samples::default(), Samples::default(), Samples::default());
        for _ in 0..self.lab.pick(21, 11) {
            verify.push(child::timed(&mut self.verify(true), &[0])?.seconds);
            for (what, samples) in [(What::Read, &mut read), (What::Look, &mut parts)] {
                let begin = Instant::now();
                reading::all_results(&self.experiment, what)?;
                samples.push(begin.elapsed().as_secs_f64());
            }
        }
        let name = &self.name;
        table.samples(format!("{name}: `verify --quick`"), &verify, Unit::Milliseconds, None);
        let what = format!("{name}: reading all bytes on {} threads", reading::threads());
        table.samples(what, &read, Unit::Milliseconds, None);
        table.samples(format!("{name}: the same, digested and parsed"), &parts, Unit::Milliseconds, None);
        table.samples(format!("{name}: `verify --quick` over reading"), &verify.over(&read), Unit::Ratio, None);
        let ratio = verify.over(&parts);
        let goal = Goal::at_most(MOST_OVER_READING, " ×", ratio.median());
        table.samples(format!("{name}: `verify --quick` over its parts"), &ratio, Unit::Ratio, Some(goal));
        let peak = child::peak(&mut self.verify(true), &[0])?;
        table.figure(format!("{name}: `verify --quick`, peak memory"), format!("{:.1} MB", megabytes(peak)), None);
        Ok(())
    }

    /// `find` and ProjectScylla's way, each beside our own.
    fn others(&self, table: &mut Table) -> Result<(), Failure> {
        let count = "find \"$0\" -mindepth 4 -maxdepth 4 -name run_result.json | wc -l";
        let mut find = Command::new("sh");
        find.args(["-c", count]).arg(&self.experiment).stdout(Stdio::null());
        let mut theirs = Command::new("python3");
        theirs
            .arg(place::root().join(PROJECTSCYLLA))
            .arg(self.experiment.join("checkpoint.json"))
            .stdout(Stdio::null());
        let name = &self.name;
        for (what, command, least) in
            [("`find`", &mut find, None), ("ProjectScylla's way", &mut theirs, Some(LEAST_UNDER_PROJECTSCYLLA))]
        {
            child::timed(command, &[0])?;
            let (mut other, mut ours) = (Samples::default(), Samples::default());
            for _ in 0..self.lab.pick(5, 3) {
                other.push(child::timed(command, &[0])?.seconds);
                // Ours is so short that what the other left to be written, or anything else, could double it once.
                let mut turn = Samples::default();
                for _ in 0..5 {
                    turn.push(child::timed(&mut self.verify(true), &[0])?.seconds);
                }
                ours.push(turn.median());
            }
            let ratio = other.over(&ours);
            table.samples(format!("{name}: {what}"), &other, Unit::Milliseconds, None);
            let goal = least.map(|least| Goal::at_least(least, " ×", ratio.median()));
            table.samples(format!("{name}: {what} over `verify --quick`"), &ratio, Unit::Ratio, goal);
        }
        for left in ["checkpoint.json.python", "checkpoint.json.python-backup"] {
            let left = self.experiment.join(left);
            fs::remove_file(&left).map_err(Failure::file("remove", &left))?;
        }
        Ok(())
    }

    /// For information: what also reads all evidence.
    fn evidence(&self, table: &mut Table) -> Result<(), Failure> {
        let (mut verify, mut repair) = (Samples::default(), Samples::default());
        for _ in 0..self.lab.pick(5, 3) {
            verify.push(child::timed(&mut self.verify(false), &[0])?.seconds);
            wipe(&self.experiment.join("checkpoint.json"))?;
            let mut command = self.lab.program();
            repair.push(child::timed(command.arg("repair").arg(&self.experiment), &[0])?.seconds);
        }
        let name = &self.name;
        table.samples(format!("{name}: `verify` with every seal"), &verify, Unit::Milliseconds, None);
        table.samples(format!("{name}: `repair` of a wiped checkpoint"), &repair, Unit::Milliseconds, None);
        Ok(())
    }
}

/// Does to a checkpoint what the interrupt of January 2026 did.
fn wipe(checkpoint: &Path) -> Result<(), Failure> {
    let bytes = fs::read(checkpoint).map_err(Failure::file("read", checkpoint))?;
    let failed = |error: serde_json::Error| Failure::file("wipe", checkpoint)(error.into());
    let mut content: Value = serde_json::from_slice(&bytes).map_err(failed)?;
    content["completed_runs"] = Value::Object(serde_json::Map::new());
    content["status"] = "interrupted".into();
    let bytes = serde_json::to_vec_pretty(&content).map_err(failed)?;
    fs::write(checkpoint, bytes).map_err(Failure::file("write", checkpoint))
}
