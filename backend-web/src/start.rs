//! Whether there is WebRTC here at all.

use thiserror::Error;

use crate::js;

/// Why a backend could not start.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no WebRTC here: this is a worker, an old browser, or one whose settings forbid it.
    #[error("this browser has no WebRTC here: there is no {missing}")]
    Unsupported {
        /// What is not there.
        missing: &'static str,
    },
}

/// Looks for everything a backend cannot be without.
pub(crate) fn check() -> Result<(), StartError> {
    let global = js_sys::global();
    for missing in [
        "RTCPeerConnection",
        "RTCDataChannel",
        "performance",
        "setTimeout",
    ] {
        if js::get(&global, missing).is_none() {
            return Err(StartError::Unsupported { missing });
        }
    }
    Ok(())
}
