//! What it costs that requests to a model pass through the gateway, beside the same requests to the same server directly.

pub(crate) mod alone;
mod asking;
mod provider;

use std::thread;
use std::time::Instant;

use super::lab::Lab;
use super::sample::Samples;
use super::table::{Goal, Table, Unit};
use crate::failure::Failure;
use crate::say;
use alone::Alone;
use asking::{Asking, Way};
use provider::{Provider, Stream};

/// At most so many milliseconds are added to a request: in the middle, and to the slowest of a hundred.
const MOST_MEDIAN_MS: f64 = 2.0;
const MOST_99TH_MS: f64 = 5.0;
/// At least this part of a direct stream's throughput.
const LEAST_THROUGHPUT: f64 = 0.9;
/// So many agents ask at once, in at most so many megabytes.
const AGENTS: usize = 64;
const MOST_MEGABYTES: f64 = 50.0;
/// A long stream may take so many megabytes more than one of a megabyte.
const MOST_GROWTH_MEGABYTES: f64 = 8.0;
/// Bytes in a second of a stream as a network carries it: a gigabit.
const NETWORK: u64 = 125_000_000;
/// Bytes in a second of an agent's answer: thousands of tokens, more than any model writes.
const FAST_MODEL: u64 = 100_000;

pub(super) fn measure(lab: &Lab, table: &mut Table) -> Result<(), Failure> {
    let provider = Provider::start()?;
    latency(lab, table, &provider)?;
    throughput(lab, table, &provider)?;
    memory(lab, table, &provider)
}

fn latency(lab: &Lab, table: &mut Table, provider: &Provider) -> Result<(), Failure> {
    let alone = Alone::start(&lab.place("gateway-latency"), provider, 1)?;
    let requests = lab.pick(5000, 1000);
    say::line(&format!("{requests} requests each"));
    let mut direct = Asking::connect(&Way::direct(provider))?;
    let mut passing = Asking::connect(&alone.ways[0])?;
    let (mut directly, mut through) = (Samples::default(), Samples::default());
    for _ in 0..requests {
        directly.push(direct.whole()?);
        through.push(passing.whole()?);
    }
    let added = |of: &dyn Fn(&Samples) -> f64| (of(&through) - of(&directly)) * 1e3;
    let (median, slow) = (added(&Samples::median), added(&|samples| samples.percentile(99.0)));
    table.samples("a request, directly", &directly, Unit::Milliseconds, None);
    table.samples("a request, through the gateway", &through, Unit::Milliseconds, None);
    table.figure("added, median", format!("{median:.2} ms"), Some(Goal::at_most(MOST_MEDIAN_MS, " ms", median)));
    table.figure("added, 99th percentile", format!("{slow:.2} ms"), Some(Goal::at_most(MOST_99TH_MS, " ms", slow)));
    Ok(())
}

fn throughput(lab: &Lab, table: &mut Table, provider: &Provider) -> Result<(), Failure> {
    let alone = Alone::start(&lab.place("gateway-throughput"), provider, 1)?;
    let (bytes, repetitions) = lab.pick((256 << 20, 7), (64 << 20, 3));
    for (what, pace, has_goal) in [("of a gigabit a second", Some(NETWORK), true), ("as fast as it goes", None, false)]
    {
        let stream = Stream { bytes, pace };
        let (mut directly, mut through) = (Samples::default(), Samples::default());
        for repetition in 0..repetitions {
            say::line(&format!("streams {what}, repetition {} of {repetitions}", repetition + 1));
            directly.push(asking::stream(&Way::direct(provider), stream)?);
            through.push(asking::stream(&alone.ways[0], stream)?);
        }
        let ratio = directly.over(&through);
        let goal = has_goal.then(|| Goal::at_least(LEAST_THROUGHPUT, " ×", ratio.median()));
        table.samples(format!("throughput of a stream {what}, over direct"), &ratio, Unit::Ratio, goal);
    }
    Ok(())
}

fn memory(lab: &Lab, table: &mut Table, provider: &Provider) -> Result<(), Failure> {
    let alone = Alone::start(&lab.place("gateway-many"), provider, AGENTS)?;
    say::line(&format!("{AGENTS} agents at once"));
    let stream = Stream { bytes: FAST_MODEL * lab.pick(10, 3), pace: Some(FAST_MODEL) };
    let lost = || Failure::Measure { what: "ask a model", why: "its thread was lost".to_owned() };
    let begun = Instant::now();
    thread::scope(|scope| {
        let asking: Vec<_> = alone.ways.iter().map(|way| scope.spawn(move || asking::stream(way, stream))).collect();
        asking.into_iter().try_for_each(|one| one.join().map_err(|_| lost())?.map(drop))
    })?;
    let late = begun.elapsed().as_secs_f64() / stream.seconds();
    let peak = alone.peak_megabytes()?;
    let goal = Goal::at_most(MOST_MEGABYTES, " MB", peak);
    table.figure(format!("{AGENTS} agents at once: peak memory"), format!("{peak:.1} MB"), Some(goal));
    table.figure(format!("{AGENTS} agents at once: time over that of one"), format!("{late:.2} ×"), None);
    let of_length = |bytes: u64| {
        let alone = Alone::start(&lab.place(&format!("gateway-{bytes}")), provider, 1)?;
        asking::stream(&alone.ways[0], Stream { bytes, pace: None })?;
        alone.peak_megabytes()
    };
    let (long, name) = lab.pick((1 << 30, "a gigabyte"), (200 << 20, "200 MB"));
    let grown = of_length(long)? - of_length(1 << 20)?;
    let goal = Goal::at_most(MOST_GROWTH_MEGABYTES, " MB", grown);
    table.figure(format!("a stream of {name}: memory over one of 1 MB"), format!("{grown:.1} MB"), Some(goal));
    Ok(())
}
