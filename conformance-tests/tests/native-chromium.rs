//! The native-chromium column: every case between native programs and pages in Chromium, both ways round.
#![cfg(not(target_arch = "wasm32"))]

mod native_chromium {
    conformance_tests::conformance!(conformance_tests::libtest => conformance_tests::columns::native_chromium);
}
