//! Every seed is given to its target, as the fuzzer does it.
#![allow(clippy::expect_used, clippy::panic, reason = "test code")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fuzz_targets::{Outcome, TARGETS};

fn fuzz() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("a folder above").to_path_buf()
}

/// The names in a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

/// A seed whose name begins with this makes a crate panic. When it no longer does, docs/upstream.md has a fault too many.
const PANICS: &str = "panics-";

#[test]
fn no_seed_makes_a_parser_fail() {
    for target in TARGETS {
        let folder = fuzz().join("seeds").join(target.name);
        for name in names(&folder) {
            let input = fs::read(folder.join(&name)).expect("a seed");
            let expected = if name.starts_with(PANICS) {
                Outcome::Panicked
            } else {
                Outcome::Fine
            };
            assert_eq!(target.run(&input), expected, "{}/{name}", target.name);
        }
    }
}

#[test]
fn every_target_has_seeds_and_a_program() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.into()).collect();
    assert_eq!(names(&fuzz().join("seeds")), targets);
    let programs = names(&fuzz().join("fuzz_targets"));
    let of_targets = targets.iter().map(|target| format!("{target}.rs"));
    assert_eq!(programs, of_targets.collect());
    for target in &targets {
        let seeds = names(&fuzz().join("seeds").join(target));
        assert!(!seeds.is_empty(), "{target} has no seed");
    }
}
