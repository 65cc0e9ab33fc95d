//! pass@k and pass^k: what one may expect of k tries of a task, from n runs of which some passed; both without bias.
//!
//! Source: Chen et al., "Evaluating large language models trained on code" (2021), for pass@k; Yao et al., "τ-bench"
//! (2024), for pass^k.

use super::descriptive::number;

/// The chance that at least one of k tries passes, 0 to 1: 1 − C(n − c, k) / C(n, k). `None` when there are fewer than k
/// runs, when k is 0, and when more passed than there are.
#[must_use]
pub fn pass_at(k: usize, passed: usize, n: usize) -> Option<f64> {
    Some(1.0 - all_of(k, n.checked_sub(passed)?, n)?)
}

/// The chance that all of k tries pass, 0 to 1: C(c, k) / C(n, k). `None` as in [`pass_at`].
#[must_use]
pub fn pass_all(k: usize, passed: usize, n: usize) -> Option<f64> {
    if passed > n { None } else { all_of(k, passed, n) }
}

/// The mean over tasks of a chance; `None` when one task has too few runs to tell, and without tasks.
#[must_use]
pub fn over_tasks(k: usize, tasks: &[(usize, usize)], chance: fn(usize, usize, usize) -> Option<f64>) -> Option<f64> {
    let chances: Option<Vec<f64>> = tasks.iter().map(|(passed, n)| chance(k, *passed, *n)).collect();
    super::descriptive::mean(&chances?)
}

/// C(chosen, k) / C(n, k), as a product of shares that are each at most 1.
fn all_of(k: usize, chosen: usize, n: usize) -> Option<f64> {
    if k == 0 || k > n {
        return None;
    }
    Some((0..k).map(|taken| number(chosen.saturating_sub(taken)) / number(n - taken)).product())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_try_passes_as_often_as_runs_did() {
        assert_eq!((pass_at(1, 3, 4), pass_all(1, 3, 4)), (Some(0.75), Some(0.75)));
    }

    #[test]
    fn more_tries_find_a_pass_more_often_and_pass_all_less_often() {
        assert_eq!((pass_at(2, 2, 4), pass_all(2, 2, 4)), (Some(1.0 - 1.0 / 6.0), Some(1.0 / 6.0)));
        assert_eq!((pass_at(3, 2, 4), pass_all(3, 2, 4)), (Some(1.0), Some(0.0)));
    }

    #[test]
    fn fewer_runs_than_tries_tell_nothing() {
        assert_eq!((pass_at(5, 1, 4), pass_all(5, 4, 4), pass_at(0, 1, 1), pass_at(1, 0, 0)), (None, None, None, None));
        assert_eq!((pass_at(1, 3, 2), pass_all(1, 3, 2)), (None, None));
        assert_eq!(over_tasks(2, &[(1, 2), (2, 2)], pass_all), Some(0.5));
        assert_eq!((over_tasks(2, &[(1, 2), (1, 1)], pass_all), over_tasks(1, &[], pass_at)), (None, None));
    }
}
