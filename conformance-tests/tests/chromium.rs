//! The chromium column: every case over backend-web in Chromium.

use std::process::ExitCode;

fn main() -> ExitCode {
    conformance_tests::columns::main("chromium")
}
