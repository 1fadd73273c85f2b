//! The firefox column: every case over backend-web in Firefox.

use std::process::ExitCode;

fn main() -> ExitCode {
    conformance_tests::columns::main("firefox")
}
