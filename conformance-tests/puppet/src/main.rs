//! A participant of the conformance suite as a process of its own: `conformance-puppet COORDINATOR-URL NAME`.
//!
//! The suite starts it, and kills it when the case is over.
#![expect(clippy::print_stderr, reason = "a program that says why it ends")]

use std::process::ExitCode;

use conformance_tests::native::puppet;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [url, name] = arguments.as_slice() else {
        eprintln!("usage: conformance-puppet COORDINATOR-URL NAME");
        return ExitCode::FAILURE;
    };
    match puppet::play(url, name).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{name}: {failure}");
            ExitCode::FAILURE
        }
    }
}
