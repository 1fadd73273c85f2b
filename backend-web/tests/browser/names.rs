//! Addresses that hide behind names.

use mesh_core::SendLimits;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::Pair;

/// A network on which nobody answers the first question for a name. Gives back how many were asked in vain.
const LOSSY: &str = "
    const prototype = RTCPeerConnection.prototype;
    const add = prototype.addIceCandidate;
    const asked = new Set();
    prototype.addIceCandidate = function (candidate, ...rest) {
        const words = candidate ? candidate.candidate : '';
        if (words.includes('.local ') && !asked.has(words)) {
            asked.add(words);
            return Promise.resolve();
        }
        return add.call(this, candidate, ...rest);
    };
    return () => {
        prototype.addIceCandidate = add;
        return asked.size;
    };
";

#[wasm_bindgen_test]
async fn a_name_that_nobody_knows_yet_is_asked_for_again() {
    let lossy = js_sys::Function::new_no_args(LOSSY);
    let mend = lossy
        .call0(&wasm_bindgen::JsValue::NULL)
        .expect("it is patched");
    let mend = js_sys::Function::from(mend);
    let mut pair = Pair::new();
    pair.a.open(SendLimits::default(), 1 << 20);
    pair.b.open(SendLimits::default(), 1 << 20);
    pair.a.offer();
    pair.until("three channels", |a, b| a.opened() == 3 && b.opened() == 3)
        .await;
    let asked = mend
        .call0(&wasm_bindgen::JsValue::NULL)
        .expect("it is mended");
    assert!(
        asked.as_f64().is_some_and(|asked| asked >= 2.0),
        "{asked:?}"
    );
}
