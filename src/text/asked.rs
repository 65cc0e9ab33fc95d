//! The flags for fields of the config, and their values as people type and read them.

use serde_json::Value;

/// The flag for a field of the config.
#[must_use]
pub fn flag_of(field: &str) -> String {
    match field {
        "models" => "--model".to_owned(),
        "judge_models" => "--judge-model".to_owned(),
        "thinking_mode" => "--thinking".to_owned(),
        "timeout_seconds" => "--timeout".to_owned(),
        "job_cpus" => "--cpus".to_owned(),
        "job_memory" => "--mem".to_owned(),
        "job_seconds" => "--time".to_owned(),
        "job_partition" => "--partition".to_owned(),
        "job_options" => "--sbatch".to_owned(),
        "max_time_seconds" => "--max-time".to_owned(),
        "hold_seconds" => "--hold".to_owned(),
        "rate_limit_seconds" => "--max-pause".to_owned(),
        "runs_per_subtest" => "--runs".to_owned(),
        "subtests" => "--tiers".to_owned(),
        other => format!("--{}", other.replace('_', "-")),
    }
}

/// A flag with its value, as a person would type it; without a value, a text that there was none.
#[must_use]
pub fn flag_with(field: &str, value: &Value) -> String {
    let flag = flag_of(field);
    // A number alone is not taken for the time of a job.
    let unit = if field == "job_seconds" { "s" } else { "" };
    worded(value).map_or_else(|| format!("no `{flag}`"), |value| format!("`{flag} {value}{unit}`"))
}

/// A value in plain words; `None` when it is empty.
fn worded(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => Some(items.iter().filter_map(worded).collect::<Vec<_>>().join(",")),
        // A sandbox: two flags of the command line.
        Value::Object(sandbox) if sandbox.contains_key("use") => {
            let flag = |key: &str| worded(sandbox.get(key)?);
            Some(format!("{} --network {}", flag("use")?, flag("network")?))
        }
        // The subtests of each tier: on the command line only tiers are named.
        Value::Object(tiers) => Some(tiers.keys().map(String::as_str).collect::<Vec<_>>().join(",")),
        Value::String(text) => Some(text.clone()),
        value => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_called_as_its_flag_and_its_value_as_it_is_typed() {
        let flags = [
            flag_with("models", &json!(["A"])),
            flag_with("sandbox", &json!({"use": "auto", "network": "none"})),
            flag_with("models", &json!([])),
            flag_with("max_cost_usd", &Value::Null),
            flag_with("timeout_seconds", &json!(7)),
            flag_with("job_seconds", &json!(7)),
            flag_with("subtests", &json!({"T0": [0, 1], "T2": [0]})),
        ];
        let expected = [
            "`--model A`",
            "`--sandbox auto --network none`",
            "no `--model`",
            "no `--max-cost-usd`",
            "`--timeout 7`",
            "`--time 7s`",
            "`--tiers T0,T2`",
        ];
        assert_eq!(flags, expected);
    }
}
