//! Every case over mesh-core's network in memory, seen through [`mesh_core::Conditioned`]: what it adds to a backend must keep
//! the contract.

use std::process::ExitCode;

fn main() -> ExitCode {
    conformance_tests::mock::main_conditioned()
}
