//! The native-firefox column: every case between native programs and pages in Firefox, both ways round.
#![cfg(not(target_arch = "wasm32"))]

mod native_firefox {
    conformance_tests::conformance!(conformance_tests::libtest => conformance_tests::columns::native_firefox);
}
