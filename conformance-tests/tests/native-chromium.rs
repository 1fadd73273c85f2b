//! The native-chromium column: every case between a native program and a page in Chromium.

use std::process::ExitCode;

fn main() -> ExitCode {
    conformance_tests::columns::main("native-chromium")
}
