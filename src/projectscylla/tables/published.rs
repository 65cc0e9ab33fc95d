//! `statistical_results.json`, as ProjectScylla publishes it beside its tables: read, with what is known to be wrong in it.

use serde_json::{Value, json};

use crate::model::digest::Digest;
use crate::model::published::{Claim, KnownMistake, Published};
use crate::projectscylla::json::{Json, JsonError};

/// The results of 1,080 runs beside which a headline was published that their own tables do not bear.
const HAIKU: &str = "8fd2e633a982825bbbb76b3c858fdd23313428f6a5998f2658e18f8d6c2b10a4";

/// Reads published results: Python's JSON, whose `NaN` stands for what cannot be said. Results of this tool, whose arrays
/// stand below `analysis`, are read as well.
///
/// # Errors
/// When it is no JSON.
pub fn read(bytes: &[u8]) -> Result<Published, JsonError> {
    let document = Json::parse(bytes)?.strict();
    let fields = document.get("analysis").unwrap_or(&document).as_object();
    let rows = |rows: &Vec<Value>| rows.iter().filter_map(|row| row.as_object().cloned()).collect();
    let arrays = fields.into_iter().flatten().filter_map(|(name, array)| Some((name.clone(), rows(array.as_array()?))));
    Ok(Published { arrays: arrays.collect() })
}

/// What is wrong wherever it is published.
#[must_use]
pub fn known_mistakes() -> Vec<KnownMistake> {
    let shapeless = "numbers that are all the same have no shape: W is 0 divided by 0, which is published as 1";
    let row = |array, field, published, ours, reason| KnownMistake { array, field, published, ours, reason };
    vec![
        row("normality_tests", "w_statistic", json!(1.0), Value::Null, shapeless),
        row("normality_tests", "p_value", json!(1.0), Value::Null, shapeless),
        row("normality_tests", "is_normal", json!(true), Value::Null, "what has no shape is not normal"),
        row(
            "effect_sizes",
            "is_significant",
            json!(true),
            json!(false),
            "the interval of a delta of 0 is published as NaN, which was taken for one that excludes 0",
        ),
    ]
}

/// What was published beside the results with this digest.
#[must_use]
pub fn claims(results: &Digest) -> Vec<Claim> {
    if results.hex() != HAIKU {
        return Vec::new();
    }
    vec![Claim {
        array: "experiment_interaction_tests",
        row: &[("metric", "score"), ("effect", "interaction")],
        p_below: 0.001,
        says: "the headline that tiers do otherwise in some experiments than in others (score)",
        origin: "It was made from a stale table, in which 170 runs without any judgment counted as failed with a score of 0.",
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_python_and_of_this_tool_are_read_alike() {
        let theirs = read(br#"{"pipeline_version": "1.0.0", "omnibus_tests": [{"metric": "score", "p_value": NaN}]}"#);
        let ours = read(br#"{"inputs": [{}], "analysis": {"omnibus_tests": [{"metric": "score", "p_value": null}]}}"#);
        let theirs = theirs.unwrap();
        assert_eq!(Ok(&theirs), ours.as_ref());
        assert_eq!(theirs.arrays[0].1[0]["p_value"], Value::Null);
        assert!(read(b"[").is_err());
        assert_eq!((claims(&Digest::of(b"")).len(), claims(&Digest::from_hex(HAIKU).unwrap()).len()), (0, 1));
    }
}
