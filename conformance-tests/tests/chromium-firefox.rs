//! The chromium-firefox column: every case between pages in two browsers, both ways round.
#![cfg(not(target_arch = "wasm32"))]

mod chromium_firefox {
    conformance_tests::conformance!(conformance_tests::libtest => conformance_tests::columns::chromium_firefox);
}
