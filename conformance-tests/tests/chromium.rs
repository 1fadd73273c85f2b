//! The chromium column: every case over backend-web in Chromium.
#![cfg(not(target_arch = "wasm32"))]

mod chromium {
    conformance_tests::conformance!(conformance_tests::libtest => conformance_tests::columns::chromium);
}
