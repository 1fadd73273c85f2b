//! The pieces that a machine may need: what each is for, what a person can do about it, and how it comes to be.

use std::path::PathBuf;

use super::problem::Problem;
use super::site::Site;
use super::{apt, binaryen, browsers, crates, wasm};

/// One thing that the machine must have. In this order they are provided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Piece {
    Relay,
    Namespaces,
    Rules,
    Chromium,
    Chromedriver,
    Firefox,
    WasmOpt,
    WasmTarget,
    WasmBindgen,
    Geckodriver,
}

/// How a piece comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pace {
    /// From packages: seconds.
    Fetched,
    /// By a compiler: minutes, in which something else can go on.
    Compiled,
}

/// All about one piece.
pub(super) struct About {
    pub(super) name: &'static str,
    pub(super) needed_for: &'static str,
    /// What a person does where we cannot.
    pub(super) by_hand: &'static str,
    pub(super) pace: Pace,
    /// Says where it is, after having made sure that it is there.
    pub(super) provide: fn(&Site) -> Result<PathBuf, Problem>,
}

impl Piece {
    /// Every one, in their order.
    pub(crate) const ALL: &[Self] = &[
        Self::Relay,
        Self::Namespaces,
        Self::Rules,
        Self::Chromium,
        Self::Chromedriver,
        Self::Firefox,
        Self::WasmOpt,
        Self::WasmTarget,
        Self::WasmBindgen,
        Self::Geckodriver,
    ];

    pub(super) fn about(self) -> About {
        match self {
            Self::Relay => About {
                name: "turnserver",
                needed_for: "the tests that connect through a TURN relay, and the bad paths of columns without a native side",
                by_hand: "install coturn",
                pace: Pace::Fetched,
                provide: |site| apt::program(site, "turnserver", "coturn"),
            },
            Self::Namespaces => About {
                name: "ip",
                needed_for: "the NAT lab",
                by_hand: "install iproute2",
                pace: Pace::Fetched,
                provide: |site| of_lab(site, "ip", "iproute2"),
            },
            Self::Rules => About {
                name: "nft",
                needed_for: "the NAT lab",
                by_hand: "install nftables",
                pace: Pace::Fetched,
                provide: |site| of_lab(site, "nft", "nftables"),
            },
            Self::Chromium => About {
                name: "Chromium",
                needed_for: "the columns with Chromium and `cargo ci play --check`",
                by_hand: "install Chromium or Chrome, and not as a snap, or name one in CHROMIUM",
                pace: Pace::Fetched,
                provide: browsers::chromium,
            },
            Self::Chromedriver => About {
                name: "chromedriver",
                needed_for: "backend-web's tests in Chromium and `cargo ci play --check`",
                by_hand: "install the one of Chromium's version, or name it in CHROMEDRIVER",
                pace: Pace::Fetched,
                provide: browsers::chromedriver,
            },
            Self::Firefox => About {
                name: "Firefox",
                needed_for: "the tests in Firefox",
                by_hand: "install Firefox, and not as a snap (Mozilla has a package for Ubuntu and an archive to unpack), or \
                          name one in FIREFOX",
                pace: Pace::Fetched,
                provide: browsers::firefox,
            },
            Self::WasmOpt => About {
                name: "wasm-opt",
                needed_for: "pages as small as they can be",
                by_hand: "install binaryen",
                pace: Pace::Fetched,
                provide: binaryen::wasm_opt,
            },
            Self::WasmTarget => About {
                name: "the target wasm32-unknown-unknown",
                needed_for: "everything that runs in a browser",
                by_hand: "`rustup target add wasm32-unknown-unknown`, then CI_WASM=installed",
                pace: Pace::Compiled,
                provide: wasm::target,
            },
            Self::WasmBindgen => About {
                name: "wasm-bindgen",
                needed_for: "everything that runs in a browser",
                by_hand: "`cargo install wasm-bindgen-cli` with the version of wasm-bindgen in Cargo.lock",
                pace: Pace::Compiled,
                provide: crates::wasm_bindgen,
            },
            Self::Geckodriver => About {
                name: "geckodriver",
                needed_for: "backend-web's tests in Firefox",
                by_hand: "`cargo install geckodriver`, or name one in GECKODRIVER",
                pace: Pace::Compiled,
                provide: crates::geckodriver,
            },
        }
    }
}

/// On another system than Linux there is no lab, and nothing to provide.
fn of_lab(site: &Site, program: &str, package: &str) -> Result<PathBuf, Problem> {
    if cfg!(not(target_os = "linux")) {
        return Ok(PathBuf::from("not on this system"));
    }
    apt::program(site, program, package)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_piece_is_there_once_and_has_a_name_of_its_own() {
        assert!(Piece::ALL.is_sorted_by(|a, b| a < b));
        let names: BTreeSet<_> = Piece::ALL.iter().map(|piece| piece.about().name).collect();
        assert_eq!(names.len(), Piece::ALL.len());
    }

    #[test]
    fn what_takes_seconds_comes_first() {
        assert!(Piece::ALL.is_sorted_by_key(|piece| piece.about().pace));
    }
}
