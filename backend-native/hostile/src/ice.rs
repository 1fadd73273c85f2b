//! The least of ICE: who is asked answers, and takes the address of the asker for the far side's.

use std::net::SocketAddr;

use rtc::crypto::RTCCrypto;
use rtc::shared::error::Result;
use rtc::stun::attributes::ATTR_USE_CANDIDATE;
use rtc::stun::fingerprint::FINGERPRINT;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message};
use rtc::stun::xoraddr::XorMappedAddress;

/// Our name and password. Nobody is kept out by them.
pub(crate) const UFRAG: &str = "hostile0";
pub(crate) const PASSWORD: &str = "hostile0hostile0hostile0";

/// An answer to a check.
pub(crate) struct Answer {
    pub(crate) datagram: Vec<u8>,
    /// The check says that this pair of addresses is used from now on.
    pub(crate) is_nominated: bool,
}

/// The answer to a check, if the datagram is one.
pub(crate) fn answer(datagram: &[u8], from: SocketAddr, crypto: &dyn RTCCrypto) -> Option<Answer> {
    let mut request = Message::new();
    request.unmarshal_binary(datagram).ok()?;
    if request.typ != BINDING_REQUEST {
        return None;
    }
    Some(Answer {
        datagram: success(&request, from, crypto).ok()?,
        is_nominated: request.contains(ATTR_USE_CANDIDATE),
    })
}

fn success(request: &Message, from: SocketAddr, crypto: &dyn RTCCrypto) -> Result<Vec<u8>> {
    let mut response = Message::new();
    let password = PASSWORD.to_owned();
    response.build(&[
        Box::new(request.clone()),
        Box::new(BINDING_SUCCESS),
        Box::new(XorMappedAddress {
            ip: from.ip(),
            port: from.port(),
        }),
        Box::new(MessageIntegrity::new_short_term_integrity_with_provider(
            password, crypto,
        )),
        Box::new(FINGERPRINT),
    ])?;
    Ok(response.raw)
}

/// An answer to any offer: a DTLS client at this address.
pub(crate) fn description(offer: &str, address: SocketAddr, fingerprint: &str) -> String {
    let media_id = offer
        .lines()
        .find_map(|line| line.strip_prefix("a=mid:"))
        .unwrap_or("0");
    let (ip, port) = (address.ip(), address.port());
    format!(
        "v=0\r\no=- {port} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {media_id}\r\n\
         a=webrtc-multiplayer:1\r\n\
         m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:{media_id}\r\n\
         a=sendrecv\r\na=ice-ufrag:{UFRAG}\r\na=ice-pwd:{PASSWORD}\r\na=fingerprint:sha-256 {fingerprint}\r\n\
         a=setup:active\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n\
         a=candidate:1 1 udp 2130706431 {ip} {port} typ host\r\na=end-of-candidates\r\n"
    )
}
