//! Words that several tasks use.

/// A number with its noun.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_follow_their_number() {
        assert_eq!(counted(0, "file"), "0 files");
        assert_eq!(counted(1, "dependency"), "1 dependency");
        assert_eq!(counted(2, "dependency"), "2 dependencies");
    }
}
