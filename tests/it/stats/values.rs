//! Each function against `values.json`, which `values.py` made with `SciPy`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use scylla::stats::bootstrap::Settings;
use scylla::stats::estimate::Estimate;
use scylla::stats::paired::BySubtest;
use scylla::stats::random::MersenneTwister;
use scylla::stats::{
    agreement, bootstrap, cliffs_delta, correlation, descriptive, holm, kruskal_wallis, mann_whitney, paired, passes,
    permutation, power, proportion, ranks, scheirer_ray_hare, shapiro_wilk,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::differences::Number::{Bits, P, Value as Size};
use super::differences::{Differences, MOST, Number, hold, with_numbers};

#[derive(Deserialize)]
struct Values {
    versions: BTreeMap<String, String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    function: String,
    input: Value,
    expected: Value,
}

fn values() -> Values {
    serde_json::from_str(include_str!("values.json")).unwrap()
}

/// Reads an input.
fn read<T: DeserializeOwned>(input: &Value) -> T {
    serde_json::from_value(with_numbers(input)).unwrap()
}

/// What is expected, number by number.
fn expected(value: &Value) -> Vec<Option<f64>> {
    match value {
        Value::Array(parts) => parts.iter().flat_map(expected).collect(),
        one => vec![with_numbers(one).as_f64()],
    }
}

fn with_interval(estimate: Option<Estimate>) -> Vec<Number> {
    let interval = estimate.and_then(|estimate| estimate.interval);
    let ends = [interval.map(|ends| ends.low), interval.map(|ends| ends.high)];
    [vec![Size(estimate.map(|estimate| estimate.value))], ends.map(Size).to_vec()].concat()
}

fn interval_alone(estimate: Option<Estimate>, number: fn(Option<f64>) -> Number) -> Vec<Number> {
    let interval = estimate.and_then(|estimate| estimate.interval);
    vec![number(interval.map(|ends| ends.low)), number(interval.map(|ends| ends.high))]
}

fn sizes(values: impl IntoIterator<Item = f64>) -> Vec<Number> {
    values.into_iter().map(|value| Size(Some(value))).collect()
}

fn by_subtest(rows: Vec<Vec<f64>>) -> BySubtest<usize> {
    rows.into_iter().enumerate().collect()
}

/// What we answer.
fn answer(function: &str, input: &Value) -> Vec<Number> {
    match function {
        "mean" | "median" | "sd" | "skew" | "excess_kurtosis" | "consistency" | "shapiro_wilk" | "mid_ranks"
        | "bootstrap_mean" | "quantile" => of_one_sample(function, input),
        "words" | "below" | "normal" => of_a_seed(function, input),
        "mann_whitney" | "cliffs_delta" | "bootstrap_delta" | "permutation_between" => of_two_samples(function, input),
        "pass_at" | "pass_all" | "wilson" | "difference" | "bootstrap_share" => of_counts(function, input),
        "power_mann_whitney" | "power_kruskal_wallis" | "power_of_pass_rates" => of_power(function, input),
        _ => of_many(function, input),
    }
}

fn of_one_sample(function: &str, input: &Value) -> Vec<Number> {
    if function == "quantile" {
        let (values, share): (Vec<f64>, f64) = read(input);
        return vec![Size(descriptive::quantile(&values, share))];
    }
    let values: Vec<f64> = read(input);
    match function {
        "mean" => vec![Size(descriptive::mean(&values))],
        "median" => vec![Bits(descriptive::median(&values))],
        "sd" => vec![Size(descriptive::sd(&values))],
        "skew" => vec![Size(descriptive::skew(&values))],
        "excess_kurtosis" => vec![Size(descriptive::excess_kurtosis(&values))],
        "consistency" => vec![Size(descriptive::consistency(&values))],
        "shapiro_wilk" => {
            let test = shapiro_wilk::shapiro_wilk(&values);
            vec![Size(test.map(|test| test.w)), P(test.map(|test| test.p))]
        }
        "mid_ranks" => ranks::mid_ranks(&values).ranks.into_iter().map(|rank| Bits(Some(rank))).collect(),
        _ => {
            let is_pass = values.iter().all(|value| [0.0, 1.0].contains(value));
            interval_alone(bootstrap::mean_of(&values, &Settings::default()), if is_pass { Bits } else { Size })
        }
    }
}

fn of_a_seed(function: &str, input: &Value) -> Vec<Number> {
    let input: Vec<u32> = read(input);
    let mut generator = MersenneTwister::new(input[0]);
    let mut drawn = |count: u32, draw: &dyn Fn(&mut MersenneTwister) -> f64| -> Vec<Number> {
        (0..count).map(|_| Bits(Some(draw(&mut generator)))).collect()
    };
    match function {
        "words" => drawn(input[1], &|generator| f64::from(generator.word())),
        "below" => drawn(input[2], &|generator| f64::from(generator.below(input[1]))),
        _ => drawn(input[1], &MersenneTwister::normal),
    }
}

fn of_two_samples(function: &str, input: &Value) -> Vec<Number> {
    let parts: Vec<Value> = read(input);
    let (first, second): (Vec<f64>, Vec<f64>) = (read(&parts[0]), read(&parts[1]));
    match function {
        "mann_whitney" => {
            let test = mann_whitney::mann_whitney(&first, &second);
            vec![Size(test.map(|test| test.u)), P(test.map(|test| test.p))]
        }
        "cliffs_delta" => vec![Size(cliffs_delta::cliffs_delta(&first, &second))],
        "bootstrap_delta" => {
            let settings = Settings { samples: read(&parts[2]), ..Settings::default() };
            interval_alone(bootstrap::cliffs_delta(&first, &second, &settings), Size)
        }
        _ => {
            let test = permutation::between(&first, &second, &permutation::Settings::default());
            vec![Size(test.map(|test| test.difference)), P(test.map(|test| test.p))]
        }
    }
}

fn of_counts(function: &str, input: &Value) -> Vec<Number> {
    match function {
        "pass_at" | "pass_all" => {
            let (k, passed, n) = read(input);
            let chance = if function == "pass_at" { passes::pass_at } else { passes::pass_all };
            vec![Size(chance(k, passed, n))]
        }
        "bootstrap_share" => {
            let (passed, n) = read(input);
            interval_alone(bootstrap::share_of(passed, n, 0.95), Size)
        }
        "wilson" => {
            let (passed, n, level) = read(input);
            let interval = proportion::wilson(passed, n, level);
            vec![Size(interval.map(|ends| ends.low)), Size(interval.map(|ends| ends.high))]
        }
        _ => {
            let (later, former, level) = read(input);
            with_interval(proportion::difference(later, former, level))
        }
    }
}

fn of_power(function: &str, input: &Value) -> Vec<Number> {
    let settings = |simulations| power::Settings { simulations, ..power::Settings::default() };
    match function {
        "power_mann_whitney" => {
            let (n1, n2, delta, simulations): (usize, usize, f64, usize) = read(input);
            let found = power::mann_whitney(n1, n2, &[delta], &settings(simulations));
            vec![Size(found.and_then(|found| found.first().copied()))]
        }
        "power_kruskal_wallis" => {
            let (sizes, effect, simulations): (Vec<usize>, f64, usize) = read(input);
            vec![Size(power::kruskal_wallis(&sizes, effect, &settings(simulations)))]
        }
        _ => {
            let (p1, n1, p2, n2) = read(input);
            vec![Size(power::of_pass_rates((p1, n1), (p2, n2), 0.05))]
        }
    }
}

fn of_many(function: &str, input: &Value) -> Vec<Number> {
    match function {
        "permutation_of_signs" => {
            let test = permutation::of_signs(&read::<Vec<f64>>(input), &permutation::Settings::default());
            vec![Size(test.map(|test| test.difference)), P(test.map(|test| test.p))]
        }
        "kruskal_wallis" => {
            let test = kruskal_wallis::kruskal_wallis(&read::<Vec<Vec<f64>>>(input));
            vec![Size(test.map(|test| test.h)), P(test.map(|test| test.p))]
        }
        "holm" => holm::holm(&read::<Vec<f64>>(input)).into_iter().map(|p| P(Some(p))).collect(),
        "scheirer_ray_hare" => {
            let (a, b, values): (Vec<u32>, Vec<u32>, Vec<f64>) = read(input);
            let rows: Vec<(u32, u32, f64)> =
                a.into_iter().zip(b).zip(values).map(|((a, b), value)| (a, b, value)).collect();
            let test = scheirer_ray_hare::scheirer_ray_hare(&rows).unwrap();
            let effects = [test.first, test.second, test.interaction];
            let numbers = |effect: scheirer_ray_hare::Effect| {
                vec![Size(Some(effect.h)), Size(u32::try_from(effect.df).ok().map(f64::from)), P(effect.p)]
            };
            effects.into_iter().flat_map(numbers).collect()
        }
        "spearman" | "pearson" => {
            let (x, y): (Vec<f64>, Vec<f64>) = read(input);
            let pairs: Vec<(f64, f64)> = x.into_iter().zip(y).collect();
            let found =
                if function == "spearman" { correlation::spearman(&pairs) } else { correlation::pearson(&pairs) };
            vec![Size(found.map(|found| found.rho)), P(found.map(|found| found.p))]
        }
        "krippendorff_alpha" => vec![Size(agreement::krippendorff_alpha(&read::<Vec<Vec<Option<f64>>>>(input)))],
        "paired" => {
            let (later, former, level) = read(input);
            let paired = paired::difference(&by_subtest(later), &by_subtest(former), level);
            with_interval(paired.map(|paired| paired.estimate))
        }
        "clustered_mean" => {
            let (runs, level) = read(input);
            with_interval(paired::clustered_mean(&by_subtest(runs), level))
        }
        _ => sizes([f64::NAN]),
    }
}

#[test]
fn every_function_says_what_scipy_says() {
    let Values { versions, cases } = values();
    assert_eq!(versions.keys().collect::<Vec<_>>(), ["numpy", "python", "scipy"]);
    let mut differences = Differences::default();
    let mut wrong = Vec::new();
    for Case { function, input, expected: value } in &cases {
        let (given, expected) = (answer(function, input), expected(value));
        let far = |(given, expected): (&Number, &Option<f64>)| given.difference(*expected);
        let each: Vec<f64> = given.iter().zip(&expected).map(far).collect();
        for difference in &each {
            differences.count(function, *difference);
        }
        if given.len() != expected.len() || each.iter().any(|difference| *difference > MOST) {
            let input: String = input.to_string().chars().take(100).collect();
            wrong.push(format!("{function} of {input}…: {given:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    differences.hold("differences to SciPy", "function");
}

#[test]
fn the_manual_says_how_many_runs_a_difference_takes() {
    let rates = [(0.5, 0.6), (0.7, 0.8), (0.8, 0.9), (0.9, 1.0), (0.5, 0.7), (0.7, 0.9), (0.8, 1.0), (0.5, 0.9)];
    let mut table = "| pass rate of one | of the other | runs a setup |\n|---|---|---|\n".to_owned();
    for (from, to) in rates {
        let runs = power::runs_needed(from, to, 0.05, 0.8).unwrap();
        let found = power::of_pass_rates((from, runs), (to, runs), 0.05).unwrap();
        assert!((0.8..0.9).contains(&found), "{from} {to}: {runs} runs have a power of {found}");
        writeln!(table, "| {:.0} % | {:.0} % | {runs} |", from * 100.0, to * 100.0).unwrap();
    }
    hold("runs needed", &table);
}

#[test]
fn the_script_covers_what_is_small_tied_constant_and_missing() {
    let cases = values().cases;
    let functions: BTreeSet<&str> = cases.iter().map(|case| case.function.as_str()).collect();
    assert!(functions.len() >= 30, "{functions:?}");
    let without_answer: BTreeSet<&str> = cases
        .iter()
        .filter(|case| expected(&case.expected).contains(&None))
        .map(|case| case.function.as_str())
        .collect();
    for function in
        ["mean", "sd", "skew", "shapiro_wilk", "kruskal_wallis", "spearman", "krippendorff_alpha", "pass_at"]
    {
        assert!(without_answer.contains(function), "{function}");
    }
}
