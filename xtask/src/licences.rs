//! The licences of what we are built from.

use cargo_metadata::{MetadataCommand, Package};
use spdx::{Expression, LicenseReq, Licensee, ParseMode};

use crate::failure::Failure;
use crate::say::counted;
use crate::{place, program, say};

/// Licences under which one may pass on a program without its source, when one names its authors.
const ACCEPTED: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    // Of tables of certificates: it asks that its text goes with the data.
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// What stands in manifests: old ones write `A/B` for `A OR B`, and names that were given up, such as `GPL-3.0`. A name
/// that SPDX does not know is no licence.
const MANIFESTS: ParseMode = ParseMode { allow_imprecise_license_names: false, ..ParseMode::LAX };

/// Fails with every dependency, for this host, whose licence is not on the list.
pub(crate) fn check() -> Result<(), Failure> {
    let options = ["--locked".to_owned(), "--filter-platform".to_owned(), program::host()?];
    let workspace = MetadataCommand::new().current_dir(place::root()).other_options(options).exec()?;
    let dependencies = workspace.packages.iter().filter(|package| package.source.is_some());
    let (mut count, mut refused) = (0_usize, Vec::new());
    for package in dependencies {
        count += 1;
        refused.extend(refusal(package.license.as_deref()).map(|why| line(package, &why)));
    }
    refused.sort();
    say::line(&format!("{}, {} with a licence that is not on the list", counted(count, "dependency"), refused.len()));
    if refused.is_empty() { Ok(()) } else { Err(Failure::Licences { packages: refused }) }
}

fn line(package: &Package, why: &str) -> String {
    format!("{} {}: {why}", package.name, package.version)
}

/// Why a licence is not accepted; `None` when it is.
fn refusal(licence: Option<&str>) -> Option<String> {
    let Some(licence) = licence else { return Some("its manifest names no licence".to_owned()) };
    match Expression::parse_mode(licence, MANIFESTS) {
        Ok(expression) if expression.evaluate(is_accepted) => None,
        Ok(_) => Some(licence.to_owned()),
        Err(error) => Some(format!("`{licence}` is no licence expression: {}", error.reason)),
    }
}

fn is_accepted(wanted: &LicenseReq) -> bool {
    ACCEPTED.iter().any(|name| Licensee::parse(name).is_ok_and(|licence| licence.satisfies(wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, expected: bool) {
        assert_eq!(refusal(Some(expression)).is_none(), expected, "{expression}");
    }

    #[test]
    fn every_licence_on_the_list_is_one_and_accepted() {
        for licence in ACCEPTED {
            check(licence, true);
        }
    }

    #[test]
    fn one_accepted_licence_of_several_is_enough() {
        check("GPL-3.0 OR MIT", true);
        check("GPL-3.0/MIT", true);
        check("GPL-3.0 OR LGPL-3.0", false);
    }

    #[test]
    fn all_licences_of_a_conjunction_must_be_accepted() {
        check("MIT AND ISC", true);
        check("MIT AND GPL-3.0", false);
    }

    #[test]
    fn and_binds_closer_than_or_and_brackets_closest() {
        check("MIT OR ISC AND GPL-3.0", true);
        check("(MIT OR ISC) AND GPL-3.0", false);
        check("(GPL-3.0 OR (MIT AND ISC)) AND ISC", true);
    }

    #[test]
    fn an_exception_makes_another_licence() {
        check("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true);
        check("MIT WITH LLVM-exception", false);
        check("GPL-2.0 WITH LLVM-exception", false);
    }

    #[test]
    fn other_licences_and_none_are_refused_with_the_reason() {
        assert_eq!(refusal(Some("MPL-2.0")).as_deref(), Some("MPL-2.0"));
        assert_eq!(refusal(None).as_deref(), Some("its manifest names no licence"));
        let broken = |licence: &str, why: &str| {
            let told = refusal(Some(licence)).unwrap();
            assert!(told.starts_with(&format!("`{licence}` is no licence expression: {why}")), "{told}");
        };
        broken("", "empty expression");
        broken("MIT OR", "expected one of ");
        broken("AND MIT", "expected one of ");
        broken("MIT ISC", "expected one of ");
        broken("(MIT OR ISC", "unclosed parens");
        broken("MIT)", "unopened parens");
        broken("Our own", "unknown term");
    }
}
