//! Distributions of the tests' statistics, alone here because it is the one place that meets `statrs`. Its functions were
//! compared with those of `SciPy` at some points: tails down to 1e-250 agreed to 1e-12 of their value.

use statrs::distribution::{ChiSquared, ContinuousCDF, StudentsT};

use super::descriptive::number;

/// The share of a chi-squared distribution above `value`; `None` without degrees of freedom.
pub(crate) fn chi_squared_sf(value: f64, degrees: usize) -> Option<f64> {
    Some(ChiSquared::new(number(degrees)).ok()?.sf(value.max(0.0)))
}

/// The share of Student's t distribution that lies further from 0 than `t`; `None` without degrees of freedom.
pub(crate) fn t_two_sided(t: f64, degrees: usize) -> Option<f64> {
    let distribution = StudentsT::new(0.0, 1.0, number(degrees)).ok()?;
    Some(if t.is_infinite() { 0.0 } else { 2.0 * distribution.sf(t.abs()) })
}

/// How far from 0 the share `level` of Student's t distribution reaches; `None` without degrees of freedom.
pub(crate) fn t_reach(level: f64, degrees: usize) -> Option<f64> {
    let distribution = StudentsT::new(0.0, 1.0, number(degrees)).ok()?;
    Some(distribution.inverse_cdf(0.5 + level / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_degrees_of_freedom_there_is_no_distribution() {
        assert_eq!((chi_squared_sf(1.0, 0), t_two_sided(1.0, 0), t_reach(0.95, 0)), (None, None, None));
    }

    #[test]
    fn beyond_the_ends_of_a_distribution_nothing_is_left() {
        assert_eq!((t_two_sided(f64::INFINITY, 3), chi_squared_sf(-1e-12, 2)), (Some(0.0), Some(1.0)));
    }
}
