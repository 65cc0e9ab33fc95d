//! The settings' table `gate`: what `verify` requires when no flag says otherwise.

use crate::config::fields::Fields;
use crate::config::node::{Node, Value};
use crate::rules::policy::{LeastPassRate, Policy};

/// Reads the table.
pub(super) fn gate(fields: &Fields<'_>) -> Option<Policy> {
    let table = fields.fields("gate")?;
    let policy = Policy {
        max_missing: number(&table, "max-missing"),
        max_errored: number(&table, "max-errored"),
        min_runs: number(&table, "min-runs"),
        min_judges: number(&table, "min-judges"),
        min_pass_rate: rates(&table, "min-pass-rate"),
        deny_warnings: table.flag("deny-warnings").unwrap_or_default(),
        no_secrets: table.flag("no-secrets").unwrap_or_default(),
        require_seal: table.flag("require-seal").unwrap_or_default(),
        same_agent_version: table.flag("same-agent-version").unwrap_or_default(),
    };
    table.close();
    Some(policy)
}

fn number(table: &Fields<'_>, key: &'static str) -> Option<usize> {
    let whole = |node: &Node| node.whole().and_then(|number| usize::try_from(number).ok());
    table.find(key).and_then(|node| table.page.typed(node, &table.path(key), "a whole number from 0", whole))
}

/// One rate for the whole experiment, or a table of them for tiers and subtests.
fn rates(table: &Fields<'_>, key: &'static str) -> Vec<LeastPassRate> {
    let Some(node) = table.find(key) else { return Vec::new() };
    let wanted = "a number from 0 to 1";
    let rate = |node: &Node| node.number().filter(|rate| (0.0..=1.0).contains(rate));
    if !matches!(node.value, Value::Mapping(_)) {
        let rate = table.page.typed(node, &table.path(key), wanted, rate);
        return rate.map(|rate| LeastPassRate { of: None, rate }).into_iter().collect();
    }
    let Some(parts) = table.fields(key) else { return Vec::new() };
    let least = parts.entries().iter().filter_map(|entry| {
        let path = parts.path(&entry.key);
        let of = entry.key.parse().map_err(|error| parts.page.mistake(entry.place, format!("`{path}`: {error}"))).ok();
        let rate = parts.page.typed(&entry.node, &path, wanted, rate);
        Some(LeastPassRate { of: Some(of?), rate: rate? })
    });
    least.collect()
}
