//! The words of the `webrtc` crate and ours, both ways.

use bytes::{Bytes, BytesMut};
use mesh_core::{
    CandidateType, ChannelParameters, ConnectionState, Duration, IceCandidate, IceServer,
    IceTransportPolicy, Payload, Reliability, SdpType, SessionDescription,
};
use webrtc::data_channel::{RTCDataChannelInit, RTCDataChannelMessage};
use webrtc::error::Error;
use webrtc::peer_connection::{
    RTCIceCandidateInit, RTCIceCandidateType, RTCIceServer, RTCIceTransportPolicy,
    RTCPeerConnectionState, RTCSessionDescription, RTCStatsReport,
};

/// A STUN or TURN server.
pub(crate) fn ice_server(server: &IceServer) -> RTCIceServer {
    RTCIceServer {
        urls: server.urls.clone(),
        username: server.username.clone(),
        credential: server.credential.clone(),
    }
}

pub(crate) const fn policy(policy: IceTransportPolicy) -> RTCIceTransportPolicy {
    match policy {
        IceTransportPolicy::All => RTCIceTransportPolicy::All,
        IceTransportPolicy::Relay => RTCIceTransportPolicy::Relay,
    }
}

pub(crate) const fn state(state: RTCPeerConnectionState) -> Option<ConnectionState> {
    match state {
        RTCPeerConnectionState::New => Some(ConnectionState::New),
        RTCPeerConnectionState::Connecting => Some(ConnectionState::Connecting),
        RTCPeerConnectionState::Connected => Some(ConnectionState::Connected),
        RTCPeerConnectionState::Disconnected => Some(ConnectionState::Disconnected),
        RTCPeerConnectionState::Failed => Some(ConnectionState::Failed),
        RTCPeerConnectionState::Closed => Some(ConnectionState::Closed),
        RTCPeerConnectionState::Unspecified | _ => None,
    }
}

pub(crate) const fn candidate_type(candidate_type: RTCIceCandidateType) -> Option<CandidateType> {
    match candidate_type {
        RTCIceCandidateType::Host => Some(CandidateType::Host),
        RTCIceCandidateType::Srflx => Some(CandidateType::ServerReflexive),
        RTCIceCandidateType::Prflx => Some(CandidateType::PeerReflexive),
        RTCIceCandidateType::Relay => Some(CandidateType::Relay),
        RTCIceCandidateType::Unspecified | _ => None,
    }
}

/// What the far side sent, parsed.
pub(crate) fn remote_description(
    description: SessionDescription,
) -> Result<RTCSessionDescription, Error> {
    match description.sdp_type {
        SdpType::Offer => RTCSessionDescription::offer(description.sdp),
        SdpType::Answer => RTCSessionDescription::answer(description.sdp),
    }
}

/// What we made.
pub(crate) fn local_description(
    sdp_type: SdpType,
    description: &RTCSessionDescription,
) -> SessionDescription {
    SessionDescription {
        sdp_type,
        sdp: description.sdp.clone(),
    }
}

/// The `a=mid` of the first media section: the one our candidates belong to. The `webrtc` crate leaves it empty in its
/// candidates, and Godot ignores a candidate that has none.
pub(crate) fn media_id(sdp: &str) -> String {
    sdp.lines()
        .find_map(|line| line.strip_prefix("a=mid:"))
        .map_or("0", str::trim)
        .to_owned()
}

/// The candidate with an unspecified related address, as RFC 8839, section 5.1, has it for whoever does not tell that address.
pub(crate) fn without_related(candidate: &str) -> String {
    let mut words: Vec<&str> = candidate.split(' ').collect();
    for (key, value) in [("raddr", None), ("rport", Some("9"))] {
        let at = words.iter().position(|word| *word == key);
        if let Some(word) = at.and_then(|at| words.get_mut(at + 1)) {
            let unspecified = if word.contains(':') { "::" } else { "0.0.0.0" };
            *word = value.unwrap_or(unspecified);
        }
    }
    words.join(" ")
}

pub(crate) fn remote_candidate(candidate: IceCandidate) -> RTCIceCandidateInit {
    RTCIceCandidateInit {
        candidate: candidate.candidate,
        sdp_mid: Some(candidate.sdp_mid),
        sdp_mline_index: Some(candidate.sdp_m_line_index),
        username_fragment: None,
        url: None,
    }
}

/// A negotiated channel: no DCEP, an empty protocol.
pub(crate) fn channel_init(parameters: ChannelParameters) -> RTCDataChannelInit {
    let (max_packet_life_time, max_retransmits) = match parameters.reliability {
        Reliability::Reliable => (None, None),
        Reliability::Lifetime(milliseconds) => (Some(milliseconds), None),
        Reliability::Retransmits(times) => (None, Some(times)),
    };
    RTCDataChannelInit {
        ordered: parameters.ordered,
        max_packet_life_time,
        max_retransmits,
        protocol: String::new(),
        negotiated: Some(parameters.id),
    }
}

/// What the platform says about a channel, as our type.
pub(crate) const fn reliability(
    max_packet_life_time: Option<u16>,
    max_retransmits: Option<u16>,
) -> Reliability {
    match (max_packet_life_time, max_retransmits) {
        (Some(milliseconds), _) => Reliability::Lifetime(milliseconds),
        (None, Some(times)) => Reliability::Retransmits(times),
        (None, None) => Reliability::Reliable,
    }
}

/// A received message, without a copy. Text is not looked at: a peer may send bytes there that are not UTF-8.
pub(crate) fn received(message: RTCDataChannelMessage) -> Payload {
    let bytes = message.data.freeze();
    if message.is_string {
        Payload::Text(bytes)
    } else {
        Payload::Binary(bytes)
    }
}

/// The buffer the `webrtc` crate wants, without a copy where nobody else has the bytes.
pub(crate) fn outgoing(bytes: Bytes) -> BytesMut {
    bytes
        .try_into_mut()
        .unwrap_or_else(|shared| BytesMut::from(&shared[..]))
}

/// The last round trip of the selected pair.
pub(crate) fn round_trip(report: &RTCStatsReport) -> Option<Duration> {
    report
        .candidate_pairs()
        .filter(|pair| pair.nominated)
        .map(|pair| pair.current_round_trip_time)
        .find(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_no_utf_8_arrives_as_it_was_sent() {
        let payload = received(RTCDataChannelMessage {
            is_string: true,
            data: BytesMut::from(&b"\xff\xfe"[..]),
        });
        assert_eq!(payload, Payload::Text(Bytes::from_static(b"\xff\xfe")));
        assert_eq!(payload.text(), None);
    }

    #[test]
    fn a_candidate_does_without_its_related_address() {
        let with = |base: &str| format!("candidate:1 1 udp 7 192.0.2.1 5 typ relay {base}");
        let told = |base| without_related(&with(base));
        assert_eq!(
            told("raddr 10.0.0.1 rport 6"),
            with("raddr 0.0.0.0 rport 9")
        );
        assert_eq!(told("raddr fd00::2 rport 6"), with("raddr :: rport 9"));
        assert_eq!(told("ufrag raddr"), with("ufrag raddr"));
    }

    #[test]
    fn bytes_that_nobody_else_has_are_not_copied() {
        let bytes = Bytes::from(vec![7; 1000]);
        let at = bytes.as_ptr();
        assert_eq!(outgoing(bytes).as_ptr(), at);

        let shared = Bytes::from(vec![7; 1000]);
        let copy = outgoing(shared.clone());
        assert_ne!(copy.as_ptr(), shared.as_ptr());
        assert_eq!(copy, shared);
    }

    #[test]
    fn a_channel_is_as_reliable_as_it_was_asked_to_be() {
        for asked in [
            Reliability::Reliable,
            Reliability::Lifetime(300),
            Reliability::Retransmits(0),
            Reliability::Retransmits(9),
        ] {
            let init = channel_init(ChannelParameters {
                id: 5,
                ordered: false,
                reliability: asked,
            });
            assert_eq!(
                reliability(init.max_packet_life_time, init.max_retransmits),
                asked
            );
            assert_eq!(init.negotiated, Some(5));
        }
    }

    #[test]
    fn the_media_id_is_the_descriptions() {
        assert_eq!(media_id("v=0\r\na=mid:data\r\n"), "data");
        assert_eq!(
            media_id("v=0\r\n"),
            "0",
            "what every stack says where there is one section"
        );
    }
}
