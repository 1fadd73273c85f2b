//! The checks of ICE (RFC 8445, section 7) that the search for a direct path sends and understands.

use core::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use rtc::crypto::RTCCryptoProvider;
use rtc::ice::attributes::control::{AttrControlled, AttrControlling};
use rtc::ice::attributes::priority::PriorityAttr;
use rtc::ice::attributes::use_candidate::UseCandidateAttr;
use rtc::shared::error::Error;
use rtc::stun::attributes::ATTR_USERNAME;
use rtc::stun::fingerprint::FINGERPRINT;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{
    BINDING_REQUEST, BINDING_SUCCESS, Getter, Message, Setter, TransactionId as StunId,
};
use rtc::stun::textattrs::Username;
use rtc::stun::xoraddr::XorMappedAddress;

use super::prober::TransactionId;

/// The priority of a peer-reflexive candidate: its type, any interface, the only component (RFC 8445, 5.1.2.1).
const PRIORITY: u32 = (110 << 24) | (65535 << 8) | 255;

const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// One side's name and password for a session of ICE, out of its description.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    name: String,
    password: String,
}

impl Credentials {
    pub(super) fn of(sdp: &str) -> Option<Self> {
        let find = |key: &str| {
            let mut lines = sdp.lines();
            let value = lines.find_map(|line| line.trim_end().strip_prefix(key))?;
            Some(value.to_owned())
        };
        Some(Self {
            name: find("a=ice-ufrag:")?,
            password: find("a=ice-pwd:")?,
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Writes and reads the checks of one session.
#[derive(Clone)]
pub(super) struct Checks {
    pub(super) ours: Credentials,
    pub(super) theirs: Credentials,
    /// We nominate (RFC 8445, section 2.3).
    pub(super) is_controlling: bool,
    pub(super) tie_breaker: u64,
    pub(super) crypto: Arc<dyn RTCCryptoProvider>,
}

/// A datagram that is a check or the answer to one, and has not been verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Answer(TransactionId),
}

impl Kind {
    /// A quick look, because this is on the way of every packet.
    pub(super) fn of(datagram: &[u8]) -> Option<Self> {
        if datagram.get(4..8)? != MAGIC_COOKIE {
            return None;
        }
        match datagram.get(..2)? {
            [0x00, 0x01] => Some(Self::Request),
            [0x01, 0x01] => Some(Self::Answer(datagram.get(8..20)?.try_into().ok()?)),
            _ => None,
        }
    }
}

impl Checks {
    /// A check; `nominate` asks a far side that is controlled to send here, too.
    pub(super) fn request(&self, id: TransactionId, nominate: bool) -> Result<Vec<u8>, Error> {
        let name = format!("{}:{}", self.theirs.name, self.ours.name);
        let role: Box<dyn Setter> = if self.is_controlling {
            Box::new(AttrControlling(self.tie_breaker))
        } else {
            Box::new(AttrControlled(self.tie_breaker))
        };
        let mut attributes: Vec<Box<dyn Setter + '_>> = vec![
            Box::new(BINDING_REQUEST),
            Box::new(StunId(id)),
            Box::new(Username::new(ATTR_USERNAME, name)),
            role,
            Box::new(PriorityAttr(PRIORITY)),
        ];
        if nominate && self.is_controlling {
            attributes.push(Box::new(UseCandidateAttr::new()));
        }
        attributes.push(Box::new(
            MessageIntegrity::new_short_term_integrity_with_provider(
                self.theirs.password.clone(),
                self.crypto.crypto(),
            ),
        ));
        attributes.push(Box::new(FINGERPRINT));
        let mut message = Message::new();
        message.build(&attributes)?;
        Ok(message.raw)
    }

    /// The answer to a check of the far side, which comes from there.
    pub(super) fn answer(&self, request: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
        if !self.is_request(request) {
            return None;
        }
        let id = request.get(8..20)?.try_into().ok()?;
        let mut message = Message::new();
        let built = message.build(&[
            Box::new(BINDING_SUCCESS),
            Box::new(StunId(id)),
            Box::new(XorMappedAddress {
                ip: from.ip(),
                port: from.port(),
            }),
            Box::new(MessageIntegrity::new_short_term_integrity_with_provider(
                self.ours.password.clone(),
                self.crypto.crypto(),
            )),
            Box::new(FINGERPRINT),
        ]);
        built.ok().map(|()| message.raw)
    }

    /// How the far side sees us, if it has really answered a check of ours.
    pub(super) fn read_answer(&self, datagram: &[u8]) -> Option<Option<SocketAddr>> {
        let message = self.read(datagram, &self.theirs.password)?;
        if message.typ != BINDING_SUCCESS {
            return None;
        }
        let mut mapped = XorMappedAddress::default();
        let is_there = mapped.get_from(&message).is_ok();
        Some(is_there.then(|| SocketAddr::new(mapped.ip, mapped.port)))
    }

    /// Whether this is really a check of the far side.
    pub(super) fn is_request(&self, datagram: &[u8]) -> bool {
        let Some(message) = self.read(datagram, &self.ours.password) else {
            return false;
        };
        let mut name = Username::new(ATTR_USERNAME, String::new());
        let expected = format!("{}:{}", self.ours.name, self.theirs.name);
        message.typ == BINDING_REQUEST
            && name.get_from(&message).is_ok()
            && name.to_string() == expected
    }

    /// A message that was made with this password.
    fn read(&self, datagram: &[u8], password: &str) -> Option<Message> {
        let mut message = Message {
            raw: datagram.to_vec(),
            ..Message::default()
        };
        message.decode().ok()?;
        let verified =
            MessageIntegrity::check(&mut message, password.as_bytes(), self.crypto.crypto());
        verified.is_ok().then_some(message)
    }
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checks")
            .field("ours", &self.ours)
            .field("theirs", &self.theirs)
            .field("is_controlling", &self.is_controlling)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const ID: TransactionId = *b"transaction!";

    fn mapped() -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], 99))
    }

    pub(in super::super) fn sdp(name: &str, password: &str) -> String {
        format!("v=0\r\na=ice-ufrag:{name}\r\na=ice-pwd:{password}\r\na=mid:0\r\n")
    }

    fn checks(ours: &str, theirs: &str, is_controlling: bool) -> Checks {
        let of = |name: &str| Credentials::of(&sdp(name, &name.repeat(6))).expect("credentials");
        Checks {
            ours: of(ours),
            theirs: of(theirs),
            is_controlling,
            tie_breaker: 7,
            crypto: rtc::crypto::default_provider().expect("a provider"),
        }
    }

    #[test]
    fn the_far_side_understands_a_check() {
        let (a, b) = (checks("aaaa", "bbbb", true), checks("bbbb", "aaaa", false));
        for (from, to) in [(&a, &b), (&b, &a)] {
            let request = from.request(ID, true).expect("a check");
            assert_eq!(Kind::of(&request), Some(Kind::Request));
            assert!(to.is_request(&request));
            assert!(!from.is_request(&request), "it is not for its sender");
            assert_eq!(from.answer(&request, mapped()), None);
            let answer = to.answer(&request, mapped()).expect("an answer");
            assert_eq!(from.read_answer(&answer), Some(Some(mapped())));
        }
    }

    #[test]
    fn only_the_controlling_side_nominates() {
        use rtc::stun::attributes::ATTR_USE_CANDIDATE;
        for (is_controlling, nominate) in
            [(true, true), (true, false), (false, true), (false, false)]
        {
            let request = checks("aaaa", "bbbb", is_controlling)
                .request(ID, nominate)
                .expect("a check");
            let mut message = Message::new();
            message.raw = request;
            message.decode().expect("a message");
            let nominates = message.contains(ATTR_USE_CANDIDATE);
            assert_eq!(nominates, is_controlling && nominate);
        }
    }

    #[test]
    fn an_answer_that_somebody_else_made_is_none() {
        let (a, b) = (checks("aaaa", "bbbb", true), checks("bbbb", "aaaa", false));
        let request = a.request(ID, false).expect("a check");
        let good = b.answer(&request, mapped()).expect("an answer");
        assert_eq!(Kind::of(&good), Some(Kind::Answer(ID)));
        assert_eq!(a.read_answer(&good), Some(Some(mapped())));
        let c = checks("cccc", "aaaa", false);
        assert_eq!(c.answer(&request, mapped()), None);
        assert_eq!(b.read_answer(&good), None);
        let mut changed = good.clone();
        changed[25] ^= 1;
        assert_eq!(a.read_answer(&changed), None);
        for length in 0..good.len() {
            assert_eq!(a.read_answer(&good[..length]), None, "{length} bytes");
            let _ = Kind::of(&good[..length]);
        }
    }

    #[test]
    fn a_description_without_credentials_has_none() {
        assert_eq!(Credentials::of("v=0\r\na=ice-ufrag:aaaa\r\n"), None);
        assert_eq!(Credentials::of(""), None);
    }
}
