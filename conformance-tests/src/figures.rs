//! Times that a case has measured, for those who want to know how close to its limit it came.

use std::time::Duration;

/// Writes a time down beside the results, if somebody has asked for those. `cargo ci test --column` prints the longest of each name.
pub(crate) fn figure(name: &str, took: Duration) {
    #[cfg(not(target_arch = "wasm32"))]
    crate::results::figure(name, took);
    // Pages run no cases.
    #[cfg(target_arch = "wasm32")]
    let _ = (name, took);
}
