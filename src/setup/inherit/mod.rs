//! What a subtest inherits from the winners of earlier tiers, and the resulting setup.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::experiment::{Config, Inherit};
use crate::model::ids::{SetupId, SubtestId, TierId};
use crate::model::setup::{McpServer, Resources, Setup, Tools};
use crate::model::task::Fixture;

/// The winners that a tier inherits from: for each source tier, the subtest.
pub type Winners = BTreeMap<TierId, SubtestId>;

/// From which tiers' winners each planned subtest inherits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inheritance {
    sources: BTreeMap<SetupId, Vec<TierId>>,
}

/// The setup of a subtest after the winners below it are merged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effective {
    /// The merged setup.
    pub setup: Setup,
    /// Overlays of the winners below it, the lowest first, without its own.
    pub overlays: Vec<String>,
    /// The winners, such as `T0/03`, in the order in which they were merged.
    pub inherited_from: Vec<String>,
    /// Whether other setups of the fixture place settings of the agent in the workspace. If agents are told to think,
    /// this setup then does so too: setups differ in nothing but what they specify.
    pub has_settings: bool,
}

impl Inheritance {
    /// The inheritance that a config asks for.
    #[must_use]
    pub fn of(config: &Config, fixture: &Fixture) -> Self {
        Self::planned(config.inherit, fixture, &config.subtests, |tier| config.planned_with(tier))
    }

    /// The inheritance in a plan, where `with` gives the tiers that were planned together with a tier.
    #[must_use]
    pub fn planned(
        inherit: Inherit,
        fixture: &Fixture,
        subtests: &BTreeMap<TierId, Vec<SubtestId>>,
        with: impl Fn(TierId) -> BTreeSet<TierId>,
    ) -> Self {
        let mut sources = BTreeMap::new();
        for (tier, subtests) in subtests {
            let planned = with(*tier);
            for subtest in subtests {
                let Some(found) = fixture.tiers.get(tier).and_then(|all| all.get(subtest)) else { continue };
                let taken = sources_of(inherit, *tier, &found.setup, &planned);
                sources.insert((*tier, *subtest), taken);
            }
        }
        Self { sources }
    }

    /// Every planned subtest.
    pub fn places(&self) -> impl Iterator<Item = SetupId> + '_ {
        self.sources.keys().copied()
    }

    /// The subtests of a tier that inherit anything.
    pub fn inheriting_in(&self, tier: TierId) -> impl Iterator<Item = SetupId> + '_ {
        self.sources
            .iter()
            .filter(move |(place, sources)| place.0 == tier && !sources.is_empty())
            .map(|(place, _)| *place)
    }

    /// The tiers from whose winners a subtest inherits, in the order in which they are merged.
    #[must_use]
    pub fn of_subtest(&self, tier: TierId, subtest: SubtestId) -> &[TierId] {
        self.sources.get(&(tier, subtest)).map_or(&[], Vec::as_slice)
    }

    /// For each tier that waits for others, the tiers that must be settled before it begins.
    #[must_use]
    pub fn of_tiers(&self) -> BTreeMap<TierId, BTreeSet<TierId>> {
        let mut tiers: BTreeMap<TierId, BTreeSet<TierId>> = BTreeMap::new();
        for ((tier, _), sources) in self.sources.iter().filter(|(_, sources)| !sources.is_empty()) {
            tiers.entry(*tier).or_default().extend(sources);
        }
        tiers
    }

    /// Subtests that name a tier which is not planned, or not before their own: the subtest, and the named tier.
    #[must_use]
    pub fn unmet(&self) -> Vec<(SetupId, TierId)> {
        let planned: BTreeSet<TierId> = self.sources.keys().map(|(tier, _)| *tier).collect();
        let unmet = |source: &TierId, tier| !planned.contains(source) || *source >= tier;
        let each = self.sources.iter().flat_map(|(place, sources)| sources.iter().map(|source| (*place, *source)));
        each.filter(|(place, source)| unmet(source, place.0)).collect()
    }

    /// The setup of a subtest with the winners merged below it; `None` while a winner is not known, or when the fixture
    /// has no such subtest.
    #[must_use]
    pub fn effective(
        &self,
        fixture: &Fixture,
        winners: &BTreeMap<TierId, Winners>,
        tier: TierId,
        subtest: SubtestId,
    ) -> Option<Effective> {
        let own = &fixture.tiers.get(&tier)?.get(&subtest)?.setup;
        let mut merged = Effective { has_settings: has_settings(fixture), ..Effective::default() };
        for source in self.of_subtest(tier, subtest) {
            // Only earlier tiers are sources, so this ends.
            let winner = *winners.get(&tier)?.get(source).filter(|_| *source < tier)?;
            let won = fixture.tiers.get(source)?.get(&winner)?;
            // A winner that is named contributes only its own setup; one that is extended also contributes what it
            // inherited.
            let below = if own.inherit_best_from.contains(source) {
                Effective { setup: won.setup.clone(), ..Effective::default() }
            } else {
                self.effective(fixture, winners, *source, winner)?
            };
            let overlay = won.overlay.clone();
            merged.setup = merge(&merged.setup, &below.setup);
            for overlay in below.overlays.into_iter().chain(overlay) {
                merged.overlays.retain(|known| *known != overlay);
                merged.overlays.push(overlay);
            }
            merged.inherited_from.push(format!("{source}/{winner}"));
        }
        merged.setup = merge(&merged.setup, own);
        Some(merged)
    }
}

fn sources_of(inherit: Inherit, tier: TierId, setup: &Setup, planned: &BTreeSet<TierId>) -> Vec<TierId> {
    let extends = match inherit {
        Inherit::None => return Vec::new(),
        Inherit::PreviousBest => !setup.stands_alone,
        Inherit::AsDeclared => setup.extends_previous,
    };
    let mut sources = Vec::new();
    // A subtest that names winners inherits from those and no others.
    for source in &setup.inherit_best_from {
        if !sources.contains(source) {
            sources.push(*source);
        }
    }
    if sources.is_empty() && extends {
        sources.extend(planned.range(..tier).next_back());
    }
    sources
}

/// A subtest's own setup, without inheritance.
#[must_use]
pub fn alone(fixture: &Fixture, setup: &Setup) -> Effective {
    Effective { setup: setup.clone(), has_settings: has_settings(fixture), ..Effective::default() }
}

/// Whether any setup of the fixture places settings of the agent in its workspace.
fn has_settings(fixture: &Fixture) -> bool {
    let mut setups = fixture.tiers.values().flat_map(BTreeMap::values).map(|subtest| &subtest.setup);
    setups.any(|setup| setup.resources != Resources::default() || setup.agent_teams)
}

/// One setup laid over another: blocks are replaced, everything else is united. The inheritance and the system prompt
/// are those of the upper one.
#[must_use]
pub fn merge(below: &Setup, above: &Setup) -> Setup {
    let (lower, upper) = (&below.resources, &above.resources);
    let mut mcp_servers: Vec<McpServer> = lower
        .mcp_servers
        .iter()
        .filter(|server| !upper.mcp_servers.iter().any(|other| other.name == server.name))
        .cloned()
        .collect();
    mcp_servers.extend(upper.mcp_servers.iter().cloned());
    Setup {
        agent_teams: below.agent_teams || above.agent_teams,
        resources: Resources {
            blocks: if upper.blocks.is_empty() { lower.blocks.clone() } else { upper.blocks.clone() },
            skills: united(&lower.skills, &upper.skills),
            agent_levels: lower.agent_levels.union(&upper.agent_levels).copied().collect(),
            agent_names: united(&lower.agent_names, &upper.agent_names),
            tools: match (&lower.tools, &upper.tools) {
                (Some(Tools::All), _) | (_, Some(Tools::All)) => Some(Tools::All),
                (Some(Tools::Named(lower)), Some(Tools::Named(upper))) => Some(Tools::Named(united(lower, upper))),
                (only, None) | (None, only) => only.clone(),
            },
            mcp_servers,
        },
        ..above.clone()
    }
}

/// The items of both lists, in the order of their first occurrence.
fn united(lower: &[String], upper: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::with_capacity(lower.len() + upper.len());
    for name in lower.iter().chain(upper) {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    all
}

#[cfg(test)]
mod tests;
