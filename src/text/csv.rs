//! Lines of CSV that a spreadsheet takes for values, whoever wrote the texts in them.

use super::escape;

/// A text of others as a cell: on one line, without what a terminal obeys, and never a formula. A spreadsheet shows the `'`
/// before it as the sign of a text.
#[must_use]
pub fn text(text: &str) -> String {
    let shown = escape::terminal(text);
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    quoted(&if is_formula { format!("'{shown}") } else { shown.into_owned() })
}

/// A cell in quotes where it needs them.
#[must_use]
pub fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_others_is_a_formula_or_more_than_one_cell() {
        for (foreign, cell) in [
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", r"'\t=1"),
            ("\r=1", r"'\r=1"),
            ("=HYPERLINK(\"a\",\"b\")", "\"'=HYPERLINK(\"\"a\"\",\"\"b\"\")\""),
            ("a,b \"c\"", "\"a,b \"\"c\"\"\""),
            ("two\nlines \u{1b}[2J", r"two\nlines \u{1b}[2J"),
            ("", ""),
        ] {
            assert_eq!(text(foreign), cell, "{foreign:?}");
        }
    }
}
