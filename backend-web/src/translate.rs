//! The words of the browser and ours, both ways.

use std::borrow::Cow;

use bytes::Bytes;
use js_sys::Array;
use mesh_core::platform::check_description;
use mesh_core::{
    ChannelParameters, ConnectFailure, ConnectionState, IceCandidate, IceServer,
    IceTransportPolicy, LinkConfig, Payload, Reliability, SdpType, SessionDescription,
};
use wasm_bindgen::JsValue;
use web_sys::{
    RtcConfiguration, RtcDataChannel, RtcDataChannelInit, RtcIceCandidate, RtcIceCandidateInit,
    RtcIceConnectionState, RtcIceServer, RtcIceTransportPolicy, RtcPeerConnectionState, RtcSdpType,
    RtcSessionDescriptionInit,
};

use crate::config::PlatformConfig;
use crate::js;
use crate::role;

/// Settings of one connection.
pub(crate) fn configuration(config: &LinkConfig, platform: &PlatformConfig) -> RtcConfiguration {
    let servers: Array = config.ice_servers.iter().map(ice_server).collect();
    let configuration = RtcConfiguration::new();
    configuration.set_ice_servers(&servers);
    configuration.set_ice_transport_policy(match config.ice_transport_policy {
        IceTransportPolicy::All => RtcIceTransportPolicy::All,
        IceTransportPolicy::Relay => RtcIceTransportPolicy::Relay,
    });
    if platform.candidate_pool_size > 0 {
        // web-sys does not know it. Setting a property of a fresh object cannot fail.
        let _ = js_sys::Reflect::set(
            &configuration,
            &JsValue::from_str("iceCandidatePoolSize"),
            &JsValue::from(platform.candidate_pool_size),
        );
    }
    configuration
}

fn ice_server(server: &IceServer) -> RtcIceServer {
    let urls: Array = server
        .urls
        .iter()
        .map(|url| JsValue::from_str(url))
        .collect();
    let translated = RtcIceServer::new();
    translated.set_urls(&urls);
    if !server.username.is_empty() {
        translated.set_username(&server.username);
    }
    if !server.credential.is_empty() {
        translated.set_credential(&server.credential);
    }
    translated
}

/// Why the browser made no connection: what it throws, as a cause.
pub(crate) fn refused_configuration(config: &LinkConfig, error: &JsValue) -> ConnectFailure {
    let why = js::words(error);
    match js::name(error).as_str() {
        "SyntaxError" | "InvalidAccessError" | "TypeError" | "RangeError" => {
            let urls: Vec<_> = config
                .ice_servers
                .iter()
                .flat_map(|server| server.urls.iter().map(String::as_str))
                .collect();
            ConnectFailure::Config(format!("{}: {why}", urls.join(", ")))
        }
        "NotSupportedError" | "NotAllowedError" | "ReferenceError" => {
            ConnectFailure::Unsupported(why)
        }
        _ => ConnectFailure::Platform(why),
    }
}

/// What the far side sent, the first time or later, or what is wrong with it at first sight.
pub(crate) fn remote_description(
    description: &SessionDescription,
    is_first: bool,
) -> Result<RtcSessionDescriptionInit, ConnectFailure> {
    check_description(description)?;
    let sdp = match description.sdp_type {
        SdpType::Offer if is_first => role::begun_by_the_far_side(&description.sdp),
        SdpType::Offer | SdpType::Answer => Cow::Borrowed(description.sdp.as_str()),
    };
    Ok(session_description(description.sdp_type, &sdp))
}

pub(crate) fn session_description(sdp_type: SdpType, sdp: &str) -> RtcSessionDescriptionInit {
    let translated = RtcSessionDescriptionInit::new(match sdp_type {
        SdpType::Offer => RtcSdpType::Offer,
        SdpType::Answer => RtcSdpType::Answer,
    });
    translated.set_sdp(sdp);
    translated
}

/// A candidate of the far side. A peer that leaves its section unnamed means the first one.
pub(crate) fn remote_candidate(candidate: &IceCandidate) -> RtcIceCandidateInit {
    let translated = RtcIceCandidateInit::new(&candidate.candidate);
    let mid = Some(candidate.sdp_mid.as_str()).filter(|mid| !mid.is_empty());
    translated.set_sdp_mid(mid);
    translated.set_sdp_m_line_index(Some(candidate.sdp_m_line_index));
    translated
}

/// A candidate of ours; `None` if it only says that no more come.
pub(crate) fn local_candidate(candidate: &RtcIceCandidate) -> Option<IceCandidate> {
    let line = candidate.candidate();
    (!line.is_empty()).then(|| IceCandidate {
        sdp_mid: candidate.sdp_mid().unwrap_or_else(|| String::from("0")),
        sdp_m_line_index: candidate.sdp_m_line_index().unwrap_or(0),
        candidate: line,
    })
}

/// A negotiated channel: no DCEP, an empty protocol.
pub(crate) fn channel_init(parameters: ChannelParameters) -> RtcDataChannelInit {
    let init = RtcDataChannelInit::new();
    init.set_negotiated(true);
    init.set_id(parameters.id);
    init.set_ordered(parameters.ordered);
    match parameters.reliability {
        Reliability::Reliable => {}
        Reliability::Lifetime(milliseconds) => init.set_max_packet_life_time(milliseconds),
        Reliability::Retransmits(times) => init.set_max_retransmits(times),
    }
    init
}

/// What the browser says a channel is. One without an id never opens.
pub(crate) fn parameters(channel: &RtcDataChannel) -> ChannelParameters {
    ChannelParameters {
        id: channel.id().unwrap_or(u16::MAX),
        // web-sys does not know it.
        ordered: js::get_bool(channel, "ordered").unwrap_or(true),
        reliability: match (channel.max_packet_life_time(), channel.max_retransmits()) {
            (Some(milliseconds), _) => Reliability::Lifetime(milliseconds),
            (None, Some(times)) => Reliability::Retransmits(times),
            (None, None) => Reliability::Reliable,
        },
    }
}

/// A received message, copied once; `None` if it is neither text nor bytes, which no browser sends to a channel that asked for
/// array buffers.
pub(crate) fn received(data: &JsValue) -> Option<Payload> {
    if let Some(bytes) = js::bytes(data) {
        return Some(Payload::Binary(Bytes::from(bytes)));
    }
    data.as_string()
        .map(|text| Payload::Text(Bytes::from(text)))
}

/// How a connection is, of the two things the browser says about it: each tells some ends earlier than the other, and an old
/// browser has only the second.
pub(crate) const fn state(
    connection: RtcPeerConnectionState,
    ice: RtcIceConnectionState,
) -> Option<ConnectionState> {
    match (connection, ice) {
        (RtcPeerConnectionState::Closed, _) => Some(ConnectionState::Closed),
        (RtcPeerConnectionState::Failed, _) | (_, RtcIceConnectionState::Failed) => {
            Some(ConnectionState::Failed)
        }
        (RtcPeerConnectionState::Disconnected, _)
        | (RtcPeerConnectionState::Connected, RtcIceConnectionState::Disconnected) => {
            Some(ConnectionState::Disconnected)
        }
        (RtcPeerConnectionState::Connected, _) => Some(ConnectionState::Connected),
        (RtcPeerConnectionState::Connecting, _) => Some(ConnectionState::Connecting),
        (RtcPeerConnectionState::New, _) => Some(ConnectionState::New),
        (_, ice) => ice_state(ice),
    }
}

/// Whether a connection failed though its route stands: DTLS did, which has no state of its own here.
pub(crate) const fn is_unsecured(
    connection: RtcPeerConnectionState,
    ice: RtcIceConnectionState,
) -> bool {
    matches!(connection, RtcPeerConnectionState::Failed)
        && matches!(
            ice,
            RtcIceConnectionState::Connected | RtcIceConnectionState::Completed
        )
}

const fn ice_state(ice: RtcIceConnectionState) -> Option<ConnectionState> {
    match ice {
        RtcIceConnectionState::New => Some(ConnectionState::New),
        RtcIceConnectionState::Checking => Some(ConnectionState::Connecting),
        RtcIceConnectionState::Connected | RtcIceConnectionState::Completed => {
            Some(ConnectionState::Connected)
        }
        RtcIceConnectionState::Disconnected => Some(ConnectionState::Disconnected),
        RtcIceConnectionState::Failed => Some(ConnectionState::Failed),
        RtcIceConnectionState::Closed => Some(ConnectionState::Closed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use RtcIceConnectionState as Ice;
    use RtcPeerConnectionState as Peer;

    use super::*;

    #[test]
    fn whichever_says_first_that_it_is_down_counts() {
        let cases = [
            (Peer::New, Ice::New, ConnectionState::New),
            (
                Peer::Connecting,
                Ice::Connected,
                ConnectionState::Connecting,
            ),
            (Peer::Connected, Ice::Completed, ConnectionState::Connected),
            (
                Peer::Connected,
                Ice::Disconnected,
                ConnectionState::Disconnected,
            ),
            (
                Peer::Connecting,
                Ice::Disconnected,
                ConnectionState::Connecting,
            ),
            (
                Peer::Disconnected,
                Ice::Connected,
                ConnectionState::Disconnected,
            ),
            (Peer::Connected, Ice::Failed, ConnectionState::Failed),
            (Peer::Failed, Ice::Connected, ConnectionState::Failed),
            (Peer::Closed, Ice::Closed, ConnectionState::Closed),
        ];
        for (connection, ice, expected) in cases {
            assert_eq!(
                state(connection, ice),
                Some(expected),
                "{connection:?} {ice:?}"
            );
        }
    }

    #[test]
    fn a_browser_without_a_connection_state_has_that_of_ice() {
        let unknown = Peer::__Invalid;
        assert_eq!(
            state(unknown, Ice::Checking),
            Some(ConnectionState::Connecting)
        );
        assert_eq!(
            state(unknown, Ice::Completed),
            Some(ConnectionState::Connected)
        );
        assert_eq!(state(unknown, Ice::__Invalid), None);
    }

    #[test]
    fn a_description_is_looked_at_before_the_browser_is_asked() {
        let offer = |sdp: String| SessionDescription {
            sdp_type: SdpType::Offer,
            sdp,
        };
        for sdp in [
            String::new(),
            String::from("v=0\r\nm=video 9\r\n"),
            "m=application ".repeat(10_000),
        ] {
            let refused = remote_description(&offer(sdp), true).err();
            assert!(
                matches!(refused, Some(ConnectFailure::Description(_))),
                "{refused:?}"
            );
        }
    }
}
