//! `cargo ci`: every check of this repository, and one line at the end that says how many passed and how many failed.

mod adapters;
mod bench;
mod build_web;
mod cache;
mod children;
mod command;
mod commands;
mod deny;
mod disk;
mod find;
mod gates;
mod libtest;
mod matrix;
mod outcome;
mod packages;
mod plan;
mod play;
mod print;
mod repeats;
mod report;
mod results;
mod run;
mod scratch;
mod setup;
mod stage;
mod tools;
mod versions;
mod web;
mod workspace;

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand, value_parser};

use crate::commands::Ci;

/// Checks, conformance columns and benches of webrtc-multiplayer.
#[derive(Parser)]
#[command(bin_name = "cargo ci")]
struct Arguments {
    /// Install packages of the system that are missing, with sudo; root does so unasked
    #[arg(long, global = true)]
    install: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what building and testing need and this machine lacks, the web side included (see CI_WASM)
    Setup,
    /// What needs no browser: fmt, clippy, docs, unit and doc tests, the fast cases of the columns mock and native
    Quick {
        /// Stop at the first failure
        #[arg(long)]
        fail_fast: bool,
    },
    /// Everything that must be green: setup, gates, fmt, clippy, docs, tests, every column of the matrix and the NAT lab
    Test {
        /// Run only this column; may be given more than once
        #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(plan::column_names()))]
        column: Vec<String>,
        /// Run the columns so many times and say what was unsteady
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..), requires = "column")]
        repeat: u32,
        /// Leave the slow group out, and say which runs took more than a minute
        #[arg(long, requires = "column")]
        fast: bool,
        /// What libtest gets: a filter, or `--skip slow::`
        #[arg(last = true, value_name = "LIBTEST", requires = "column")]
        libtest: Vec<String>,
    },
    /// Run every column, print the matrix and write target/ci/matrix.md and matrix.json
    Matrix,
    /// Run the NAT lab and write target/ci/natlab.md and natlab.json; it takes Linux and root
    Natlab {
        /// Only what has this in its name: `matrix::chromium`, `case::`, `full_cone__symmetric`
        #[arg(long, value_name = "WORD")]
        only: Option<String>,
        /// Besides, what takes too long for every run: hundreds of connections over a lossy path
        #[arg(long)]
        long: bool,
    },
    /// Check the promises about dependencies, manifests and sources
    Gates,
    /// Run the tests of the adapters for Bevy, aeronet and GGRS, two of them against a page in Chromium
    Adapters,
    /// Pack what is published, and build each package from its packed file alone
    Packages,
    /// Have the README's two programs meet, native and in Chromium, in new packages that depend on packed files alone; build the packed adapters
    Fresh,
    /// Build the arena for the browser into target/web and the chat into target/web/chat, and print their sizes
    BuildWeb,
    /// Play tag between this machine and browsers: builds and serves all that it takes, and prints the address to open
    Play(play::Options),
    /// Measure what one instance of the signaling server carries
    Load {
        /// What the load tool gets, as `--sockets 1000`
        #[arg(last = true, value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },
    /// Run the benches and print their figures
    Bench {
        /// Only this one; may be given more than once
        which: Vec<bench::Bench>,
        /// What the program of the one that is named gets; the network's does everything without it
        #[arg(last = true, value_name = "ARGUMENT", requires = "which")]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ci = match Ci::new(arguments.install) {
        Ok(ci) => ci,
        Err(code) => return code,
    };
    match arguments.command {
        Command::Setup => ci.setup(),
        Command::Quick { fail_fast } => ci.quick(fail_fast),
        Command::Test { column, .. } if column.is_empty() => ci.test(),
        Command::Test {
            column,
            repeat,
            fast,
            libtest,
        } => ci.repeat(&column, repeat, fast, libtest),
        Command::Matrix => ci.matrix(),
        Command::Natlab { only, long } => ci.natlab(only.as_deref(), long),
        Command::Gates => ci.gates(),
        Command::Adapters => ci.adapters(),
        Command::Packages => ci.packages(),
        Command::Fresh => ci.fresh(),
        Command::BuildWeb => ci.build_web(),
        Command::Play(options) => ci.play(&options),
        Command::Load { arguments } => ci.bench(&[bench::Bench::Signaling], &arguments),
        Command::Bench { which, arguments } => ci.bench(&which, &arguments),
    }
    ci.finish()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_would_be_ignored_is_refused() {
        let parses = |words: &str| Arguments::try_parse_from(words.split(' ')).is_ok();
        assert!(parses(
            "ci test --column native --repeat 20 --fast -- connect"
        ));
        for words in [
            "ci test --column netscape",
            "ci test --repeat 3",
            "ci test --fast",
            "ci test --column mock --repeat 0",
            "ci bench -- connect",
            "ci bench browser",
        ] {
            assert!(!parses(words), "{words}");
        }
    }
}
