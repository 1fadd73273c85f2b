//! A place without WebRTC.

#![allow(
    dead_code,
    reason = "on the host these tests compile, so that they are checked, and are not run"
)]

use backend_web::testing::{Held, held};
use backend_web::{PlatformBackend, PlatformConfig, StartError, entropy};
use wasm_bindgen_test::wasm_bindgen_test;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
fn a_worker_has_no_webrtc_and_is_told_so() {
    let refused = PlatformBackend::new(PlatformConfig::default()).err();
    let expected = StartError::Unsupported {
        missing: "RTCPeerConnection",
    };
    assert_eq!(refused, Some(expected));
    assert_eq!(held(), Held::default());
}

#[wasm_bindgen_test]
fn a_worker_has_randomness() {
    assert_ne!((entropy(), entropy()), (entropy(), entropy()));
}
