//! The native column: every case over backend-native.
#![cfg(not(target_arch = "wasm32"))]

mod native {
    conformance_tests::conformance!(conformance_tests::libtest => conformance_tests::columns::native);
}
