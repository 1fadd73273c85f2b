//! What fuzzing gives to the parsers of this module.

use super::candidate;
use super::check::{Checks, Credentials, Kind};

/// A datagram that may be a check or the answer to one. Nobody who does not know the passwords has made one.
pub fn checks(datagram: &[u8]) {
    let Ok(crypto) = rtc::crypto::default_provider() else {
        return;
    };
    let of = |name: &str| {
        let sdp = format!("a=ice-ufrag:{name}\r\na=ice-pwd:{}\r\n", name.repeat(6));
        Credentials::of(&sdp)
    };
    let (Some(ours), Some(theirs)) = (of("ours"), of("them")) else {
        return;
    };
    let checks = Checks {
        ours,
        theirs,
        is_controlling: true,
        tie_breaker: 7,
        crypto,
    };
    let _ = Kind::of(datagram);
    let _ = checks.read_answer(datagram);
    let _ = checks.is_request(datagram);
}

/// A description or a candidate, as the search for a direct path reads it.
pub fn candidates(text: &str) {
    let _ = candidate::read(text);
    let _ = candidate::read_all(text).count();
    let _ = Credentials::of(text);
}
