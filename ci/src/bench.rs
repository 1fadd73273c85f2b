//! The benches: our native path against the bare crate, the core alone, and the browsers.

use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;

use crate::command::CommandLine;
use crate::stage::Stage;
use crate::tools::Tool;
use crate::web::{Page, Toolchain, Use};

/// The release build of everything is part of it.
const BUDGET: Duration = Duration::from_secs(45 * 60);

/// A bench by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Bench {
    /// Our native path against the bare webrtc crate
    Network,
    /// mesh-core alone
    Core,
    /// What one instance of the signaling server carries, as `cargo ci load` measures it
    Signaling,
    /// Time to open between a native peer and each browser, and our web backend against bare web-sys
    Browsers,
    /// What a browser has to fetch of the library, built for size; only if it is named
    Size,
    /// The same works on matchbox_socket, str0m, the webrtc crate alone and ours; only if it is named
    Rivals,
    /// Where the processor time of a mesh of eight and the memory of a connection go; only if it is named
    Profile,
}

/// Those that are named, or all but the last three, in the order in which they are run.
pub(crate) fn chosen(which: &[Bench]) -> impl Iterator<Item = Bench> {
    let all = Bench::value_variants().iter().copied();
    all.filter(|bench| match bench {
        Bench::Size | Bench::Rivals | Bench::Profile => which.contains(bench),
        Bench::Network | Bench::Core | Bench::Signaling | Bench::Browsers => {
            which.is_empty() || which.contains(bench)
        }
    })
}

/// A bench that needs no browser. Without arguments it prints its whole table.
pub(crate) fn native(bench: Bench, arguments: &[String]) -> Stage {
    let (name, words) = match bench {
        Bench::Core => ("mesh-core", "bench -p webrtc-multiplayer-core --"),
        Bench::Signaling => (
            "signaling",
            "run -r -p webrtc-multiplayer-server --example load --",
        ),
        Bench::Rivals => (
            "the rivals",
            "run -r --manifest-path bench/rivals/Cargo.toml --target-dir target --",
        ),
        Bench::Profile => (
            "the profile",
            "run -r -p bench -- --profile target/ci/profile",
        ),
        Bench::Network | Bench::Browsers | Bench::Size => match arguments {
            [] => ("the network", "run --release --package bench -- all"),
            _ => ("the network", "run --release --package bench --"),
        },
    };
    let command = CommandLine::cargo(&words.split(' ').collect::<Vec<_>>());
    let command = arguments.iter().fold(command, CommandLine::arg);
    Stage::check(&format!("bench of {name}"), BUDGET, command)
}

/// The second part of the profile: its program counts what it allocates.
pub(crate) fn heap() -> Stage {
    let words = "run -r -p bench --bin heap -- target/ci/profile";
    let command = CommandLine::cargo(&words.split(' ').collect::<Vec<_>>());
    Stage::check("bench of the heap", BUDGET, command)
}

/// What the browsers load.
pub(crate) fn page(target_directory: &Path) -> Page {
    Page {
        name: "the bench's page",
        package: "bench-page",
        manifest: None,
        artifact: "bench_page",
        folder: target_directory.join("ci/bench-page"),
        made_for: Use::Bench,
    }
}

/// A page that does little but use the library.
pub(crate) fn smallest(target_directory: &Path) -> Page {
    Page {
        name: "the smallest page",
        package: "smallest-page",
        manifest: None,
        artifact: "smallest_page",
        folder: target_directory.join("ci/smallest-page"),
        made_for: Use::Size,
    }
}

/// The page has been built.
pub(crate) fn browsers(
    toolchain: &Toolchain,
    page: &Page,
    arguments: &[String],
) -> Result<Stage, String> {
    let words = ["run", "--release", "--package", "bench-browsers", "--"];
    let command = CommandLine::cargo(&words)
        .args(&["--page", &page.folder.to_string_lossy()])
        .env("CHROMIUM", toolchain.program(Tool::Chromium)?)
        .env("FIREFOX", toolchain.program(Tool::Firefox)?);
    let command = arguments.iter().fold(command, CommandLine::arg);
    Ok(Stage::check("bench of the browsers", BUDGET, command).with_scratch())
}
