//! A participant of the conformance suite as a process of its own: `conformance-puppet COORDINATOR-URL NAME
//! [ROOT-CERTIFICATES]`.
//!
//! The suite starts it, and kills it when the case is over.
#![expect(clippy::print_stderr, reason = "a program that says why it ends")]

use std::path::Path;
use std::process::ExitCode;

use conformance_tests::native::puppet;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (url, name, roots) = match arguments.as_slice() {
        [url, name] => (url, name, None),
        [url, name, roots] => (url, name, Some(Path::new(roots))),
        _ => {
            eprintln!("usage: conformance-puppet COORDINATOR-URL NAME [ROOT-CERTIFICATES]");
            return ExitCode::FAILURE;
        }
    };
    match puppet::play(url, name, roots).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{name}: {failure}");
            ExitCode::FAILURE
        }
    }
}
