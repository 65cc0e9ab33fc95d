//! Which subtests of a fixture set their agents up in the same way, so that their results measure the same thing twice.

use super::ids::{SubtestId, TierId};
use super::task::{Fixture, Subtest};

/// Where a subtest stands in its fixture.
pub type Standing = (TierId, SubtestId);

/// The chosen subtests in groups, by their order: those of a group have the same agent, overlay and setup.
#[must_use]
pub fn groups(fixture: &Fixture, chosen: impl Iterator<Item = Standing>) -> Vec<Vec<Standing>> {
    let mut groups: Vec<(TierId, &Subtest, Vec<Standing>)> = Vec::new();
    for (tier, id) in chosen {
        let Some(subtest) = fixture.tiers.get(&tier).and_then(|subtests| subtests.get(&id)) else { continue };
        match groups.iter_mut().find(|(other, first, _)| are_alike((tier, subtest), (*other, first))) {
            Some((.., group)) => group.push((tier, id)),
            None => groups.push((tier, subtest, vec![(tier, id)])),
        }
    }
    groups.into_iter().map(|(.., group)| group).collect()
}

/// Every subtest of a fixture in groups.
#[must_use]
pub fn all_groups(fixture: &Fixture) -> Vec<Vec<Standing>> {
    groups(fixture, fixture.tiers.iter().flat_map(|(tier, subtests)| subtests.keys().map(|id| (*tier, *id))))
}

fn are_alike((tier, one): (TierId, &Subtest), (other_tier, other): (TierId, &Subtest)) -> bool {
    // What is inherited depends on the tier.
    let same_tier = tier == other_tier || !one.setup.extends_previous && one.setup.inherit_best_from.is_empty();
    same_tier && one.agent == other.agent && one.overlay == other.overlay && one.setup == other.setup
}
