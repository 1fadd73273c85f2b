//! Ends of links that could not be made, or could not go on.

use std::net::Ipv4Addr;

use mesh_core::{
    CloseReason, ConnectFailure, ConnectionState, IceTransportPolicy, LinkConfig, LinkEvent,
    Payload, SdpType, SessionDescription,
};

use crate::stage::{Stage, bound_to, close, open, open_one};
use crate::support::{INBOX, Peer, RELIABLE, link, specs};

/// Offers, and has every candidate.
fn offer(peer: &mut Peer) -> String {
    peer.offer();
    peer.wait("all candidates", |peer| {
        let is_gathered = |event: &LinkEvent| matches!(event, LinkEvent::Gathered { .. });
        peer.log.iter().any(is_gathered)
    });
    peer.descriptions[0].sdp.clone()
}

fn end_by_itself(peer: &mut Peer) -> &CloseReason {
    peer.wait("its end", |peer| peer.closed.is_some());
    peer.closed.as_ref().expect("an end")
}

pub(crate) fn nobody_answers(stage: &mut Stage, number: u32) {
    let pair = stage.open(number);
    offer(&mut pair.a);
    close(pair);
}

/// The far side is not who the description says it is: both connect in vain.
pub(crate) fn wrong_fingerprint(stage: &mut Stage, number: u32) {
    let pair = stage.open(number);
    let sdp = offer(&mut pair.a);
    let at = sdp.find("a=fingerprint:sha-256 ").expect("a fingerprint") + 22;
    let wrong = if &sdp[at..at + 2] == "00" { "11" } else { "00" };
    let sdp = format!("{}{wrong}{}", &sdp[..at], &sdp[at + 2..]);
    pair.b.set_remote(SessionDescription {
        sdp_type: SdpType::Offer,
        sdp,
    });
    for candidate in pair.a.candidates.clone() {
        pair.b.add_candidate(candidate);
    }
    pair.wait("both to connect", |pair| {
        pair.a.state == ConnectionState::Connecting && pair.b.state == ConnectionState::Connecting
    });
    // It takes the crate 8 s to give up the handshake, so that is waited for once.
    if number == 0 {
        pair.wait("the handshake to fail", |pair| pair.a.closed.is_some());
    }
    assert!(pair.b.opened.is_empty());
    close(pair);
}

/// By turns as an offer and as an answer.
pub(crate) fn no_description(stage: &mut Stage, number: u32) {
    let pair = stage.open(number);
    let sdp_type = if number.is_multiple_of(2) {
        SdpType::Offer
    } else {
        pair.a.offer();
        SdpType::Answer
    };
    pair.a.set_remote(SessionDescription {
        sdp_type,
        sdp: String::from("v=0\r\nm=application nonsense\r\n"),
    });
    let reason = end_by_itself(&mut pair.a);
    assert!(
        matches!(reason, CloseReason::Failed(ConnectFailure::Description(_))),
        "{reason:?}"
    );
    close(pair);
}

pub(crate) fn no_relay(stage: &mut Stage, number: u32) {
    let config = LinkConfig {
        ice_transport_policy: IceTransportPolicy::Relay,
        ..LinkConfig::default()
    };
    let peer = &mut stage.pair().a;
    open_one(peer, number, config);
    peer.offer();
    let reason = end_by_itself(peer);
    assert!(
        matches!(reason, CloseReason::Failed(ConnectFailure::NoRelay { .. })),
        "{reason:?}"
    );
}

/// An address of the documentation (RFC 5737), which no machine has.
pub(crate) fn no_address(stage: &mut Stage, number: u32) {
    let platform = bound_to((Ipv4Addr::new(192, 0, 2, 1), 0).into());
    let pair = stage.pair_with(&platform);
    open(pair, number);
    for peer in [&mut pair.a, &mut pair.b] {
        let reason = end_by_itself(peer);
        assert!(
            matches!(reason, CloseReason::Failed(ConnectFailure::Platform(_))),
            "{reason:?}"
        );
    }
}

/// A game that takes nothing, and a far side that sends more than an inbox holds.
pub(crate) fn full_inbox(stage: &mut Stage, number: u32) {
    let pair = stage.pair();
    for (peer, inbox) in [(&mut pair.a, INBOX), (&mut pair.b, 64 * 1024)] {
        peer.open(link(number), LinkConfig::default(), inbox, &specs());
    }
    pair.connect();
    pair.a.fill(RELIABLE, &Payload::from(vec![0; 4096]), 50);
    pair.a
        .wait("the far side to end it", |a| a.has_closed_channel(RELIABLE));
    let reason = end_by_itself(&mut pair.b);
    assert_eq!(*reason, CloseReason::InboxFull);
    close(pair);
}
