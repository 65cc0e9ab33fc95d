//! Which subtests of a fixture have equal setups, so that their results measure the same thing twice.

use crate::model::ids::{SetupId, TierId};
use crate::model::task::{Subtest, Tiers};

/// The chosen subtests in groups, in order: those of a group have the same agent, overlay and resources, and inherit
/// the same. What each inherits is passed with it. Overlays of the same name are the same.
#[must_use]
pub fn groups<T: PartialEq>(tiers: &Tiers, chosen: impl Iterator<Item = (SetupId, T)>) -> Vec<Vec<SetupId>> {
    let mut groups: Vec<(&Subtest, T, Vec<SetupId>)> = Vec::new();
    for ((tier, id), taken) in chosen {
        let Some(subtest) = tiers.get(&tier).and_then(|subtests| subtests.get(&id)) else { continue };
        match groups.iter_mut().find(|(first, other, _)| *other == taken && are_alike(subtest, first)) {
            Some((.., group)) => group.push((tier, id)),
            None => groups.push((subtest, taken, vec![(tier, id)])),
        }
    }
    groups.into_iter().map(|(.., group)| group).collect()
}

/// All these subtests in groups. Without a plan, each inherits what it declares.
#[must_use]
pub fn all_groups(tiers: &Tiers) -> Vec<Vec<SetupId>> {
    let declared = |tier: TierId, subtest: &Subtest| {
        let setup = &subtest.setup;
        let takes = setup.extends_previous || !setup.inherit_best_from.is_empty();
        takes.then(|| (tier, setup.extends_previous, setup.inherit_best_from.clone()))
    };
    let all = tiers.iter().flat_map(|(tier, subtests)| {
        subtests.iter().map(move |(id, subtest)| ((*tier, *id), declared(*tier, subtest)))
    });
    groups(tiers, all)
}

fn are_alike(one: &Subtest, other: &Subtest) -> bool {
    let (setup, of_other) = (&one.setup, &other.setup);
    one.agent == other.agent
        && one.overlay == other.overlay
        && setup.resources == of_other.resources
        && setup.system_prompt == of_other.system_prompt
        && setup.agent_teams == of_other.agent_teams
}
