//! Shortens long lists and long texts, and always shows that something was left out.

use std::fmt::Display;

/// The first items, followed by how many more there are: `a`, `b`, `3 more`.
#[must_use]
pub fn first_of<T: Display>(items: &[T], most: usize) -> Vec<String> {
    let mut named: Vec<String> = items.iter().take(most).map(ToString::to_string).collect();
    if items.len() > named.len() {
        named.push(format!("{} more", items.len() - named.len()));
    }
    named
}

/// The line below the first lines of a list of this length: `… and 3 more`. `None` when nothing is left out.
#[must_use]
pub fn and_more(length: usize, shown: usize) -> Option<String> {
    length.checked_sub(shown).filter(|left_out| *left_out > 0).map(|left_out| format!("… and {left_out} more"))
}

/// A text of at most `most` characters, followed by `…` when it was longer.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_and_nothing_is_when_all_fits() {
        let named = |count| first_of(&(0..count).collect::<Vec<u32>>(), 2).join(" ");
        assert_eq!([named(0), named(1), named(2), named(3)], ["", "0", "0 1", "0 1 1 more"]);
        assert_eq!((and_more(2, 2), and_more(1, 2), and_more(9, 2).as_deref()), (None, None, Some("… and 7 more")));
        assert_eq!([cut("é", 1), cut("éa", 1), cut("", 0)], ["é", "é…", ""]);
    }
}
