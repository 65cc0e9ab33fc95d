//! How values are parsed from the command line.

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::model::exchange::GatewayUse;
use crate::model::experiment::{ContainmentChoice, Inherit, KeepWorkspaces};
use crate::model::ids::TierId;
use crate::model::job::BackendChoice;
use crate::model::limits::MOST_SECONDS;
use crate::model::money::Usd;
use crate::model::resources::{Memory, MemoryError, Processors, ProcessorsError};
use crate::model::sandbox::{Network, SandboxChoice};
use crate::model::tape::RecordChoice;
use crate::report::findings::{FORMATS, Format, format_of};
use crate::report::results::{FORMS, Form, form_of};
use crate::text::allotment;
use crate::text::words::seconds_of;

/// A time: seconds, or a number with units.
pub(super) fn seconds(text: &str) -> Result<u64, String> {
    not_negative(text)?;
    let seconds = text.parse().ok().or_else(|| seconds_of(text));
    match seconds {
        Some(seconds) if (1..=MOST_SECONDS).contains(&seconds) => Ok(seconds),
        Some(_) => Err(format!("it must be from 1 second to {MOST_SECONDS}")),
        None => Err("it is neither a number of seconds nor a time such as `90s`, `10m` or `1h30m`".to_owned()),
    }
}

/// The same, or no time.
pub(super) fn seconds_or_none(text: &str) -> Result<u64, String> {
    if matches!(text, "0" | "0s") { Ok(0) } else { seconds(text) }
}

/// A kind of agent, which may demand a version. Whether the fixture has a solution is not known yet.
pub(super) fn agent(text: &str) -> Result<String, String> {
    crate::agent::named(text, true).map(|_| text.to_owned())
}

/// A format of `verify`'s report.
pub(super) fn report_format() -> impl TypedValueParser<Value = &'static Format> {
    let named = FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.about));
    PossibleValuesParser::new(named).try_map(|name| format_of(&name).ok_or("there is no such form"))
}

/// A form of the report of results.
pub(super) fn form_of_results() -> impl TypedValueParser<Value = &'static Form> {
    let named = FORMS.iter().map(|form| PossibleValue::new(form.name).help(form.about));
    PossibleValuesParser::new(named).try_map(|name| form_of(&name).ok_or("there is no such form"))
}

/// A tier. What is given for `--tiers` is parsed as one, even the name of a folder.
pub(super) fn tier(text: &str) -> Result<TierId, String> {
    text.parse().map_err(|error| format!("{error}; what is no tier stands before `--tiers`"))
}

/// A whole number within bounds.
pub(super) fn count<const LEAST: u32, const MOST: u32>(text: &str) -> Result<u32, String> {
    not_negative(text)?;
    match text.parse::<u64>() {
        Ok(number) => match u32::try_from(number) {
            Ok(number) if (LEAST..=MOST).contains(&number) => Ok(number),
            _ => Err(format!("{number} is not in {LEAST}..={MOST}")),
        },
        Err(_) => Err("it is not a whole number".to_owned()),
    }
}

/// A whole number from 1.
pub(super) fn large_count(text: &str) -> Result<u64, String> {
    not_negative(text)?;
    match text.parse() {
        Ok(0) => Err("it is not from 1 on".to_owned()),
        Ok(count) => Ok(count),
        Err(_) => Err("it is not a whole number".to_owned()),
    }
}

/// A whole number from 0.
pub(super) fn any_count(text: &str) -> Result<usize, String> {
    not_negative(text)?;
    text.parse().map_err(|_| "it is not a whole number".to_owned())
}

/// An amount of US dollars.
pub(super) fn dollars(text: &str) -> Result<Usd, String> {
    not_negative(text)?;
    text.parse()
}

/// A size of memory.
pub(super) fn memory(text: &str) -> Result<Memory, String> {
    not_negative(text)?;
    text.parse().map_err(|error: MemoryError| error.to_string())
}

/// The memory of a job.
pub(super) fn job_memory(text: &str) -> Result<Memory, String> {
    not_negative(text)?;
    allotment::memory(text).map_err(|wanted| format!("it is not {wanted}"))
}

/// The time of a job.
pub(super) fn job_seconds(text: &str) -> Result<u64, String> {
    not_negative(text)?;
    allotment::time(text).map_err(|wanted| format!("it is not {wanted}"))
}

/// A number of processors.
pub(super) fn processors(text: &str) -> Result<Processors, String> {
    not_negative(text)?;
    text.parse().map_err(|error: ProcessorsError| error.to_string())
}

/// A text of one line, as a line of a script holds it.
pub(super) fn one_line(text: &str) -> Result<String, String> {
    let is_one = !text.is_empty() && !text.contains(|letter: char| letter.is_control());
    if is_one { Ok(text.to_owned()) } else { Err("it is not one line of text".to_owned()) }
}

/// An option of another program.
pub(super) fn option(text: &str) -> Result<String, String> {
    let text = one_line(text)?;
    if text.starts_with('-') { Ok(text) } else { Err("it is no option: it does not begin with `-`".to_owned()) }
}

/// A share, such as the distance of two scores.
pub(super) fn share(text: &str) -> Result<f64, String> {
    not_negative(text)?;
    let share = text.parse::<f64>().map_err(|_| "it is not a number".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("it is not from 0 to 1".to_owned()) }
}

fn not_negative(text: &str) -> Result<(), String> {
    let is_negative = text.starts_with('-') && text[1..].starts_with(|char: char| char.is_ascii_digit() || char == '.');
    if is_negative { Err("it is negative".to_owned()) } else { Ok(()) }
}

/// A folder as the config stores it: absolute, because it is read in another folder later.
pub(super) fn absolute_folder(typed: &str) -> Result<String, String> {
    let path = std::path::absolute(typed).map_err(|error| error.to_string())?;
    path.into_os_string().into_string().map_err(|_| "the path from the root is not UTF-8".to_owned())
}

impl ValueEnum for KeepWorkspaces {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::None, Self::Failed, Self::All]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::None => "none",
            Self::Failed => "failed",
            Self::All => "all",
        }))
    }
}

impl ValueEnum for Inherit {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::None, Self::PreviousBest, Self::AsDeclared]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::None => "none",
            Self::PreviousBest => "previous-best",
            Self::AsDeclared => "as-declared",
        }))
    }
}

impl ValueEnum for SandboxChoice {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::None, Self::Auto, Self::Bubblewrap, Self::Podman]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::None => "none",
            Self::Auto => "auto",
            Self::Bubblewrap => "bubblewrap",
            Self::Podman => "podman",
        }))
    }
}

impl ValueEnum for Network {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Open, Self::Model, Self::None]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Open => "open",
            Self::Model => "model",
            Self::None => "none",
        }))
    }
}

impl ValueEnum for GatewayUse {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Meter, Self::Require, Self::Off]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Off => "off",
            Self::Meter => "meter",
            Self::Require => "require",
        }))
    }
}

impl ValueEnum for BackendChoice {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Local, Self::Slurm]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Local => "local",
            Self::Slurm => "slurm",
        }))
    }
}

impl ValueEnum for RecordChoice {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::None, Self::Exchanges]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::None => "none",
            Self::Exchanges => "exchanges",
        }))
    }
}

impl ValueEnum for ContainmentChoice {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Auto, Self::Bubblewrap, Self::Cgroup, Self::Walk]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Auto => "auto",
            Self::Bubblewrap => "bubblewrap",
            Self::Cgroup => "cgroup",
            Self::Walk => "walk",
        }))
    }
}
