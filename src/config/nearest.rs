//! The nearest word that is known, for `did you mean`.

/// The known word that a person most likely meant, if any is near enough.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = normal(word);
    // A third of the letters may be wrong; for a longer distance the guess would be noise.
    let most = word.chars().count() / 3;
    known
        .into_iter()
        .map(|candidate| (distance(&word, &normal(candidate)), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Case and the choice between `-` and `_` are the most frequent slips, so they count nothing.
fn normal(word: &str) -> String {
    word.to_lowercase().replace('-', "_")
}

/// How many letters must be put in, taken out, replaced or swapped with their neighbour.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before = vec![0; other.len() + 1];
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut current = vec![row + 1; other.len() + 1];
        for (column, candidate) in other.iter().enumerate() {
            let replaced = above[column] + usize::from(letter != candidate);
            let mut least = replaced.min(above[column + 1] + 1).min(current[column] + 1);
            let swapped = row > 0 && column > 0 && one[row - 1] == *candidate && *letter == other[column - 1];
            if swapped {
                least = least.min(before[column - 1] + 1);
            }
            current[column + 1] = least;
        }
        before = std::mem::replace(&mut above, current);
    }
    above[other.len()]
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
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }

    #[test]
    fn a_swap_of_neighbours_is_one_slip() {
        assert_eq!(distance("nmae", "name"), 1);
        assert_eq!(distance("name", "name"), 0);
        assert_eq!(distance("", "name"), 4);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
