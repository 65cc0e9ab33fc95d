//! How many columns a text takes on a terminal. The door to `unicode-width`.

use unicode_width::UnicodeWidthChar;

/// Replaces the rest of a text that was cut.
const REST: char = '…';
const ESCAPE: char = '\u{1b}';

/// The number of columns of a line. Styles take none.
#[must_use]
pub fn columns(line: &str) -> usize {
    let mut columns = 0;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        if char == ESCAPE {
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            columns += char.width().unwrap_or(0);
        }
    }
    columns
}

/// The line shortened to `most` columns; a shortened line ends with `…`. Styles take no column and are kept.
#[must_use]
pub fn cut(line: &str, most: usize) -> String {
    let mut kept = String::new();
    // The place to cut the line at, if it has to be cut.
    let (mut used, mut end) = (0, 0);
    let mut styled = false;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        if char == ESCAPE {
            styled = true;
            kept.push(char);
            for char in chars.by_ref() {
                kept.push(char);
                if char.is_ascii_alphabetic() {
                    break;
                }
            }
            continue;
        }
        used += char.width().unwrap_or(0);
        if used > most {
            kept.truncate(end);
            if most > 0 {
                kept.push(REST);
            }
            if styled {
                kept.push_str("\u{1b}[0m");
            }
            return kept;
        }
        kept.push(char);
        if used < most {
            end = kept.len();
        }
    }
    kept
}

/// The end of a text without styles, of at most `most` columns; a shortened one begins with `…`.
#[must_use]
pub fn cut_front(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let (mut used, mut begin) = (1, text.len());
    for (place, char) in text.char_indices().rev() {
        used += char.width().unwrap_or(0);
        if used > most {
            break;
        }
        begin = place;
    }
    if most == 0 { String::new() } else { format!("{REST}{}", &text[begin..]) }
}

/// Rows of equally many cells as lines, two spaces between columns: the first `words` columns are aligned to the left, the
/// others, which hold numbers, to the right.
#[must_use]
pub fn aligned(rows: &[Vec<String>], words: usize) -> Vec<String> {
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len))
        .map(|column| rows.iter().map(|row| columns(&row[column])).max().unwrap_or(0))
        .collect();
    let padded = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            let room = " ".repeat(width - columns(cell));
            if column < words { format!("{cell}{room}") } else { format!("{room}{cell}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(padded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_to_its_columns_and_says_so() {
        for (line, most, expected) in [
            ("short", 5, "short"),
            ("shorter", 5, "shor…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
            ("any", 1, "…"),
            ("any", 0, ""),
            ("", 0, ""),
        ] {
            let cut = cut(line, most);
            assert_eq!(cut, expected, "{line} {most}");
            assert!(columns(&cut) <= most);
        }
    }

    #[test]
    fn of_a_text_that_is_cut_in_front_the_end_is_kept() {
        for (text, most, expected) in [
            ("short", 5, "short"),
            ("shorter", 5, "…rter"),
            ("日本語", 5, "…本語"),
            ("日本語", 4, "…語"),
            ("any", 1, "…"),
            ("any", 0, ""),
        ] {
            assert_eq!(cut_front(text, most), expected, "{text} {most}");
        }
    }

    #[test]
    fn styles_take_no_column_and_end_where_a_line_is_cut() {
        let line = "\u{1b}[1mbold\u{1b}[0m rest";
        assert_eq!(cut(line, 9), line);
        assert_eq!(cut(line, 4), "\u{1b}[1mbol…\u{1b}[0m");
    }
}
