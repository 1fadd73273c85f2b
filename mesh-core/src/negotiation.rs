//! The order of a handshake: who has described what, and which candidates have to wait for it.

use alloc::string::String;
use alloc::vec::Vec;

use crate::sdp::{candidate_ufrag, may_belong, ufrag};
use crate::{ConnectionError, IceCandidate, SdpType, SessionDescription, SignalingState};

/// Candidates held back before the remote description; a far side that sends more is not trickling, it is flooding.
pub(crate) const HELD_CANDIDATES: usize = 64;

/// Candidates of one far side in all; browsers with many interfaces and relays send a few dozen.
const TOTAL_CANDIDATES: usize = 256;

/// What the far side takes when its description does not say (RFC 8841 section 6.1).
const DEFAULT_MAX_MESSAGE_SIZE: usize = 65536;

/// The least that a far side must take in one message, in bytes: what fits into one datagram. Every known stack takes 16 KiB
/// or more.
pub const MIN_MESSAGE_SIZE: usize = 1200;

/// One connection's handshake. Answers whether a step is legal; carries none out.
#[derive(Debug, Default)]
pub(crate) struct Negotiation {
    phase: Phase,
    held: Vec<IceCandidate>,
    candidates: usize,
    /// The far side's ICE user name, if its description says one.
    ufrag: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    New,
    Offered,
    /// An offer was taken whose answer has not been made yet.
    Answering,
    Described,
}

impl Negotiation {
    pub(crate) fn is_new(&self) -> bool {
        self.phase == Phase::New
    }

    /// Whether the far side has described itself.
    pub(crate) fn is_described(&self) -> bool {
        matches!(self.phase, Phase::Answering | Phase::Described)
    }

    pub(crate) fn state(&self) -> SignalingState {
        match self.phase {
            Phase::Offered => SignalingState::HaveLocalOffer,
            Phase::Answering => SignalingState::HaveRemoteOffer,
            Phase::New | Phase::Described => SignalingState::Stable,
        }
    }

    /// Takes note that this side has described itself.
    pub(crate) const fn local(&mut self, sdp_type: SdpType) {
        if matches!((sdp_type, self.phase), (SdpType::Answer, Phase::Answering)) {
            self.phase = Phase::Described;
        }
    }

    pub(crate) fn offer(&mut self) -> Result<(), ConnectionError> {
        if self.phase != Phase::New {
            return Err(ConnectionError::AlreadyNegotiated);
        }
        self.phase = Phase::Offered;
        Ok(())
    }

    /// Takes the far side's description; gives the candidates that waited for it. Those of another description are dropped.
    pub(crate) fn remote(
        &mut self,
        description: &SessionDescription,
    ) -> Result<Vec<IceCandidate>, ConnectionError> {
        match (self.phase, description.sdp_type) {
            (Phase::New, SdpType::Offer) | (Phase::Offered, SdpType::Answer) => {
                self.phase = match description.sdp_type {
                    SdpType::Offer => Phase::Answering,
                    SdpType::Answer => Phase::Described,
                };
                self.ufrag = ufrag(&description.sdp).map(String::from);
                let mut held = core::mem::take(&mut self.held);
                held.retain(|candidate| self.is_ours(candidate));
                Ok(held)
            }
            (Phase::New, SdpType::Answer) => Err(ConnectionError::UnexpectedAnswer),
            (Phase::Offered, SdpType::Offer) | (Phase::Answering | Phase::Described, _) => {
                Err(ConnectionError::AlreadyNegotiated)
            }
        }
    }

    /// Takes the far side's candidate; gives it back if it may be applied now.
    pub(crate) fn candidate(
        &mut self,
        candidate: IceCandidate,
    ) -> Result<Option<IceCandidate>, ConnectionError> {
        let limit = if self.is_described() {
            TOTAL_CANDIDATES
        } else {
            HELD_CANDIDATES
        };
        if self.candidates >= limit {
            return Err(ConnectionError::TooManyCandidates { limit });
        }
        if !self.is_ours(&candidate) {
            return Err(ConnectionError::ForeignCandidate);
        }
        self.candidates += 1;
        if self.is_described() {
            return Ok(Some(candidate));
        }
        self.held.push(candidate);
        Ok(None)
    }

    /// Whether a candidate belongs to the far side's description, as far as it is known.
    fn is_ours(&self, candidate: &IceCandidate) -> bool {
        may_belong(candidate_ufrag(&candidate.candidate), self.ufrag.as_deref())
    }
}

/// The largest message the far side takes, by its `a=max-message-size` (RFC 8841): 0 means any size.
pub(crate) fn max_message_size(sdp: &str) -> usize {
    let said = |line: &str| {
        line.trim_end()
            .strip_prefix("a=max-message-size:")?
            .trim()
            .parse()
            .ok()
    };
    match sdp.lines().find_map(said) {
        None => DEFAULT_MAX_MESSAGE_SIZE,
        Some(0) => usize::MAX,
        Some(bytes) => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(sdp_type: SdpType) -> SessionDescription {
        SessionDescription {
            sdp_type,
            sdp: String::new(),
        }
    }

    fn candidate(candidate: &str) -> IceCandidate {
        IceCandidate {
            sdp_mid: String::from("0"),
            sdp_m_line_index: 0,
            candidate: String::from(candidate),
        }
    }

    #[test]
    fn early_candidates_wait_for_the_description_in_order() {
        let mut negotiation = Negotiation::default();
        assert_eq!(negotiation.candidate(candidate("a")), Ok(None));
        assert_eq!(negotiation.candidate(candidate("b")), Ok(None));
        let held = negotiation.remote(&description(SdpType::Offer)).unwrap();
        assert_eq!(held, [candidate("a"), candidate("b")]);
        assert_eq!(
            negotiation.candidate(candidate("c")),
            Ok(Some(candidate("c")))
        );
    }

    #[test]
    fn steps_out_of_order_are_refused() {
        let mut fresh = Negotiation::default();
        assert_eq!(
            fresh.remote(&description(SdpType::Answer)),
            Err(ConnectionError::UnexpectedAnswer)
        );
        assert_eq!(fresh.offer(), Ok(()));
        assert_eq!(fresh.offer(), Err(ConnectionError::AlreadyNegotiated));
        assert_eq!(
            fresh.remote(&description(SdpType::Offer)),
            Err(ConnectionError::AlreadyNegotiated)
        );
        assert!(fresh.remote(&description(SdpType::Answer)).is_ok());
        assert_eq!(
            fresh.remote(&description(SdpType::Answer)),
            Err(ConnectionError::AlreadyNegotiated)
        );
    }

    #[test]
    fn says_what_is_still_missing() {
        let mut calling = Negotiation::default();
        assert_eq!(calling.state(), SignalingState::Stable);
        calling.offer().unwrap();
        calling.local(SdpType::Offer);
        assert_eq!(calling.state(), SignalingState::HaveLocalOffer);
        calling.remote(&description(SdpType::Answer)).unwrap();
        assert_eq!(calling.state(), SignalingState::Stable);

        let mut called = Negotiation::default();
        called.remote(&description(SdpType::Offer)).unwrap();
        assert_eq!(called.state(), SignalingState::HaveRemoteOffer);
        called.local(SdpType::Answer);
        assert_eq!(called.state(), SignalingState::Stable);
    }

    #[test]
    fn candidates_of_another_description_are_not_applied() {
        let named = |ufrag: &str| {
            candidate(&alloc::format!(
                "candidate:1 1 udp 1 192.0.2.1 9 typ host ufrag {ufrag}"
            ))
        };
        let mut negotiation = Negotiation::default();
        negotiation.candidate(named("former")).unwrap();
        negotiation.candidate(named("now")).unwrap();
        negotiation.candidate(candidate("unnamed")).unwrap();
        let offer = SessionDescription {
            sdp_type: SdpType::Offer,
            sdp: String::from("v=0\r\na=ice-ufrag:now\r\n"),
        };
        let held = negotiation.remote(&offer).unwrap();
        assert_eq!(held, [named("now"), candidate("unnamed")]);
        assert_eq!(
            negotiation.candidate(named("former")),
            Err(ConnectionError::ForeignCandidate)
        );
        assert_eq!(negotiation.candidate(named("now")), Ok(Some(named("now"))));
    }

    #[test]
    fn a_flood_of_candidates_is_bounded() {
        let mut negotiation = Negotiation::default();
        for _ in 0..HELD_CANDIDATES {
            negotiation.candidate(candidate("x")).unwrap();
        }
        assert_eq!(
            negotiation.candidate(candidate("x")),
            Err(ConnectionError::TooManyCandidates {
                limit: HELD_CANDIDATES
            })
        );
        negotiation.remote(&description(SdpType::Offer)).unwrap();
        let applied = (0..1000)
            .filter(|_| negotiation.candidate(candidate("x")).is_ok())
            .count();
        assert_eq!(applied, TOTAL_CANDIDATES - HELD_CANDIDATES);
    }

    #[test]
    fn reads_the_largest_message() {
        assert_eq!(max_message_size("v=0\r\na=mid:0\r\n"), 65536);
        assert_eq!(
            max_message_size("a=max-message-size:262144\r\na=x"),
            262_144
        );
        assert_eq!(max_message_size("a=max-message-size:0"), usize::MAX);
        assert_eq!(max_message_size("a=max-message-size:-3"), 65536);
    }
}
