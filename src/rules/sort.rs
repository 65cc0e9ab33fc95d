//! By what rows of runs can be sorted.

use std::cmp::Ordering;
use std::str::FromStr;

use crate::model::row::RunRow;
use crate::model::usage::Total;

/// A key, and in which direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortKey {
    key: Key,
    falls: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Tier,
    Subtest,
    Run,
    Setup,
    Model,
    Status,
    Score,
    Grade,
    End,
    Cost,
    Spent,
    Tokens,
    Time,
    Attempts,
    Reason,
}

const KEYS: [(&str, Key); 15] = [
    ("tier", Key::Tier),
    ("subtest", Key::Subtest),
    ("run", Key::Run),
    ("setup", Key::Setup),
    ("model", Key::Model),
    ("status", Key::Status),
    ("score", Key::Score),
    ("grade", Key::Grade),
    ("end", Key::End),
    ("cost", Key::Cost),
    ("spent", Key::Spent),
    ("tokens", Key::Tokens),
    ("time", Key::Time),
    ("attempts", Key::Attempts),
    ("reason", Key::Reason),
];

impl FromStr for SortKey {
    type Err = String;

    /// `score`, `-score`, `score:desc` or `score:asc`; as an error, the name that is no key.
    fn from_str(typed: &str) -> Result<Self, String> {
        let (name, falls) = match (typed.strip_prefix('-'), typed.strip_suffix(":desc"), typed.strip_suffix(":asc")) {
            (None, Some(name), _) | (Some(name), None, None) => (name, true),
            (None, None, Some(name)) => (name, false),
            _ => (typed, false),
        };
        // What a row calls so.
        let name = if name == "name" { "setup" } else { name };
        let known = KEYS.iter().find(|(known, _)| *known == name);
        known.map(|(_, key)| Self { key: *key, falls }).ok_or_else(|| name.to_owned())
    }
}

impl SortKey {
    /// Every key.
    pub const NAMES: [&'static str; 15] = {
        let mut names = [""; 15];
        let mut place = 0;
        while place < KEYS.len() {
            names[place] = KEYS[place].0;
            place += 1;
        }
        names
    };

    /// How two rows stand to each other. One that has no such value comes last, in either direction.
    #[must_use]
    pub fn compare(self, left: &RunRow, right: &RunRow) -> Ordering {
        let by = |of: &dyn Fn(&RunRow) -> Option<f64>| self.ordered(of(left), of(right), f64::total_cmp);
        let text = |of: &dyn Fn(&RunRow) -> Option<String>| self.ordered(of(left), of(right), Ord::cmp);
        match self.key {
            Key::Tier => self.turned(left.run.tier.cmp(&right.run.tier)),
            Key::Subtest => self.turned(left.run.subtest.cmp(&right.run.subtest)),
            Key::Run => self.turned(left.run.cmp(&right.run)),
            Key::Status => self.turned(left.status.cmp(&right.status)),
            Key::Attempts => self.turned(left.attempts.cmp(&right.attempts)),
            Key::Setup => text(&|row| row.name.clone()),
            Key::Model => text(&|row| row.model.clone()),
            Key::Reason => text(&|row| row.reason.clone()),
            Key::Score => by(&|row| row.score),
            // The worst first, as with scores.
            Key::Grade => self.ordered(left.grade, right.grade, |left, right| right.cmp(left)),
            Key::End => self.ordered(left.end, right.end, Ord::cmp),
            Key::Cost => {
                self.ordered(left.cost.and_then(Total::at_least), right.cost.and_then(Total::at_least), Ord::cmp)
            }
            Key::Spent => self.ordered(left.spent.at_least(), right.spent.at_least(), Ord::cmp),
            Key::Tokens => self.ordered(left.tokens, right.tokens, Ord::cmp),
            Key::Time => by(&|row| row.seconds),
        }
    }

    fn turned(self, ordering: Ordering) -> Ordering {
        if self.falls { ordering.reverse() } else { ordering }
    }

    fn ordered<T>(self, left: Option<T>, right: Option<T>, compare: impl Fn(&T, &T) -> Ordering) -> Ordering {
        match (left, right) {
            (Some(left), Some(right)) => self.turned(compare(&left, &right)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::row::samples as row;

    fn sorted(keys: &str) -> Vec<String> {
        let mut rows = row::all();
        let keys: Vec<SortKey> = keys.split(',').map(|key| key.parse().unwrap()).collect();
        rows.sort_by(|left, right| {
            keys.iter().map(|key| key.compare(left, right)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        });
        rows.iter().map(|row| format!("{}/{}/{}", row.run.tier, row.run.subtest, row.run.run)).collect()
    }

    #[test]
    fn rows_are_sorted_in_both_directions_and_what_is_not_known_comes_last() {
        let scored = |keys| sorted(keys)[..4].to_vec();
        assert_eq!(scored("score"), ["T1/01/1", "T0/00/2", "T1/00/1", "T0/00/1"]);
        for keys in ["-score", "score:desc", "-grade", "grade:desc"] {
            assert_eq!(scored(keys), ["T0/00/1", "T1/00/1", "T0/00/2", "T1/01/1"], "{keys}");
        }
        assert_eq!(scored("score:asc"), scored("score"));
        // A cost of which nothing is known is none.
        assert_eq!(sorted("-cost")[..3], ["T0/00/2", "T0/00/1", "T1/00/1"]);
        assert_eq!(sorted("-tier,-run")[..2], ["T1/01/4", "T1/01/3"]);
        assert_eq!(sorted("status,-time")[..3], ["T0/00/1", "T1/00/1", "T0/00/2"]);
        for name in SortKey::NAMES {
            assert_eq!((sorted(name).len(), sorted(&format!("-{name}")).len()), (8, 8), "{name}");
        }
        for (typed, name) in [("prise", "prise"), ("-scor", "scor"), ("-score:desc", "-score:desc"), ("", "")] {
            assert_eq!(typed.parse::<SortKey>(), Err(name.to_owned()));
        }
    }
}
