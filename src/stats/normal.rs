//! The normal distribution with mean 0 and sd 1, exact to the last bits in its tails too: the ends of drawn intervals follow
//! from it, and those of `SciPy` do so by the same approximations.
//!
//! Source: the rational approximations of Moshier's Cephes library (`erf`, `erfc`, `ndtri`).

#![expect(clippy::unreadable_literal, reason = "the coefficients stand as they are published")]

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// The share below `z`.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    let x = z * FRAC_1_SQRT_2;
    match x {
        _ if x.abs() < 1.0 => 0.5 + 0.5 * error_near(x),
        _ if x > 0.0 => 1.0 - 0.5 * complement_of_error(x),
        _ => 0.5 * complement_of_error(-x),
    }
}

/// The share above `z`.
pub(crate) fn normal_sf(z: f64) -> f64 {
    normal_cdf(-z)
}

/// Below which value a share lies; infinite at 0 and 1.
pub(crate) fn normal_quantile(share: f64) -> f64 {
    if share <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if share >= 1.0 {
        return f64::INFINITY;
    }
    let is_above = share > 1.0 - EDGE;
    let tail = if is_above { 1.0 - share } else { share };
    if tail > EDGE {
        let from_middle = tail - 0.5;
        let square = from_middle * from_middle;
        return (from_middle + from_middle * (square * CENTRE.above(square) / CENTRE.below(square)))
            * (2.0 * PI).sqrt();
    }
    let x = (-2.0 * tail.ln()).sqrt();
    let inverse = 1.0 / x;
    let correction = if x < 8.0 {
        inverse * TAIL.above(inverse) / TAIL.below(inverse)
    } else {
        inverse * DEEP.above(inverse) / DEEP.below(inverse)
    };
    let size = x - x.ln() / x - correction;
    if is_above { size } else { -size }
}

/// exp(−2): nearer to 0 and 1 a quantile is approximated from the tail.
const EDGE: f64 = 0.1353352832366127;

/// erf(x) where |x| is below 1.
fn error_near(x: f64) -> f64 {
    let square = x * x;
    x * NEAR.above(square) / NEAR.below(square)
}

/// erfc(x) where x is 1 or more.
fn complement_of_error(x: f64) -> f64 {
    let scale = (-x * x).exp();
    match x {
        _ if x < 8.0 => scale * MIDDLE.above(x) / MIDDLE.below(x),
        // Beyond that nothing is left that a number can hold.
        _ if x >= 27.0 => 0.0,
        _ => scale * FAR.above(x) / FAR.below(x),
    }
}

/// Two polynomials, one divided by the other; the coefficient of the highest power comes first.
struct Ratio<const A: usize, const B: usize> {
    above: [f64; A],
    below: [f64; B],
}

impl<const A: usize, const B: usize> Ratio<A, B> {
    fn above(&self, x: f64) -> f64 {
        polynomial(&self.above, x)
    }

    fn below(&self, x: f64) -> f64 {
        polynomial(&self.below, x)
    }
}

/// c₀xⁿ + c₁xⁿ⁻¹ + …
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// erf(x) / x in x², below 1.
const NEAR: Ratio<5, 6> = Ratio {
    above: [9.604973739870516, 90.02601972038427, 2232.005345946843, 7003.325141128051, 55592.30130103949],
    below: [1.0, 33.56171416475031, 521.3579497801527, 4594.323829709801, 22629.000061389095, 49267.39426086359],
};

/// erfc(x) exp(x²) from 1 to 8.
const MIDDLE: Ratio<9, 9> = Ratio {
    above: [
        2.461969814735305e-10,
        0.5641895648310689,
        7.463210564422699,
        48.63719709856814,
        196.5208329560771,
        526.4451949954773,
        934.5285271719576,
        1027.5518868951572,
        557.5353353693994,
    ],
    below: [
        1.0,
        13.228195115474499,
        86.70721408859897,
        354.9377788878199,
        975.7085017432055,
        1823.9091668790973,
        2246.3376081871097,
        1656.6630919416134,
        557.5353408177277,
    ],
};

/// erfc(x) exp(x²) beyond 8.
const FAR: Ratio<6, 7> = Ratio {
    above: [
        0.5641895835477551,
        1.275366707599781,
        5.019050422511805,
        6.160210979930536,
        7.4097426995044895,
        2.9788666537210022,
    ],
    below: [
        1.0,
        2.2605286322011726,
        9.396035249380015,
        12.048953980809666,
        17.08144507475659,
        9.608968090632859,
        3.369076451000815,
    ],
};

/// The quantile between the shares 0.135 and 0.865.
const CENTRE: Ratio<5, 9> = Ratio {
    above: [-59.96335010141079, 98.00107541859997, -56.67628574690703, 13.931260938727968, -1.2391658386738125],
    below: [
        1.0,
        1.9544885833814176,
        4.676279128988815,
        86.36024213908905,
        -225.46268785411937,
        200.26021238006066,
        -82.03722561683334,
        15.90562251262117,
        -1.1833162112133,
    ],
};

/// The quantile of smaller shares, in 1 / √(−2 ln share).
const TAIL: Ratio<9, 9> = Ratio {
    above: [
        4.0554489230596245,
        31.525109459989388,
        57.16281922464213,
        44.08050738932008,
        14.684956192885803,
        2.1866330685079025,
        -0.1402560791713545,
        -0.03504246268278482,
        -0.0008574567851546854,
    ],
    below: [
        1.0,
        15.779988325646675,
        45.39076351288792,
        41.3172038254672,
        15.04253856929075,
        2.504649462083094,
        -0.14218292285478779,
        -0.03808064076915783,
        -0.0009332594808954574,
    ],
};

/// The quantile of shares below 1.3e-14.
const DEEP: Ratio<9, 9> = Ratio {
    above: [
        3.2377489177694603,
        6.915228890689842,
        3.9388102529247444,
        1.3330346081580755,
        0.20148538954917908,
        0.012371663481782003,
        0.00030158155350823543,
        2.6580697468673755e-06,
        6.239745391849833e-09,
    ],
    below: [
        1.0,
        6.02427039364742,
        3.6798356385616087,
        1.3770209948908132,
        0.21623699359449663,
        0.013420400608854318,
        0.00032801446468212774,
        2.8924786474538068e-06,
        6.790194080099813e-09,
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_are_infinite_and_leave_nothing() {
        assert_eq!((normal_quantile(0.0), normal_quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!((normal_sf(f64::INFINITY), normal_cdf(f64::INFINITY)), (0.0, 1.0));
    }

    #[test]
    fn a_quantile_leads_back_to_its_share_in_the_tails_too() {
        for share in [1e-300, 1e-20, 1e-5, 0.025, 0.135, 0.136, 0.5, 0.7, 0.9, 0.999] {
            let back = normal_cdf(normal_quantile(share));
            assert!((back / share - 1.0).abs() < 1e-12, "{share}: {back}");
        }
    }
}
