//! The licences of what we are built from.

use cargo_metadata::{MetadataCommand, Package};

use crate::failure::Failure;
use crate::spdx;
use crate::words::counted;
use crate::{place, program, say};

/// Licences under which one may pass on a program without its source, when one names its authors.
const ACCEPTED: [&str; 12] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Exceptions that only add to what a licence permits.
const ACCEPTED_EXCEPTIONS: [&str; 1] = ["LLVM-exception"];

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
    match spdx::satisfied(licence, &accepted) {
        Ok(true) => None,
        Ok(false) => Some(licence.to_owned()),
        Err(error) => Some(format!("`{licence}` is no licence expression: {error}")),
    }
}

fn accepted(licence: &str, exception: Option<&str>) -> bool {
    ACCEPTED.contains(&licence) && exception.is_none_or(|exception| ACCEPTED_EXCEPTIONS.contains(&exception))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_on_the_list_are_accepted() {
        for licence in ["MIT", "MIT OR Apache-2.0", "Unlicense/MIT", "Apache-2.0 WITH LLVM-exception OR GPL-2.0"] {
            assert_eq!(refusal(Some(licence)), None);
        }
    }

    #[test]
    fn other_licences_and_none_are_refused_with_the_reason() {
        assert_eq!(refusal(Some("MPL-2.0")).as_deref(), Some("MPL-2.0"));
        assert_eq!(refusal(Some("GPL-2.0 WITH LLVM-exception")).as_deref(), Some("GPL-2.0 WITH LLVM-exception"));
        assert_eq!(refusal(None).as_deref(), Some("its manifest names no licence"));
        let broken = refusal(Some("MIT OR"));
        assert_eq!(broken.as_deref(), Some("`MIT OR` is no licence expression: no licence where `nothing` stands"));
    }
}
