//! What fuzzing gives to the parsers of this crate that nothing outside can reach otherwise.

pub use crate::direct::fuzz::{candidates, checks};
pub use crate::relay::fuzz::{stun, tunnel};
pub use crate::socket::fuzz::datagrams;

use mesh_core::platform::check_description;
use mesh_core::{SdpType, SessionDescription};

use crate::{mdns, translate};

/// What is done with a candidate of the far side before the `webrtc` crate gets it.
pub fn hidden_names(candidate: &str) {
    if mdns::hidden(candidate).is_some() {
        let revealed = mdns::revealed(candidate, [192, 0, 2, 1].into());
        assert_eq!(mdns::hidden(&revealed), None);
    }
}

/// A description of the far side, as far as it is read before a connection gets it.
pub fn description(sdp: &str) {
    for sdp_type in [SdpType::Offer, SdpType::Answer] {
        let sdp = sdp.to_owned();
        let description = SessionDescription { sdp_type, sdp };
        let _ = translate::media_id(&description.sdp);
        if check_description(&description).is_ok() {
            let _ = translate::remote_description(description);
        }
    }
}
