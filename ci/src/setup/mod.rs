//! `cargo ci setup`: makes a fresh machine able to build and test everything here, or says what to do by hand.

mod apt;
mod binaryen;
mod browsers;
mod crates;
mod piece;
mod problem;
mod site;
mod sysroot;
mod wasm;

use std::collections::BTreeSet;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Instant;

pub(crate) use self::piece::Piece;
use self::piece::{About, Pace};
use self::problem::Problem;
use self::site::Site;
use crate::outcome::Outcome;
use crate::print::say;
use crate::run::{Echo, Runner};

/// Makes `pieces` available, saying what it does. `install` says that packages of the system may be installed.
pub(crate) fn run(
    runner: &Runner,
    root: &Path,
    install: bool,
    pieces: &BTreeSet<Piece>,
) -> Vec<Outcome> {
    let site = Site::new(runner, root, install, Echo::Live);
    pieces.iter().map(|&piece| provide(&site, piece)).collect()
}

/// Begins to make those of `pieces` that are compiled, and makes the others available in the meantime.
pub(crate) fn begin(
    runner: &Runner,
    root: &Path,
    install: bool,
    pieces: &BTreeSet<Piece>,
) -> (Vec<Outcome>, Compiling) {
    let site = Site::new(runner, root, install, Echo::Live);
    let (fetched, compiled): (Vec<Piece>, Vec<Piece>) = pieces
        .iter()
        .partition(|piece| piece.about().pace == Pace::Fetched);
    let beside = site.silenced();
    let compiling = thread::spawn(move || {
        let compiled = compiled.into_iter().map(|piece| provide(&beside, piece));
        compiled.collect()
    });
    let fetched = fetched.into_iter().map(|piece| provide(&site, piece));
    (fetched.collect(), Compiling(compiling))
}

/// Tools that are being compiled while something else goes on.
pub(crate) struct Compiling(JoinHandle<Vec<Outcome>>);

impl Compiling {
    /// Waits for them.
    pub(crate) fn finish(self) -> Vec<Outcome> {
        let begun = Instant::now();
        if !self.0.is_finished() {
            say!("\n[ci] waiting for the tools that are being compiled");
        }
        self.0.join().unwrap_or_else(|_| {
            let reason = "compiling the tools ended with a panic".to_owned();
            vec![Outcome::of_check("setup", begun.elapsed(), Err(reason))]
        })
    }
}

fn provide(site: &Site, piece: Piece) -> Outcome {
    let about = piece.about();
    let begun = Instant::now();
    let provided = (about.provide)(site);
    if let Ok(path) = &provided {
        say!("[ci] {}: {}", about.name, path.display());
    }
    let result = provided
        .map(drop)
        .map_err(|problem| sentence(&about, &problem));
    let outcome = Outcome::of_check(&format!("setup of {}", about.name), begun.elapsed(), result);
    if outcome.failed > 0 {
        outcome.say();
    }
    outcome
}

/// What is missing, for what, why, and what to do.
fn sentence(about: &About, problem: &Problem) -> String {
    let About {
        name,
        needed_for,
        by_hand,
        ..
    } = about;
    format!("{name}, needed for {needed_for}: {problem}\nby hand: {by_hand}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_comes_with_what_to_do() {
        for piece in Piece::ALL {
            let about = piece.about();
            let problem = sentence(&about, &Problem::NoPackages);
            let start = format!("{}, needed for {}: it is not", about.name, about.needed_for);
            assert!(problem.starts_with(&start), "{problem}");
            let end = format!("\nby hand: {}", about.by_hand);
            assert!(problem.ends_with(&end), "{problem}");
        }
    }
}
