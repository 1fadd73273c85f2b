//! The native-firefox column: every case between a native program and a page in Firefox.

use std::process::ExitCode;

fn main() -> ExitCode {
    conformance_tests::columns::main("native-firefox")
}
