//! The benches of the browsers: how long a native peer and a page take to open a connection, and our backend against bare
//! web-sys in one page.
//!
//! `cargo ci bench browsers` builds what this takes and runs it. Without that: `bench-browsers --page FOLDER`, where the folder
//! has `wasm-bindgen --target web`'s output for `bench-page`.

mod compare;
mod meet;
mod page;
mod player;
mod print;
mod report;
mod site;
mod tick;
mod transfer;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use conformance_tests::Kind;

use crate::page::Page;
use crate::report::Report;

/// Time to open between a native peer and each browser, and our web backend against bare web-sys
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder with wasm-bindgen's output for bench-page
    #[arg(long, value_name = "FOLDER")]
    page: PathBuf,
    /// Only in this browser; may be given more than once
    #[arg(long)]
    browser: Vec<Browser>,
    /// Rounds of the comparison with bare web-sys
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Rounds of the mesh of eight that plays, with coalescing and without; in Chromium
    #[arg(long, default_value_t = 3)]
    meshes: u32,
    /// How long each of them is measured, in seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Rounds of 16 MiB each way between a native peer and each browser
    #[arg(long, default_value_t = 3)]
    transfers: u32,
    /// Fresh connections with a native peer, for each side that offers
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// Fail if a goal is missed
    #[arg(long)]
    check: bool,
}

/// A browser to measure in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Browser {
    Chromium,
    Firefox,
}

impl Browser {
    const fn kind(self) -> Kind {
        match self {
            Self::Chromium => Kind::Chromium,
            Self::Firefox => Kind::Firefox,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(met) if met || !arguments.check => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            print::progress(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Measures and prints everything; whether every goal was met.
async fn run(arguments: &Arguments) -> Result<bool> {
    let site = site::start(&arguments.page).await?;
    let mut report = Report::new(arguments.rounds, arguments.connections, arguments.meshes);
    let chosen =
        |browser: &&Browser| arguments.browser.is_empty() || arguments.browser.contains(*browser);
    for browser in Browser::value_variants().iter().filter(chosen) {
        if arguments.transfers > 0 {
            print::progress(&format!("{}: 16 MiB each way", browser.name()));
            let found = transfer::measure(browser.kind(), &site, arguments.transfers).await?;
            report.add_transfers(browser.name(), &found);
        }
        // One page load for all of it: what the browser has learnt about our code, both sides profit from.
        let page = Page::open(browser.kind(), &site).await?;
        if arguments.meshes > 0 && *browser == Browser::Chromium {
            print::progress("chromium: a mesh of eight that plays");
            let span = Duration::from_secs(arguments.seconds);
            let found = tick::measure(&page, arguments.meshes, span).await?;
            report.add_meshes(browser.name(), &found);
        }
        for offers in [meet::Offers::Native, meet::Offers::Page] {
            print::progress(&format!("{}: to open, {}", browser.name(), offers.name()));
            let times = meet::measure(&page, offers, arguments.connections).await?;
            report.add_opens(browser.name(), offers, &times);
        }
        print::progress(&format!("{}: against bare web-sys", browser.name()));
        let found = compare::measure(&page, arguments.rounds).await?;
        report.add_comparison(browser.name(), &found);
    }
    report.print();
    Ok(report.is_met())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }
}
