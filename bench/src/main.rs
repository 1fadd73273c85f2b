//! Our native path against the bare `webrtc` crate in one run: with the same settings, and with its own and no hand-over.
//!
//! `bench all`, or the names of scenarios. Every side of every repetition is a fresh process of this program, so that memory,
//! threads and processor time are its own; the sides take turns, so that a noisy neighbour disturbs all.

mod child;
mod metric;
mod print;
mod profile;
mod report;
mod run;
mod scenario;
mod turn;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::child::{Order, SideName};
use crate::scenario::Scenario;

/// Our native path against the bare `webrtc` crate with the same settings
#[derive(Debug, Parser)]
struct Arguments {
    /// `all`, or what to measure
    #[arg(required_unless_present = "profile", value_parser = selection)]
    scenarios: Vec<Selection>,
    /// How often each side is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// Threads of the runtime that carries the connections, the same for all sides
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    threads: u32,
    /// Where to write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where the processor time of a mesh of eight goes: writes it into this folder, and prints the most of it
    #[arg(long, value_name = "FOLDER", exclusive = true)]
    profile: Option<PathBuf>,
    /// Fail if a required goal is missed
    #[arg(long)]
    check: bool,
    /// Measures one side in this process; for the program itself
    #[arg(long, hide = true)]
    side: Option<SideName>,
    /// Says on stderr what each thread has used; for the program itself
    #[arg(long, hide = true)]
    counters: bool,
    /// The TURN server of a measurement in this process, as JSON
    #[arg(long, hide = true)]
    relay: Option<String>,
}

/// A name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Selection {
    All,
    One(Scenario),
}

fn selection(name: &str) -> Result<Selection, String> {
    if name == "all" {
        return Ok(Selection::All);
    }
    Scenario::from_str(name, false)
        .map(Selection::One)
        .map_err(|_| {
            let names: Vec<_> = Scenario::value_variants()
                .iter()
                .map(|one| one.name())
                .collect();
            format!("it is one of all, {}", names.join(", "))
        })
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(folder) = &arguments.profile {
        return match profile::write(folder) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                print::failure(&error);
                ExitCode::FAILURE
            }
        };
    }
    let scenarios = chosen(&arguments.scenarios);
    let result = match (arguments.side, scenarios.as_slice()) {
        (Some(side), [scenario]) => Order {
            scenario: *scenario,
            side,
            threads: arguments.threads,
            relay: arguments.relay,
            counters: arguments.counters,
        }
        .carry_out()
        .map(|()| true),
        _ => run::all(&run::Plan {
            scenarios,
            repeat: arguments.repeat,
            threads: arguments.threads,
            json: arguments.json,
        }),
    };
    match result {
        Ok(met) if met || !arguments.check => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            print::failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn chosen(selections: &[Selection]) -> Vec<Scenario> {
    let all = selections.contains(&Selection::All);
    let variants = Scenario::value_variants().iter().copied();
    variants
        .filter(|scenario| all || selections.contains(&Selection::One(*scenario)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn all_means_all_and_a_name_means_one() {
        assert_eq!(chosen(&[Selection::All]), Scenario::value_variants());
        let one = selection("bulk-16k").expect("a name");
        assert_eq!(chosen(&[one]), [Scenario::Bulk16K]);
        assert!(selection("bulk-17k").is_err());
    }
}
