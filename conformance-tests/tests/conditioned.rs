//! Every case over mesh-core's network in memory, seen through [`mesh_core::Conditioned`]: what it adds to a backend must keep
//! the contract.

mod conditioned {
    conformance_tests::conformance!(conformance_tests::libtest => conformance_tests::mock::run_conditioned);
}
