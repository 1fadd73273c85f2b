//! The NAT lab: `natlab able`, or `natlab run [--only WORD] [--folder FOLDER] [--long]`. `cargo ci natlab` runs it.
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a program that says why it ends"
)]

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use conformance_tests::lab::{self, Options};

    let mut options = Options::default();
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next();
    while let Some(word) = arguments.next() {
        match word.as_str() {
            "--only" => options.filter = arguments.next(),
            "--folder" => options.folder = arguments.next().map(Into::into),
            "--long" => options.long = true,
            _ => return usage(),
        }
    }
    match what.as_deref() {
        Some("able") => match lab::is_possible() {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                println!("{why}");
                ExitCode::FAILURE
            }
        },
        Some("run") => match lab::run(&options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::FAILURE
            }
        },
        _ => usage(),
    }
}

#[cfg(target_os = "linux")]
fn usage() -> ExitCode {
    eprintln!("usage: natlab able | natlab run [--only WORD] [--folder FOLDER] [--long]");
    ExitCode::FAILURE
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("the lab needs Linux");
    ExitCode::FAILURE
}
