//! Randomness from the browser, for peer ids.

use wasm_bindgen::JsCast;
use web_sys::Crypto;

use crate::js;

/// 32 random bits: unpredictable enough that two peers do not take the same id; no secret.
#[must_use]
pub fn entropy() -> u32 {
    random().unwrap_or_else(lesser)
}

fn random() -> Option<u32> {
    let crypto: Crypto = js::get(&js_sys::global(), "crypto")?.dyn_into().ok()?;
    let mut bytes = [0; 4];
    crypto.get_random_values_with_u8_array(&mut bytes).ok()?;
    Some(u32::from_le_bytes(bytes))
}

/// For a browser without `crypto`. Two calls, because some give 23 random bits only.
fn lesser() -> u32 {
    let draw = || {
        // At least 0 and below 65536.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float cast saturates"
        )]
        let half = (js_sys::Math::random() * 65536.0) as u32;
        half
    };
    (draw() << 16) | draw()
}
