//! The mock column: every case over mesh-core's network in memory.

use std::process::ExitCode;

fn main() -> ExitCode {
    conformance_tests::mock::main()
}
