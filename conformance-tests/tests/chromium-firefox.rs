//! The chromium-firefox column: every case between pages in two browsers.

use std::process::ExitCode;

fn main() -> ExitCode {
    conformance_tests::columns::main("chromium-firefox")
}
