//! `cargo ci setup`: makes a fresh machine able to build and test everything here, or says what to do by hand.

mod apt;
mod binaryen;
mod browsers;
mod crates;
mod problem;
mod relay;
mod site;
mod sysroot;
mod unix;
mod wasm;

use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use self::problem::Problem;
use self::site::Site;
use crate::outcome::Outcome;
use crate::print::say;
use crate::run::{Echo, Runner};

/// What a run needs of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// The native side.
    Native,
    /// Building for the browser, and one to try it in, as well.
    Page,
    /// Every browser.
    Web,
}

/// How a piece comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// From packages: seconds.
    Fetched,
    /// By a compiler: minutes, in which something else can go on.
    Compiled,
}

/// One thing that the machine must have.
struct Piece {
    name: &'static str,
    needed_for: &'static str,
    /// What a person does where we cannot.
    by_hand: &'static str,
    scope: Scope,
    pace: Pace,
    /// Says where it is, after having made sure that it is there.
    provide: fn(&Site) -> Result<PathBuf, Problem>,
}

const PIECES: &[Piece] = &[
    Piece {
        name: "turnserver",
        needed_for: "the cases that connect through a TURN relay",
        by_hand: "install coturn",
        scope: Scope::Native,
        pace: Pace::Fetched,
        provide: relay::turnserver,
    },
    Piece {
        name: "Chromium and its driver",
        needed_for: "the tests in Chromium and `cargo ci play --check`",
        by_hand: "install Chromium or Chrome and the chromedriver of the same version (or name it in CHROMEDRIVER)",
        scope: Scope::Page,
        pace: Pace::Fetched,
        provide: browsers::chromium,
    },
    Piece {
        name: "Firefox",
        needed_for: "the tests in Firefox",
        by_hand: "install Firefox",
        scope: Scope::Web,
        pace: Pace::Fetched,
        provide: browsers::firefox,
    },
    Piece {
        name: "wasm-opt",
        needed_for: "pages as small as they can be",
        by_hand: "install binaryen",
        scope: Scope::Page,
        pace: Pace::Fetched,
        provide: binaryen::wasm_opt,
    },
    Piece {
        name: "the target wasm32-unknown-unknown",
        needed_for: "everything that runs in a browser",
        by_hand: "`rustup target add wasm32-unknown-unknown`, then CI_WASM=installed",
        scope: Scope::Page,
        pace: Pace::Compiled,
        provide: wasm::target,
    },
    Piece {
        name: "wasm-bindgen",
        needed_for: "everything that runs in a browser",
        by_hand: "`cargo install wasm-bindgen-cli` with the version of wasm-bindgen in Cargo.lock",
        scope: Scope::Page,
        pace: Pace::Compiled,
        provide: crates::wasm_bindgen,
    },
    Piece {
        name: "geckodriver",
        needed_for: "the tests in Firefox",
        by_hand: "`cargo install geckodriver`, or name one in GECKODRIVER",
        scope: Scope::Web,
        pace: Pace::Compiled,
        provide: crates::geckodriver,
    },
];

/// Makes everything of `scope` available, saying what it does. Asks for nothing.
pub(crate) fn run(runner: &Runner, root: &Path, scope: Scope) -> Vec<Outcome> {
    let site = Site::new(runner, root, Echo::Live);
    provide_all(&site, |piece| piece.scope <= scope)
}

/// Makes available what takes seconds, and begins to make the rest.
pub(crate) fn begin(runner: &Runner, root: &Path) -> (Vec<Outcome>, Compiling) {
    let site = Site::new(runner, root, Echo::Live);
    let fetched = provide_all(&site, |piece| piece.pace == Pace::Fetched);
    let site = site.silenced();
    let compiling = thread::spawn(move || provide_all(&site, |piece| piece.pace == Pace::Compiled));
    (fetched, Compiling(compiling))
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

fn provide_all(site: &Site, wanted: impl Fn(&Piece) -> bool) -> Vec<Outcome> {
    let wanted = PIECES.iter().filter(|piece| wanted(piece));
    wanted.map(|piece| provide(site, piece)).collect()
}

fn provide(site: &Site, piece: &Piece) -> Outcome {
    let begun = Instant::now();
    let Piece {
        name,
        needed_for,
        by_hand,
        ..
    } = piece;
    let result = match (piece.provide)(site) {
        Ok(path) => {
            say!("[ci] {name}: {}", path.display());
            Ok(())
        }
        Err(problem) => Err(format!(
            "{name}, needed for {needed_for}: {problem}\nby hand: {by_hand}"
        )),
    };
    let outcome = Outcome::of_check(&format!("setup of {name}"), begun.elapsed(), result);
    if outcome.failed > 0 {
        outcome.say();
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_piece_has_a_name_of_its_own() {
        let names: BTreeSet<_> = PIECES.iter().map(|piece| piece.name).collect();
        assert_eq!(names.len(), PIECES.len());
    }

    #[test]
    fn a_page_takes_one_browser_alone() {
        let of = |scope| {
            PIECES
                .iter()
                .filter(move |piece| piece.scope <= scope)
                .map(|piece| piece.name)
        };
        assert!(of(Scope::Page).any(|name| name.contains("Chromium")));
        assert!(!of(Scope::Page).any(|name| name.contains("ecko") || name.contains("Firefox")));
        assert_eq!(of(Scope::Web).count(), PIECES.len());
    }

    #[test]
    fn a_problem_comes_with_what_to_do() {
        let site = Site::new(&Runner::default(), Path::new("/nonexistent"), Echo::Silent);
        let piece = Piece {
            name: "netscape",
            needed_for: "nothing",
            by_hand: "wait",
            scope: Scope::Web,
            pace: Pace::Fetched,
            provide: |_| Err(Problem::NoPackages),
        };
        let outcome = provide(&site, &piece);
        assert_eq!((outcome.passed, outcome.failed), (0, 1));
        let problem = outcome.problems.join("\n");
        assert!(
            problem.starts_with("netscape, needed for nothing: "),
            "{problem}"
        );
        assert!(problem.ends_with("by hand: wait"), "{problem}");
    }
}
