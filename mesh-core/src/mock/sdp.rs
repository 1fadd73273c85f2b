//! Descriptions and candidates of the mock. They have the form of real ones and contain the name of their link.

use alloc::format;
use alloc::string::{String, ToString};

use super::key::Key;

/// What the mock reads in a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Described {
    /// The link it belongs to; `None` if another stack made the description.
    pub(super) link: Option<Key>,
}

/// Makes a description of the link called `key`.
pub(super) fn describe(key: Key, active: bool, max_message_size: Option<usize>) -> String {
    let session = u64::from(key.generation) << 32 | u64::from(key.index);
    let setup = if active { "active" } else { "actpass" };
    let mut sdp = format!(
        "v=0\r\no=- {session} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
         m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n\
         a=ice-ufrag:{ufrag}\r\na=ice-pwd:mock+password+of+22+chars\r\na=ice-options:trickle\r\n\
         a=fingerprint:sha-256 {fingerprint}\r\na=setup:{setup}\r\na=sctp-port:5000\r\n",
        ufrag = ufrag(key),
        fingerprint = "00:".repeat(31) + "00",
    );
    if let Some(size) = max_message_size {
        sdp += &format!("a=max-message-size:{size}\r\n");
    }
    sdp
}

/// Reads a description, whoever made it.
pub(super) fn read(sdp: &str) -> Result<Described, String> {
    let mut lines = sdp.lines();
    if lines.next() != Some("v=0") {
        return Err("it does not begin with v=0".to_string());
    }
    let mut has_channels = false;
    let mut ufrag = None;
    for line in lines {
        if line.starts_with("m=application ") {
            has_channels = true;
        } else if let Some(name) = line.strip_prefix("a=ice-ufrag:") {
            ufrag = Some(name);
        } else if line.as_bytes().get(1) != Some(&b'=') {
            return Err(format!("a line is not of the form x=…: {}", excerpt(line)));
        }
    }
    if !has_channels {
        return Err("it has no section for data channels".to_string());
    }
    let Some(ufrag) = ufrag else {
        return Err("it has no ICE user name".to_string());
    };
    Ok(Described {
        link: key_of(ufrag),
    })
}

/// Makes the candidate number `number` of a link.
pub(super) fn candidate(host: u32, key: Key, number: u16) -> String {
    let [_, a, b, c] = host.wrapping_add(1).to_be_bytes();
    let foundation = number + 1;
    let port = 49152 + (key.index % 8192) * 2 + u32::from(number % 2);
    let priority = 2_130_706_431 - u32::from(number);
    let ufrag = ufrag(key);
    format!("candidate:{foundation} 1 udp {priority} 10.{a}.{b}.{c} {port} typ host ufrag {ufrag}")
}

/// Checks the form of a candidate, whoever made it (RFC 8839, section 5.1).
pub(super) fn read_candidate(candidate: &str) -> Result<(), String> {
    let malformed = |what: &str| Err(format!("{what}: {}", excerpt(candidate)));
    let line = candidate.strip_prefix("a=").unwrap_or(candidate);
    let Some(line) = line.strip_prefix("candidate:") else {
        return malformed("it does not begin with candidate:");
    };
    let mut words = line.split(' ');
    let mut word = || words.next().unwrap_or("");
    let (foundation, component, transport, priority) = (word(), word(), word(), word());
    let (address, port, typ, kind) = (word(), word(), word(), word());
    if foundation.is_empty() || transport.is_empty() || address.is_empty() || typ != "typ" {
        return malformed("it is incomplete");
    }
    if component.parse::<u16>().is_err()
        || priority.parse::<u32>().is_err()
        || port.parse::<u16>().is_err()
    {
        return malformed("a number in it is none");
    }
    if !matches!(kind, "host" | "srflx" | "prflx" | "relay") {
        return malformed("its type is unknown");
    }
    Ok(())
}

fn ufrag(key: Key) -> String {
    format!("mock+{}+{}", key.index, key.generation)
}

fn key_of(ufrag: &str) -> Option<Key> {
    let (index, generation) = ufrag.strip_prefix("mock+")?.split_once('+')?;
    Some(Key {
        index: index.parse().ok()?,
        generation: generation.parse().ok()?,
    })
}

/// The beginning of a text from outside, escaped for an error message.
fn excerpt(text: &str) -> String {
    text.chars()
        .take(40)
        .flat_map(char::escape_default)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key {
        index: 3,
        generation: 9,
    };

    #[test]
    fn a_description_names_its_link() {
        let sdp = describe(KEY, false, Some(262_144));
        assert!(sdp.contains("a=max-message-size:262144\r\n"));
        assert_eq!(read(&sdp), Ok(Described { link: Some(KEY) }));
        assert!(!describe(KEY, true, None).contains("max-message-size"));
    }

    #[test]
    fn a_foreign_description_names_none() {
        let sdp = describe(KEY, false, None).replace("mock+3+9", "x7Yz");
        assert_eq!(read(&sdp), Ok(Described { link: None }));
    }

    #[test]
    fn malformed_descriptions_are_refused() {
        for sdp in [
            "",
            "\0",
            "v=0",
            "v=0\r\nm=application 9 x",
            "v=1\r\n",
            "v=0\r\n\r\n",
            "v=0\r\nm=audio 9",
            "hello",
        ] {
            assert!(read(sdp).is_err(), "{sdp:?}");
        }
        assert_eq!(
            key_of("mock+99999999999999999999+1"),
            None,
            "no number of ours"
        );
    }

    #[test]
    fn candidates_are_read_or_refused() {
        let made = candidate(0, KEY, 0);
        assert_eq!(read_candidate(&made), Ok(()));
        let relayed = made.replace("typ host", "typ relay");
        assert_eq!(read_candidate(&relayed), Ok(()));
        for text in [
            "",
            "candidate:",
            "candidate:1 1 udp",
            "candidate:1 x udp 1 10.0.0.1 9 typ host",
            "candidate:1 1 udp 1 10.0.0.1 99999 typ host",
            "candidate:1 1 udp 1 10.0.0.1 9 typ nothing",
            "\u{1F980}",
        ] {
            assert!(read_candidate(text).is_err(), "{text:?}");
        }
    }
}
