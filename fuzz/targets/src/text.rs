//! Descriptions, candidates, and messages of the control channel.

use std::collections::BTreeMap;

use backend_native::testing::fuzz as native;
use mesh_core::platform::check_description;
use mesh_core::platform::control::{self, Control, Word};
use mesh_core::{SdpType, SessionDescription};

/// The lines of ours in a description, which come back as they were written.
pub(crate) fn session_lines(input: &[u8]) {
    let Ok(sdp) = str::from_utf8(input) else {
        return;
    };
    let ours = control::announce(sdp);
    let is_description = sdp.contains("\nm=");
    assert_eq!(ours == sdp, !is_description);
    // Another version that it says of itself comes first.
    if is_description && control::announced(sdp).is_none() {
        let said = sdp
            .lines()
            .any(|line| line.starts_with("a=webrtc-multiplayer:"));
        assert!(said || control::announced(&ours) == Some(control::VERSION));
    }
    let mut far_side = Control::default();
    far_side.described(sdp);
    assert_eq!(far_side.is_announced(), control::announced(sdp).is_some());
    let description = SessionDescription {
        sdp_type: SdpType::Offer,
        sdp: sdp.to_owned(),
    };
    let _ = check_description(&description);
}

/// A candidate, or what is said to be one.
pub(crate) fn candidate(input: &[u8]) {
    if let Ok(candidate) = str::from_utf8(input) {
        native::candidates(candidate);
        native::hidden_names(candidate);
    }
}

/// A description, as it is read before a connection gets it, by the `rtc` crate, too.
pub(crate) fn description(input: &[u8]) {
    if let Ok(sdp) = str::from_utf8(input) {
        native::description(sdp);
    }
}

/// Messages of the control channel, each after a byte that says how long it is. After each of them one message has arrived on
/// stream 1, and what can be answered is answered.
pub(crate) fn control(mut input: &[u8]) {
    let (mut near, mut received) = (Control::default(), BTreeMap::from([(1, 0_u32)]));
    near.described("a=webrtc-multiplayer:2\r\n");
    let mut requests = 0;
    let mut answers = 0;
    while let Some((&length, rest)) = input.split_first() {
        let (message, rest) = rest.split_at(rest.len().min(length.into()));
        match near.take(message) {
            Ok(Some(word)) => {
                // What was heard can be said again.
                let said = match word.clone() {
                    Word::Goodbye(goodbye) => Control::goodbye(&goodbye),
                    Word::Taken(counts) => Control::taken(counts),
                    Word::Kicked { peer, reason } => Control::kick(peer, reason),
                };
                assert_eq!(Control::default().take(&said), Ok(Some(word)));
            }
            Ok(None) => {}
            Err(_) => return,
        }
        requests += usize::from(message.first() == Some(&1));
        answers += near.answers(&received).len();
        if let Some(count) = received.get_mut(&1) {
            *count += 1;
        }
        input = rest;
    }
    assert!(
        answers <= requests,
        "{answers} answers to {requests} requests"
    );
    // Everything else is gone once its streams are.
    received.clear();
    answers += near.answers(&received).len();
    assert_eq!(answers, requests);
    assert!(!near.is_asked());
}
