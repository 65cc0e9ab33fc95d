//! The door to TOML: a text becomes a tree of nodes with places, or a list of mistakes.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::Mistake;
use super::node::{Entry, Node, Place, Value};

/// Parses a TOML file; every syntax error is reported.
pub(super) fn parse(text: &str, file: &Path) -> Result<Node, Vec<Mistake>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(Node { value: mapping(text, table.get_ref()), place: Place::new(1, 1) });
    }
    let mistake = |error: &toml::de::Error| {
        let place = error.span().map(|span| place(text, &span)).unwrap_or_default();
        Mistake::new(file, format!("is not TOML: {}", error.message())).at(place)
    };
    Err(errors.iter().map(mistake).collect())
}

fn place(text: &str, span: &Range<usize>) -> Place {
    let before = text.get(..span.start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    Place::new(before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn mapping(text: &str, table: &DeTable<'_>) -> Value {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            place: place(text, &key.span()),
            node: node(text, value),
        })
        .collect();
    // The crate sorts keys by name; mistakes are reported in the order of the file.
    entries.sort_by_key(|entry| (entry.place.line, entry.place.column));
    Value::Mapping(entries)
}

fn node(text: &str, value: &Spanned<DeValue<'_>>) -> Node {
    let place = place(text, &value.span());
    let value = match value.get_ref() {
        DeValue::String(string) => Value::Quoted(string.to_string()),
        DeValue::Integer(integer) if integer.radix() == 10 => Value::Number(integer.as_str().to_owned()),
        DeValue::Integer(integer) => Value::Number(
            u64::from_str_radix(integer.as_str(), integer.radix())
                .map_or_else(|_| integer.to_string(), |n| n.to_string()),
        ),
        DeValue::Float(float) => Value::Number(float.as_str().to_owned()),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(time) => Value::Quoted(time.to_string()),
        DeValue::Array(items) => Value::List(items.iter().map(|item| node(text, item)).collect()),
        DeValue::Table(table) => mapping(text, table),
    };
    Node { value, place }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_knows_its_line_in_the_order_of_the_file() {
        let root = parse("# é\nz = 1_000\na = ['x',\n  0x10]\n", Path::new("f.toml")).unwrap();
        let Value::Mapping(entries) = &root.value else { panic!("{root:?}") };
        assert_eq!(entries[0].key, "z");
        assert_eq!(entries[0].node, Node { value: Value::Number("1000".into()), place: Place::new(2, 5) });
        let Value::List(items) = &entries[1].node.value else { panic!("{root:?}") };
        assert_eq!(items[1], Node { value: Value::Number("16".into()), place: Place::new(4, 3) });
    }

    #[test]
    fn every_error_of_the_syntax_is_told() {
        let mistakes = parse("a = \nb = 1\nb = 2\nc = 'x\n", Path::new("f.toml")).unwrap_err();
        let lines: Vec<_> = mistakes.iter().map(|mistake| mistake.line).collect();
        assert_eq!(lines, [Some(1), Some(3), Some(4)], "{mistakes:?}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z0-9 \\n\\t\\-:\\[\\]{}&*'\"#|>!%@=.é\0]{0,80}") {
            let _ = parse(&text, Path::new("any"));
        }
    }
}
