//! Addresses that hide behind names.

use js_sys::Function;
use mesh_core::SendLimits;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::Pair;

/// A network that loses the first question for each name, where the browser asks only once. Gives back what makes it a good one
/// again, and whether a name was asked for again where it was lost.
const LOSSY: &str = "
    const prototype = RTCPeerConnection.prototype;
    const add = prototype.addIceCandidate;
    const asked = new Map();
    const asks_once = !navigator.userAgent.includes('Firefox/');
    prototype.addIceCandidate = function (candidate, ...rest) {
        const words = candidate ? candidate.candidate : '';
        if (words.includes('.local ')) {
            const times = 1 + (asked.get(words) || 0);
            asked.set(words, times);
            if (asks_once && times == 1) {
                return Promise.resolve();
            }
        }
        return add.call(this, candidate, ...rest);
    };
    return () => {
        prototype.addIceCandidate = add;
        return !asks_once || [...asked.values()].some((times) => times > 1);
    };
";

/// Gives the browser its own function back, however the test ends.
struct Lossy(Option<Function>);

impl Lossy {
    fn begin() -> Self {
        let mend = Function::new_no_args(LOSSY).call0(&JsValue::NULL);
        Self(mend.ok().map(Function::from))
    }

    fn end(&mut self) -> Option<bool> {
        self.0.take()?.call0(&JsValue::NULL).ok()?.as_bool()
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        self.end();
    }
}

#[wasm_bindgen_test]
async fn a_name_without_an_answer_is_asked_for_again_where_the_browser_does_not() {
    let mut lossy = Lossy::begin();
    let mut pair = Pair::new();
    pair.a.open(SendLimits::default(), 1 << 20);
    pair.b.open(SendLimits::default(), 1 << 20);
    pair.a.offer();
    pair.until("three channels", |a, b| a.opened() == 3 && b.opened() == 3)
        .await;
    assert_eq!(lossy.end(), Some(true));
}
