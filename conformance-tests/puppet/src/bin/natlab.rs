//! The NAT lab: `natlab able`, or `natlab run [--only WORD] [--folder FOLDER] [--long]`. `cargo ci natlab` runs it.
#![expect(clippy::print_stderr, reason = "a program that says why it ends")]

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
    let outcome = match what.as_deref() {
        Some("able") => lab::is_possible(),
        Some("run") => lab::run(&options),
        // For the case about runs that are killed.
        Some("hold") => lab::hold(),
        _ => return usage(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
fn usage() -> ExitCode {
    eprintln!("usage: natlab able | natlab run [--only WORD] [--folder FOLDER] [--long]");
    ExitCode::FAILURE
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("the lab needs Linux");
    ExitCode::FAILURE
}
