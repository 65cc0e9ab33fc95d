//! What `fuzz/` fuzzes, without a fuzzer: every parser is given each of its seeds, whole and altered in many ways, the same ways each time.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use parsers::PARSERS;

#[path = "../../fuzz/parsers.rs"]
mod parsers;

/// How often each seed is altered at least, and how often all seeds of a parser together.
const ALTERATIONS: (usize, usize) = (8, 600);
/// Only so much of a seed is used, so that each takes little time.
const MOST_SEED: usize = 16 << 10;
/// What stands in the files that are parsed, to be put elsewhere in them.
const WORDS: [&[u8]; 15] = [
    b"\n",
    b"\"",
    b"{",
    b"}",
    b"[",
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"\xff\xfe",
    b"\\u0000",
    b"\\ud83d",
    b": ",
    b"@@ -1 +1 @@\n",
    b"diff --git a/x b/x\n",
];

/// Numbers that follow from a first one.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % (bound.max(1) as u64)).unwrap()
    }
}

/// The files below a folder, by their names.
fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, into);
        } else {
            into.push(path);
        }
    }
}

/// The bytes with a few alterations: bits turned, parts taken away, repeated or brought elsewhere, words put in, and the end cut off.
fn altered(seed: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len());
        let end = (at + 1 + numbers.below(64)).min(bytes.len());
        match numbers.below(5) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << numbers.below(8),
            1 if !bytes.is_empty() => drop(bytes.drain(at..end)),
            2 if !bytes.is_empty() => {
                let (part, to) = (bytes[at..end].to_vec(), numbers.below(bytes.len()));
                bytes.splice(to..to, part);
            }
            3 => bytes.truncate(at),
            _ => {
                let word = WORDS[numbers.below(WORDS.len())];
                bytes.splice(at..at, word.iter().copied());
            }
        }
    }
    bytes
}

#[test]
fn no_parser_panics_on_any_seed_whole_or_altered() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, parse, folders) in PARSERS {
        let mut seeds = Vec::new();
        for folder in folders {
            files(&root.join(folder), &mut seeds);
        }
        assert!(!seeds.is_empty(), "{name} has no seed");
        // Files of fixtures are parsed where they lie, which takes longer.
        let stride = if name == "fixtures" { 8 } else { 1 };
        let alterations = ALTERATIONS.0.max(ALTERATIONS.1 / seeds.len());
        for (number, seed) in seeds.iter().step_by(stride).enumerate() {
            let mut bytes = fs::read(seed).unwrap();
            bytes.truncate(MOST_SEED);
            let mut numbers = Numbers(number as u64);
            for alteration in 0..=alterations {
                let given = if alteration == 0 { bytes.clone() } else { altered(&bytes, &mut numbers) };
                let panicked = catch_unwind(AssertUnwindSafe(|| parse(&given))).is_err();
                assert!(
                    !panicked,
                    "{name}: {} altered for the {alteration}. time:\n{}",
                    seed.display(),
                    given.escape_ascii()
                );
            }
        }
    }
}

#[test]
fn every_parser_has_a_target_of_the_fuzzer() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for (name, ..) in PARSERS {
        let target = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(target.contains(&format!("parsers::{name}(data)")), "{target}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in the manifest");
    }
}
