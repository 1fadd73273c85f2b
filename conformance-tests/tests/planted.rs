//! The suite's own test: a backend that breaks its contract must make the named case fail, with the words that belong to
//! this breach.

use std::process::ExitCode;

fn main() -> ExitCode {
    conformance_tests::mock::main_planted()
}
