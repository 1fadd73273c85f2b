//! Descriptions and candidates of the mock. They have the form of real ones and contain the name of their link.

use alloc::format;
use alloc::string::String;

use super::world::Key;
use crate::platform::control;
use crate::{ConnectFailure, LinkId, SdpType};

/// Makes the description of an end.
pub(super) fn describe(key: Key, sdp_type: SdpType, max_message_size: usize) -> String {
    let (host, LinkId { slot, generation }) = key;
    let setup = match sdp_type {
        SdpType::Offer => "actpass",
        SdpType::Answer => "active",
    };
    let sdp = format!(
        "v=0\r\no=- {host}{slot:010}{generation:010} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
         m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n\
         a=ice-ufrag:{ufrag}\r\na=ice-pwd:mock+password+of+22+chars\r\na=ice-options:trickle\r\n\
         a=fingerprint:sha-256 {fingerprint}\r\na=setup:{setup}\r\na=sctp-port:5000\r\n\
         a=max-message-size:{max_message_size}\r\n",
        ufrag = ufrag(key),
        fingerprint = "00:".repeat(31) + "00",
    );
    control::announce(&sdp)
}

/// Which end a description names; `None` if another stack made it.
pub(super) fn read(sdp: &str) -> Result<Option<Key>, ConnectFailure> {
    if !sdp.starts_with("v=0") {
        return Err(ConnectFailure::Description(
            "it does not begin with v=0".into(),
        ));
    }
    let Some(ufrag) = crate::sdp::ufrag(sdp) else {
        return Err(ConnectFailure::Description(
            "it has no ICE user name".into(),
        ));
    };
    Ok(key_of(ufrag))
}

/// Makes the candidate of an end.
pub(super) fn candidate(key: Key) -> String {
    let [_, a, b, c] = (key.0 + 1).to_be_bytes();
    let (port, ufrag) = (49152 + key.1.slot % 16384, ufrag(key));
    format!("candidate:1 1 udp 2130706431 10.{a}.{b}.{c} {port} typ host ufrag {ufrag}")
}

/// Whether a text has the form of a candidate, whoever made it (RFC 8839, section 5.1).
pub(super) fn is_candidate(text: &str) -> bool {
    let mut words = text.split(' ');
    let first = words.next();
    first.is_some_and(|word| word.starts_with("candidate:"))
        && words.nth(5) == Some("typ")
        && words.next().is_some()
}

fn ufrag((host, link): Key) -> String {
    format!("mock+{host}+{}+{}", link.slot, link.generation)
}

fn key_of(ufrag: &str) -> Option<Key> {
    let numbers = ufrag.strip_prefix("mock+")?.split('+');
    let mut numbers = numbers.map(|number| number.parse().ok());
    let mut next = || numbers.next().flatten();
    let (host, slot, generation) = (next()?, next()?, next()?);
    Some((host, LinkId { slot, generation }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = (
        2,
        LinkId {
            slot: 3,
            generation: 9,
        },
    );

    #[test]
    fn a_description_names_its_link() {
        let sdp = describe(KEY, SdpType::Offer, 262_144);
        assert!(sdp.contains("a=max-message-size:262144\r\n"));
        assert_eq!(read(&sdp), Ok(Some(KEY)));
        let foreign = sdp.replace("mock+2+3+9", "x7Yz");
        assert_eq!(read(&foreign), Ok(None));
    }

    #[test]
    fn malformed_descriptions_are_refused() {
        for sdp in ["", "\0", "v=0", "v=1\r\n", "v=0\r\n\r\n", "hello"] {
            assert!(read(sdp).is_err(), "{sdp:?}");
        }
        assert_eq!(key_of("mock+99999999999999999999+1+1"), None);
    }

    #[test]
    fn candidates_are_read_or_refused() {
        let made = candidate(KEY);
        assert!(is_candidate(&made));
        assert!(is_candidate(&made.replace("typ host", "typ relay")));
        for text in ["", "candidate:", "candidate:1 1 udp", "\u{1F980}"] {
            assert!(!is_candidate(text), "{text:?}");
        }
    }
}
