//! Arguments of `compare`, and what of a comparison makes it fail.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

/// Arguments of `compare`.
#[derive(Debug, Args)]
pub struct Compare {
    /// What is compared, the first with each other one: setups (`T0/00`), tiers (`T1`), or whole experiments
    ///
    /// Setups and tiers are those of the newest experiment, or of the one that is named before them: `compare old T1 new T1`.
    #[arg(required = true, num_args = 1.., value_name = "WHAT")]
    pub sides: Vec<String>,
    /// Where experiments are looked for by a part of the name, or the newest one [default: where `run` puts experiments]
    #[arg(long, value_name = "DIR")]
    pub results_dir: Option<PathBuf>,
    /// Exit 7 when this holds of any of the others beside the first: `worse`, or a change such as `pass-rate<-0.05` or `cost>0.2`
    ///
    /// `worse`: its pass rate is lower, and the interval of the difference speaks against chance. `pass-rate` and `score` are
    /// differences; `cost`, `time` and `tokens` are changes as a share of the first, so that `cost>0.2` is 20 % dearer. What is
    /// not known fails too. May be given several times.
    #[arg(long, value_name = "CHANGE", help_heading = "Gate")]
    pub fail_if: Vec<FailIf>,
    /// Form of the comparison [with `--message-format json`: json]
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: CompareFormat,
}

/// Form of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// For people
    Human,
    /// One JSON document
    Json,
}

/// What is measured of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// The pass rate.
    PassRate,
    /// The mean score.
    Score,
    /// The mean cost.
    Cost,
    /// The mean time.
    Time,
    /// The mean tokens.
    Tokens,
}

/// What makes a comparison fail.
#[derive(Debug, Clone, PartialEq)]
pub enum FailIf {
    /// It is clearly worse.
    Worse,
    /// A change beyond a bound.
    Change {
        /// Of what.
        measure: Measure,
        /// Whether more than the bound fails; else less does.
        is_above: bool,
        /// The bound.
        bound: f64,
        /// As it was typed.
        typed: String,
    },
}

const MEASURES: [(&str, Measure); 5] = [
    ("pass-rate", Measure::PassRate),
    ("score", Measure::Score),
    ("cost", Measure::Cost),
    ("time", Measure::Time),
    ("tokens", Measure::Tokens),
];

impl FromStr for FailIf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "worse" {
            return Ok(Self::Worse);
        }
        let wrong = || format!("`{text}` is neither `worse` nor a change such as `pass-rate<-0.05` or `cost>0.2`");
        let place = text.find(['<', '>']).ok_or_else(wrong)?;
        let (name, rest) = text.split_at(place);
        let known = MEASURES.iter().find(|(known, _)| *known == name.trim());
        let (_, measure) = known.ok_or_else(|| {
            let names: Vec<&str> = MEASURES.iter().map(|(name, _)| *name).collect();
            format!("`{}` is not measured; what is: {}", name.trim(), names.join(", "))
        })?;
        let bound: f64 = rest[1..].trim().parse().map_err(|_| wrong())?;
        if !bound.is_finite() {
            return Err(wrong());
        }
        Ok(Self::Change { measure: *measure, is_above: rest.starts_with('>'), bound, typed: text.to_owned() })
    }
}
