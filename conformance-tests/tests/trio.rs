//! The trio column: the cases of three and more in one mesh of native programs and pages in Chromium and Firefox.
#![cfg(not(target_arch = "wasm32"))]

mod trio {
    conformance_tests::conformance!(conformance_tests::libtest_of_three => conformance_tests::columns::trio);
}
