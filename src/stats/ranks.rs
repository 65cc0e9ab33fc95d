//! Ranks: what the tests without assumptions about a distribution look at.

/// Ranks of numbers from 1 on; equal ones share the mean of their places.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranks {
    /// The rank of each number, in the order in which they came.
    pub ranks: Vec<f64>,
    /// Σ (t³ − t) over groups of t equal numbers: 0 without ties.
    pub tie_term: f64,
}

/// The mid-ranks of numbers.
///
/// Source: `scipy.stats.rankdata(…, method="average")`.
#[must_use]
pub fn mid_ranks(values: &[f64]) -> Ranks {
    // Adding zero makes one value of 0 and −0.
    let value = |at: usize| values[at] + 0.0;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|a, b| value(*a).total_cmp(&value(*b)));
    let mut ranks = vec![0.0; values.len()];
    let (mut tie_term, mut before) = (0.0, 0.0);
    for tied in order.chunk_by(|a, b| value(*a).total_cmp(&value(*b)).is_eq()) {
        let size: f64 = tied.iter().map(|_| 1.0).sum();
        for at in tied {
            ranks[*at] = before + f64::midpoint(size, 1.0);
        }
        before += size;
        tie_term += size.powi(3) - size;
    }
    Ranks { ranks, tie_term }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_share_the_mean_of_their_places() {
        let ranked = mid_ranks(&[0.5, 0.0, 0.5, -0.0, 0.5, 2.0]);
        assert_eq!(ranked, Ranks { ranks: vec![4.0, 1.5, 4.0, 1.5, 4.0, 6.0], tie_term: 6.0 + 24.0 });
        assert_eq!(mid_ranks(&[]), Ranks { ranks: Vec::new(), tie_term: 0.0 });
    }
}
