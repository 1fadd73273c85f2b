//! The mock column: every case over mesh-core's network in memory.

mod mock {
    conformance_tests::conformance!(conformance_tests::libtest => conformance_tests::mock::run);
}
