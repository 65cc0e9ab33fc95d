use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

fn error(bytes: &[u8]) -> String {
    Json::parse(bytes).unwrap_err().to_string()
}

#[test]
fn what_python_wrote_is_printed_as_it_was() {
    // Printed by Python's `json.dumps(..., indent=2)`.
    let written = "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1,\n    1.0,\n    1e-07,\n    Infinity,\n    -Infinity,\n    NaN\n  ],\n  \
                   \"\\u00e9\\ud83d\\ude00\\u007f\": \"\\\"\\\\/\\n\\r\\t\\b\\f\\u0001\",\n  \"x\": null,\n  \"x\": true\n}";
    assert_eq!(parse(written).indented(), written);
}

#[test]
fn half_of_a_surrogate_pair_is_kept_as_it_is_spelled() {
    let written = r#"["\udcff/\ud83d\u0041\n"]"#;
    let json = parse(written);
    assert_eq!(json.elements()[0], Json::Spelled(r"\udcff/\ud83d\u0041\n".to_owned()));
    assert_eq!(json.sorted(), written);
    assert_eq!(json.strict(), serde_json::json!(["\u{fffd}/\u{fffd}A\n"]));
    assert!(error(br#"{"\ud83d": 1}"#).contains("half of a surrogate pair"));
}

#[test]
fn a_hash_is_taken_over_one_sorted_line_in_pythons_spelling() {
    let json = parse("{\"b\": [1, {}], \"a\": {\"y\": 1E2, \"x\": -0}, \"ä\": 0.10, \"b\": [2.50,\"ö\"]}");
    assert_eq!(json.sorted(), r#"{"a": {"x": 0, "y": 100.0}, "b": [2.5, "\u00f6"], "\u00e4": 0.1}"#);
}

#[test]
fn floats_are_spelled_as_python_spells_them() {
    // Each pair was printed by Python 3.
    for (text, expected) in [
        ("1e16", "1e+16"),
        ("1e15", "1000000000000000.0"),
        ("9999999999999998.0", "9999999999999998.0"),
        ("123456789012345680000.0", "1.2345678901234568e+20"),
        ("0.0001", "0.0001"),
        ("0.00001", "1e-05"),
        ("-0.000012345", "-1.2345e-05"),
        ("-0.0", "-0.0"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("1e400", "Infinity"),
        ("-1e400", "-Infinity"),
        ("0.9733333333333333", "0.9733333333333333"),
        ("12345678901234567890", "12345678901234567890"),
    ] {
        assert_eq!(parse(text).sorted(), expected, "{text}");
        assert_eq!(parse(text).indented(), text);
    }
}

#[test]
fn of_equal_keys_the_last_one_is_read_and_both_are_kept() {
    let json = parse(r#"{"1": "passed", "1": "failed"}"#);
    assert_eq!(json.get("1"), Some(&Json::from("failed")));
    assert_eq!(json.entries().len(), 2);
    assert_eq!(json.strict(), serde_json::json!({"1": "failed"}));
}

#[test]
fn what_is_no_number_is_null_in_standard_json() {
    let json = parse("[Infinity, -Infinity, NaN, 1e400, 1, -1, 1.5, 18446744073709551615]");
    assert_eq!(json.strict().to_string(), "[null,null,null,null,1,-1,1.5,18446744073709551615]");
}

#[test]
fn an_error_names_line_and_column() {
    for (text, expected) in [
        ("", "line 1, column 1: the file ends where a value is expected"),
        ("{\n  \"ä\": x\n}", "line 2, column 8: `x` where a value is expected"),
        ("{\n  \"a\": 1", "line 2, column 9: the file ends where `,` or `}` is expected"),
        ("[1 2]", "line 1, column 4: `2` where `,` or `]` is expected"),
        ("{a: 1}", "line 1, column 2: `a` where a key in quotes is expected"),
        ("{\"a\" 1}", "line 1, column 6: `1` where `:` is expected"),
        ("[1,]", "line 1, column 4: `]` where a value is expected"),
        ("\"a", "line 1, column 3: the file ends inside of a text"),
        ("\"a\nb\"", "line 1, column 3: a control character in a text"),
        ("\"\\x\"", "line 1, column 2: an escape that JSON does not have"),
        ("\"\\u12g4\"", "line 1, column 2: `\\u` needs four hexadecimal digits"),
        ("\"\\u+123\"", "line 1, column 2: `\\u` needs four hexadecimal digits"),
        ("-", "line 1, column 2: the file ends where a digit is expected"),
        ("1.", "line 1, column 3: the file ends where a digit is expected"),
        ("1e+", "line 1, column 4: the file ends where a digit is expected"),
        ("01", "line 1, column 2: something follows the value"),
        ("{} {}", "line 1, column 4: something follows the value"),
        ("\u{feff}{}", "line 1, column 1: `\\u{feff}` where a value is expected"),
        ("Inf", "line 1, column 1: `I` where a digit is expected"),
    ] {
        assert_eq!(error(text.as_bytes()), expected, "{text}");
    }
    assert_eq!(error(b"[\n\"\xff\"]"), "line 2, column 2: it is not UTF-8");
}

#[test]
fn depth_has_a_bound() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(Json::parse(nested(MOST_LEVELS).as_bytes()).is_ok());
    assert!(error(nested(MOST_LEVELS + 1).as_bytes()).contains("more than 128 levels"));
    assert!(Json::parse("[".repeat(1 << 20).as_bytes()).is_err());
}

pub(crate) fn any_json() -> impl Strategy<Value = Json> {
    let text = prop_oneof!["[ -~]{0,6}", "\\PC{0,4}", any::<String>()];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        prop_oneof!["0|-?[1-9][0-9]{0,20}", "-?[0-9]\\.[0-9]{1,20}([eE][+-]?[0-9]{1,3})?", "-?Infinity|NaN"]
            .prop_map(Json::Number),
        text.prop_map(Json::Text),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::List),
            prop::collection::vec(("\\PC{0,3}", inner), 0..5).prop_map(Json::Map),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_to_the_same(json in any_json()) {
        let printed = json.indented();
        prop_assert!(printed.is_ascii());
        prop_assert_eq!(Json::parse(printed.as_bytes()).unwrap(), json);
    }

    #[test]
    fn standard_json_is_read_as_serde_json_reads_it(json in any_json()) {
        let strict = json.strict();
        prop_assert_eq!(Json::parse(strict.to_string().as_bytes()).unwrap().strict(), strict.clone());
        prop_assert_eq!(Json::of(&strict).strict(), strict);
    }

    #[test]
    fn no_bytes_bring_the_parser_down(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Json::parse(&bytes);
    }

    #[test]
    fn a_float_in_pythons_spelling_reads_back(number in any::<f64>().prop_filter("finite", |number| number.is_finite())) {
        let Json::Number(text) = Json::from(number) else { panic!() };
        prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), number.to_bits());
    }
}
