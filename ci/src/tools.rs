//! The tools that building and testing take: what each is for, where it is and where it comes from.

use std::path::{Path, PathBuf};
use std::time::Duration;

use Tool::{
    Chromedriver, Chromium, Firefox, Geckodriver, Ip, Nft, Turnserver, WasmBindgen, WasmOpt,
    WasmTarget, Xvfb,
};
use clap::ValueEnum;

use crate::cache;
use crate::command::CommandLine;
use crate::find::{self, Lack, with_suffix};
use crate::run::Runner;
use crate::web::Compiler;
use crate::workspace::Workspace;

/// `build-web`, and `play` in a browser that somebody has.
pub(crate) const PAGE: &[Tool] = &[WasmOpt, WasmTarget, WasmBindgen];
/// `play --check`, beside [`PAGE`].
pub(crate) const DRIVEN_BROWSERS: &[Tool] = &[Chromium, Chromedriver, Firefox, Geckodriver];
/// And a screen for its window.
pub(crate) const SCREEN: &[Tool] = &[Xvfb];
/// A column without a browser.
pub(crate) const NO_BROWSER: &[Tool] = &[];
/// A column with Chromium: the suite starts it without a driver, and does not care how large its page is. Where no side has sockets
/// of ours, the bad paths of the cases lead through a TURN server.
pub(crate) const CHROMIUM: &[Tool] = &[Turnserver, Chromium, WasmTarget, WasmBindgen];
/// A column with Firefox, likewise.
pub(crate) const FIREFOX: &[Tool] = &[Turnserver, Firefox, WasmTarget, WasmBindgen];
/// A column with both, and the bench of the browsers.
pub(crate) const BOTH_BROWSERS: &[Tool] = &[Turnserver, Chromium, Firefox, WasmTarget, WasmBindgen];
/// The NAT lab, beside [`BOTH_BROWSERS`].
pub(crate) const LAB: &[Tool] = &[Ip, Nft];

/// One thing that the machine must have. In this order they are provided: what is compiled comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Tool {
    Turnserver,
    Ip,
    Nft,
    Redis,
    Xvfb,
    Chromium,
    Chromedriver,
    Firefox,
    WasmOpt,
    WasmTarget,
    WasmBindgen,
    Geckodriver,
}

/// Where a tool comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A package of Debian.
    Package(&'static str),
    /// A package of npm in this version, or else Debian's of the same name.
    Npm(&'static str, &'static str),
    /// A crate, compiled once a machine with these options. Without a version it is that of `wasm-bindgen` in Cargo.lock.
    Crate(&'static str, Option<&'static str>, &'static [&'static str]),
    /// By the way that `CI_WASM` names.
    Rust,
}

/// All about one tool.
pub(crate) struct About {
    pub(crate) name: &'static str,
    pub(crate) needed_for: &'static str,
    /// What a person does where we cannot.
    pub(crate) by_hand: &'static str,
    /// The names of its program.
    programs: &'static [&'static str],
    pub(crate) source: Source,
}

/// wasm-bindgen's TLS is for drivers on other machines, and a third of the work; of its three programs two are used. Its own lock
/// file asks for a crate that is no longer to be had, so there is no `--locked`.
const BINDGEN_OPTIONS: &[&str] = &[
    "--no-default-features",
    "--bin=wasm-bindgen",
    "--bin=wasm-bindgen-test-runner",
];

impl Tool {
    pub(crate) const fn about(self) -> About {
        match self {
            Self::Turnserver => About {
                name: "turnserver",
                needed_for: "the tests that connect through a TURN relay, and the bad paths of columns without a native side",
                by_hand: "install coturn",
                programs: &["turnserver"],
                source: Source::Package("coturn"),
            },
            Self::Ip => About {
                name: "ip",
                needed_for: "the NAT lab",
                by_hand: "install iproute2",
                programs: &["ip"],
                source: Source::Package("iproute2"),
            },
            Self::Nft => About {
                name: "nft",
                needed_for: "the NAT lab",
                by_hand: "install nftables",
                programs: &["nft"],
                source: Source::Package("nftables"),
            },
            Self::Redis => About {
                name: "redis-server",
                needed_for: "the tests of the signaling server's instances",
                by_hand: "install Redis",
                programs: &["redis-server"],
                source: Source::Package("redis-server"),
            },
            Self::Xvfb => About {
                name: "Xvfb",
                needed_for: "the arena's native window in `cargo ci play --check`",
                by_hand: "install xvfb, and Mesa for OpenGL without a graphics card",
                programs: &["Xvfb"],
                // And what a window loads when it opens.
                source: Source::Package(
                    "xvfb libxkbcommon-x11-0 libxcursor1 libxi6 libegl1 libgl1-mesa-dri",
                ),
            },
            Self::Chromium => About {
                name: "Chromium",
                needed_for: "the columns with Chromium and `cargo ci play --check`",
                by_hand: "install Chromium or Chrome, and not as a snap, or name one in CHROMIUM",
                programs: &[
                    "chromium",
                    "chromium-browser",
                    "google-chrome",
                    "google-chrome-stable",
                ],
                source: Source::Package("chromium"),
            },
            Self::Chromedriver => About {
                name: "chromedriver",
                needed_for: "backend-web's tests in Chromium and `cargo ci play --check`",
                by_hand: "install the one of Chromium's version, or name it in CHROMEDRIVER",
                programs: &["chromedriver"],
                source: Source::Package("chromium-driver"),
            },
            Self::Firefox => About {
                name: "Firefox",
                needed_for: "the tests in Firefox",
                by_hand: "install Firefox, and not as a snap (Mozilla has a package for Ubuntu and an archive to unpack), or \
                          name one in FIREFOX",
                // Under the second name Ubuntu has a snap.
                programs: &["firefox-esr", "firefox"],
                source: Source::Package("firefox-esr"),
            },
            Self::WasmOpt => About {
                name: "wasm-opt",
                needed_for: "pages as small as they can be",
                by_hand: "install binaryen",
                programs: &["wasm-opt"],
                source: Source::Npm("binaryen", "132.0.0"),
            },
            Self::WasmTarget => About {
                name: "the target wasm32-unknown-unknown",
                needed_for: "everything that runs in a browser",
                by_hand: "`rustup target add wasm32-unknown-unknown`, then CI_WASM=installed",
                programs: &[],
                source: Source::Rust,
            },
            Self::WasmBindgen => About {
                name: "wasm-bindgen",
                needed_for: "everything that runs in a browser",
                by_hand: "`cargo install wasm-bindgen-cli` with the version of wasm-bindgen in Cargo.lock",
                programs: &["wasm-bindgen"],
                source: Source::Crate("wasm-bindgen-cli", None, BINDGEN_OPTIONS),
            },
            Self::Geckodriver => About {
                name: "geckodriver",
                needed_for: "backend-web's tests in Firefox",
                by_hand: "`cargo install geckodriver`, or name one in GECKODRIVER",
                programs: &["geckodriver"],
                source: Source::Crate("geckodriver", Some("0.37.1"), &["--locked"]),
            },
        }
    }

    /// Whether the rest can do without it: what needs it is not run then, and says so.
    pub(crate) fn is_extra(self) -> bool {
        [Ip, Nft, Xvfb].contains(&self)
    }

    /// Whether a compiler makes it, in minutes in which something else can go on. Other tools come in seconds.
    pub(crate) fn is_compiled(self) -> bool {
        self >= Self::WasmTarget
    }

    /// Where it is: what a person names, what we have made, what is in the path. For the target it is a cargo that has it.
    pub(crate) fn find(self, machine: &Machine) -> Result<PathBuf, Lack> {
        let About { name, programs, .. } = self.about();
        if self == Self::WasmTarget {
            let compiler = Compiler::find(machine).ok_or(Lack::Absent)?;
            return Ok(PathBuf::from(compiler.cargo(&[]).program));
        }
        // A variable names another program: the tool's name in capitals.
        if [Chromium, Chromedriver, Firefox, Geckodriver].contains(&self)
            && let Some(named) = find::named(&name.to_uppercase())
        {
            return named;
        }
        if let Some(made) = self.made(machine) {
            return Ok(made);
        }
        let found = find::first_free(programs)?;
        if self == WasmBindgen {
            // Of its two programs the second one runs tests.
            let runner = with_suffix(&found.with_file_name("wasm-bindgen-test-runner"));
            if !machine.is_locked_to(&found) || !runner.is_file() {
                return Err(Lack::Absent);
            }
        }
        Ok(found)
    }

    /// Its place in the cache, where it is made once a machine.
    pub(crate) fn place(self, machine: &Machine) -> Option<PathBuf> {
        let name = match self.about().source {
            Source::Npm(package, version) => format!("{package}-{version}"),
            Source::Crate(name, version, _) => {
                format!("{name}-{}", version.unwrap_or(&machine.bindgen))
            }
            Source::Package(_) | Source::Rust => return None,
        };
        Some(cache::place(&name))
    }

    fn made(self, machine: &Machine) -> Option<PathBuf> {
        let folder = match self.about().source {
            Source::Npm(..) => "node_modules/.bin",
            Source::Crate(..) => "bin",
            Source::Package(_) | Source::Rust => return None,
        };
        let program = self.about().programs.first()?;
        let made = self.place(machine)?.join(folder).join(program);
        Some(with_suffix(&made)).filter(|made| made.is_file())
    }
}

/// What finding and making tools takes.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) runner: Runner,
    /// The folder of the workspace.
    pub(crate) root: PathBuf,
    /// The version of wasm-bindgen in Cargo.lock; its tools must be of exactly this one.
    pub(crate) bindgen: String,
}

impl Machine {
    /// This one.
    pub(crate) fn new(runner: &Runner, workspace: &Workspace) -> Result<Self, String> {
        Ok(Self {
            runner: runner.clone(),
            root: workspace.root.clone(),
            bindgen: workspace.version_of("wasm-bindgen")?,
        })
    }

    /// Whether wasm-bindgen's tool is of the version in Cargo.lock.
    fn is_locked_to(&self, tool: &Path) -> bool {
        let asked = CommandLine::new(&tool.to_string_lossy(), &["--version"]);
        let answer = self.runner.capture(&asked, Duration::from_secs(60));
        answer.is_ok_and(|answer| answer.split_whitespace().nth(1) == Some(&*self.bindgen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_make_has_a_place_that_names_its_version() {
        let machine = Machine {
            runner: Runner::default(),
            root: PathBuf::new(),
            bindgen: "0.2.0".to_owned(),
        };
        let ends = |tool: Tool, end| tool.place(&machine).is_some_and(|it| it.ends_with(end));
        assert!(ends(WasmBindgen, "wasm-bindgen-cli-0.2.0"));
        assert!(ends(Geckodriver, "geckodriver-0.37.1"));
        assert_eq!(Chromium.place(&machine), None);
    }
}
