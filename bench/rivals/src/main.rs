//! The same works on matchbox_socket, on str0m, on the webrtc crate alone and on ours, and plots of what they gave.
//!
//! Every work of every contestant and repetition is a fresh process of this program, and the contestants take turns.

mod child;
mod matchbox;
mod plot;
mod print;
mod report;
mod sans_io;
mod work;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use crate::child::Contestant;
use crate::report::Report;
use crate::work::Work;

/// The same works on others' libraries and on ours
#[derive(Debug, Parser)]
struct Arguments {
    /// Where figures and plots are written
    #[arg(long, default_value = "target/ci/rivals", value_name = "FOLDER")]
    out: PathBuf,
    /// How often everything is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// Only this work
    #[arg(long, value_parser = work)]
    work: Option<Work>,
    /// Measures one contestant in this process; for the program itself
    #[arg(long, hide = true, requires = "work")]
    contestant: Option<Contestant>,
}

fn work(name: &str) -> Result<Work, String> {
    let all = Work::all();
    let found = all.iter().copied().find(|work| work.name() == name);
    found.ok_or_else(|| {
        let names: Vec<_> = all.into_iter().map(Work::name).collect();
        format!("it is one of {}", names.join(", "))
    })
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match (arguments.work, arguments.contestant) {
        (Some(work), Some(contestant)) => child::carry_out(work, contestant),
        (work, _) => {
            let works = work.map_or_else(Work::all, |work| vec![work]);
            measure(&works, arguments.repeat, &arguments.out)
        }
    };
    if let Err(error) = result {
        print::progress(&format!("error: {error:#}"));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn measure(works: &[Work], repeat: u32, folder: &Path) -> Result<()> {
    let mut report = Report::default();
    for work in works {
        for repetition in 0..repeat {
            print::progress(&format!("{} {}/{repeat}", work.name(), repetition + 1));
            let mut turns = Contestant::value_variants().to_vec();
            if repetition % 2 == 1 {
                turns.reverse();
            }
            for contestant in turns {
                match child::delegate(*work, contestant) {
                    Ok(figures) => report.add(*work, contestant, figures),
                    Err(error) => {
                        print::progress(&format!("{}: {error:#}", contestant.name()));
                        report.add(*work, contestant, Vec::new());
                    }
                }
            }
        }
    }
    let table = report.table();
    table.iter().for_each(|line| print::line(line));
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    fs::write(folder.join("figures.md"), table.join("\n") + "\n")?;
    let json = serde_json::to_string_pretty(&report.json())?;
    fs::write(folder.join("figures.json"), json + "\n")?;
    plot::all(&report, folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }
}
