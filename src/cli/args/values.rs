//! How values of the config are typed.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::model::experiment::{ContainmentChoice, Inherit, KeepWorkspaces};

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
