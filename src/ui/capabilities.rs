//! Which parts of their setups agents cannot be given, as a sentence for each kind: setups that differ only in these
//! are equal to them.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::ids::SetupId;
use crate::model::setup::Capability;
use crate::model::task::Fixture;
use crate::text::short::first_of;
use crate::text::words::list;

/// How many subtests are named in a sentence.
const MOST_NAMED: usize = 4;

/// The sentences for these subtests. `beside` is what all agents get in addition to their own setup.
#[must_use]
pub fn not_given(
    fixture: &Fixture,
    subtests: impl IntoIterator<Item = SetupId>,
    beside: &BTreeSet<Capability>,
) -> Vec<String> {
    let mut found: BTreeMap<&str, (BTreeSet<Capability>, Vec<String>)> = BTreeMap::new();
    for (tier, id) in subtests {
        let Some(subtest) = fixture.tiers.get(&tier).and_then(|subtests| subtests.get(&id)) else { continue };
        let kind = subtest.agent.kind();
        let given: BTreeSet<Capability> = subtest.setup.needs().union(beside).copied().collect();
        let lost: Vec<Capability> = given.into_iter().filter(|one| !kind.takes.contains(one)).collect();
        if !lost.is_empty() {
            let (all, places) = found.entry(kind.name).or_default();
            all.extend(lost);
            places.push(format!("{tier}/{id}"));
        }
    }
    let sentence = |(kind, (lost, places)): (&str, (BTreeSet<Capability>, Vec<String>))| {
        let lost: Vec<String> = lost.into_iter().map(|one| one.name().to_owned()).collect();
        let places = list(&first_of(&places, MOST_NAMED));
        format!("`{kind}` takes no {}: what is given makes no difference to {places}", list(&lost))
    };
    found.into_iter().map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::setup::{Setup, Tools};

    #[test]
    fn what_an_agent_cannot_be_given_is_told_once_for_all_its_subtests() {
        let dir = tempfile::tempdir().unwrap();
        crate::config::scaffold::write(dir.path()).unwrap();
        let mut fixture = crate::config::fixture::load(dir.path()).unwrap();
        let places: Vec<_> = fixture
            .tiers
            .iter()
            .flat_map(|(tier, subtests)| subtests.keys().map(|subtest| (*tier, *subtest)))
            .collect();
        let none = BTreeSet::new();
        assert_eq!(not_given(&fixture, places.clone(), &none), Vec::<String>::new());
        let model = BTreeSet::from([Capability::Model]);
        assert_eq!(
            not_given(&fixture, places.clone(), &model),
            [
                "`nop` takes no model: what is given makes no difference to T0/00",
                "`oracle` takes no model: what is given makes no difference to T0/01",
            ]
        );
        let mut setup = Setup { agent_teams: true, ..Setup::default() };
        setup.resources.tools = Some(Tools::All);
        let subtests = fixture.tiers.values_mut().next().unwrap();
        for subtest in subtests.values_mut() {
            subtest.setup = setup.clone();
        }
        assert_eq!(
            not_given(&fixture, places, &model),
            [
                "`nop` takes no model, agent teams and tools: what is given makes no difference to T0/00",
                "`oracle` takes no model, agent teams and tools: what is given makes no difference to T0/01",
            ]
        );
    }
}
