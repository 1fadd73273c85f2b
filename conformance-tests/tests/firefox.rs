//! The firefox column: every case over backend-web in Firefox.
#![cfg(not(target_arch = "wasm32"))]

mod firefox {
    conformance_tests::conformance!(conformance_tests::libtest => conformance_tests::columns::firefox);
}
