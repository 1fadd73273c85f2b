//! What is read from session descriptions and candidates, and added to them.

use alloc::format;
use alloc::string::String;

/// A description with one more line in its session part. Whoever does not know it ignores it (RFC 8866, section 5.13). What
/// has no sections, and so is no description of a connection, stays as it is.
pub(crate) fn with_session_line(sdp: &str, line: &str) -> String {
    let Some(before) = sdp.find("\nm=") else {
        return String::from(sdp);
    };
    let (session, media) = sdp.split_at(before + 1);
    format!("{session}{line}\r\n{media}")
}

/// What a description is recognised by: its `o=` line, its fingerprint and its ICE user name (RFC 8866, 8122, 8839), each of
/// which a peer draws anew for every connection. The text itself where it has none of them.
///
/// Two descriptions that differ may have one identity by accident or malice; the worst that follows is an attempt that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity(u64);

impl Identity {
    pub(crate) fn of(sdp: &str) -> Self {
        // The hash of Fowler, Noll and Vo (FNV-1a): short, and the same on every platform.
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let mut add = |text: &str| {
            for byte in text.bytes().chain([0]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        let mut is_named = false;
        for line in sdp.lines() {
            let names = ["o=", "a=fingerprint:", "a=ice-ufrag:"];
            if names.iter().any(|name| line.starts_with(name)) {
                add(line.trim_end());
                is_named = true;
            }
        }
        if !is_named {
            add(sdp);
        }
        Self(hash)
    }

    /// The identity of two that belong together, in their order.
    pub(crate) const fn then(self, next: Self) -> Self {
        // 2⁶⁴ divided by the golden ratio, an odd number that mixes the bits. Both sides must use the same one.
        let mixed = self.0.rotate_left(23) ^ next.0;
        Self(mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) const fn number(self) -> u64 {
        self.0
    }

    pub(crate) const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// The ICE user name in a description; `None` if it says none.
pub(crate) fn ufrag(sdp: &str) -> Option<&str> {
    let ufrag = |line| str::trim_end(line).strip_prefix("a=ice-ufrag:");
    sdp.lines().find_map(ufrag).filter(|said| !said.is_empty())
}

/// The ICE user name that a candidate belongs to; `None` if it does not say (the extension `ufrag`, which not everybody
/// writes).
pub(crate) fn candidate_ufrag(candidate: &str) -> Option<&str> {
    // Foundation, component, transport, priority, address, port, `typ` and type come first (RFC 8839 section 5.1).
    let mut extensions = candidate.split_ascii_whitespace().skip(8);
    while let (Some(name), Some(value)) = (extensions.next(), extensions.next()) {
        if name == "ufrag" {
            return Some(value);
        }
    }
    None
}

/// Whether a candidate may belong to a description: both say the same ICE user name, or one of them says none.
pub(crate) fn may_belong(candidate: Option<&str>, description: Option<&str>) -> bool {
    match (candidate, description) {
        (Some(candidate), Some(description)) => candidate == description,
        (None, _) | (_, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn description(session: u32, fingerprint: &str, ufrag: &str) -> String {
        format!(
            "v=0\r\no=- {session} 2 IN IP4 127.0.0.1\r\na=ice-ufrag:{ufrag}\r\n\
             a=fingerprint:sha-256 {fingerprint}\r\n"
        )
    }

    #[test]
    fn each_mark_of_a_description_tells_it_apart() {
        let one = Identity::of(&description(1, "AA", "abcd"));
        assert_eq!(one, Identity::of(&description(1, "AA", "abcd")));
        for other in [
            description(2, "AA", "abcd"),
            description(1, "BB", "abcd"),
            description(1, "AA", "abce"),
        ] {
            assert_ne!(one, Identity::of(&other), "{other}");
        }
        assert_ne!(Identity::of("one"), Identity::of("another"));
    }

    #[test]
    fn candidates_name_their_description_or_nobody() {
        let candidate = "candidate:1 1 udp 2113937151 192.0.2.1 54321 typ srflx raddr 10.0.0.1 rport 5 ufrag Xy/+ network-cost 999";
        assert_eq!(candidate_ufrag(candidate), Some("Xy/+"));
        let unnamed = "candidate:1 1 udp 2113937151 192.0.2.1 54321 typ host";
        assert_eq!(candidate_ufrag(unnamed), None);
        assert_eq!(candidate_ufrag("candidate:ufrag ufrag"), None);
        assert_eq!(ufrag("v=0\r\na=ice-ufrag:Xy/+\r\n"), Some("Xy/+"));
        assert!(may_belong(candidate_ufrag(candidate), Some("Xy/+")));
        assert!(!may_belong(candidate_ufrag(candidate), Some("other")));
        assert!(may_belong(None, Some("other")) && may_belong(Some("Xy/+"), None));
    }

    #[test]
    fn two_identities_are_joined_alike_on_both_sides() {
        let [first, next] = [1, 1 << 23 | 1].map(Identity::from_number);
        assert_eq!(first.then(next).number(), 0x9e37_79b9_7f4a_7c15);
    }
}
