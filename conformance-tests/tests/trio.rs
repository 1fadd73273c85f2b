//! The trio column: the cases of three and more in one mesh of native programs and pages in Chromium and Firefox.

use std::process::ExitCode;

fn main() -> ExitCode {
    conformance_tests::columns::main("trio")
}
