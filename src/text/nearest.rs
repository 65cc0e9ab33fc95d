//! The most similar known word, for `did you mean`.

use strsim::osa_distance;

/// Fewest letters of a word by which a longer one is known.
const FEWEST_LETTERS: usize = 3;

/// The known word that a person most likely meant, if any is similar enough.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = normal(word);
    // A third of the letters may be wrong; with a larger distance the guess would be noise.
    let most = word.chars().count() / 3;
    let known: Vec<&str> = known.into_iter().collect();
    let similar = known
        .iter()
        .map(|candidate| (osa_distance(&word, &normal(candidate)), *candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate);
    similar.or_else(|| beginning(&word, &known))
}

/// The only known word that begins with this one, as names are shortened.
fn beginning<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let mut longer = known.iter().filter(|candidate| normal(candidate).starts_with(word));
    let first = *longer.next()?;
    (word.chars().count() >= FEWEST_LETTERS && longer.next().is_none()).then_some(first)
}

/// Differences in case and between `-` and `_` are the most frequent slips, so they do not count.
fn normal(word: &str) -> String {
    word.to_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_known_word_is_found_for_slips_and_not_for_noise() {
        let known = ["timeout_seconds", "prompt_file", "name"];
        for (word, expected) in [
            ("timeout-seconds", Some("timeout_seconds")),
            ("timout_secnods", Some("timeout_seconds")),
            ("promptfile", Some("prompt_file")),
            ("nmae", Some("name")),
            ("colour", None),
            ("E", None),
            ("NAME", Some("name")),
            ("", None),
            ("prompt", Some("prompt_file")),
            ("na", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }

    #[test]
    fn a_swap_of_neighbours_is_one_slip() {
        assert_eq!(nearest("nmae", ["name"]), Some("name"));
        assert_eq!(nearest("nmea", ["name"]), None);
    }
}
