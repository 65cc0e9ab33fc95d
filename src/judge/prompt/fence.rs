//! Fences around text that nobody may believe: their mark follows from the text, and does not occur in it.

use crate::model::digest::Digesting;

/// How many letters a mark has.
const LETTERS: usize = 16;

/// A fence for texts that are known.
#[derive(Debug)]
pub struct Fence {
    nonce: String,
}

impl Fence {
    /// A fence whose mark occurs in none of these texts. Who writes one of them cannot foresee the mark, because it is drawn from
    /// all of them by a digest.
    #[must_use]
    pub fn around(texts: &[&str]) -> Self {
        Self { nonce: drawn(texts, LETTERS) }
    }

    /// The mark.
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// A text in the fence.
    #[must_use]
    pub fn fenced(&self, what: &str, text: &str) -> String {
        let nonce = &self.nonce;
        let text = if text.trim().is_empty() { "(nothing)" } else { text.trim_end_matches('\n') };
        format!("<<<{nonce} {what}\n{text}\n{nonce}>>>")
    }
}

/// A mark of so many letters that occurs in none of the texts: the first one of a row that follows from them.
fn drawn(texts: &[&str], letters: usize) -> String {
    let mut digesting = Digesting::default();
    for text in texts {
        digesting.add(&(text.len() as u64).to_le_bytes());
        digesting.add(text.as_bytes());
    }
    loop {
        let hex = digesting.clone().end().hex();
        let mark: String = hex.chars().take(letters).collect();
        if !texts.iter().any(|text| text.contains(&mark)) {
            return mark;
        }
        digesting.add(hex.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_follows_from_the_texts_and_is_in_none_of_them() {
        let of = |texts: &[&str]| Fence::around(texts).nonce().to_owned();
        assert_eq!(of(&["a", "b"]), of(&["a", "b"]), "the same texts have the same mark");
        assert_ne!(of(&["a", "b"]), of(&["ab", ""]));
        assert_eq!(of(&["a"]).len(), LETTERS);
        // So short a mark is in nearly every text.
        assert_eq!(drawn(&["0123456789ab", "cdf"], 1), "e");
    }
}
