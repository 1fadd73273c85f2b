//! The native column: every case over backend-native.

use std::process::ExitCode;

fn main() -> ExitCode {
    conformance_tests::columns::main("native")
}
