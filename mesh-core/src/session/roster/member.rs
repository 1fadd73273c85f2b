//! What is known of one member of the lobby.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::negotiation::HELD_CANDIDATES;
use crate::sdp::{Identity, candidate_ufrag, may_belong, ufrag};
use crate::{IceCandidate, Instant, LinkId, SessionDescription};

/// The longest pause between two attempts to connect to the same member.
const LONGEST_PAUSE: Duration = Duration::from_secs(32);

/// How long a connection must have stood for the pauses to begin anew: a peer that ends every connection soon is not called
/// every second.
const STABLE: Duration = Duration::from_secs(10);

/// How long a link that is to replace a broken one may search for a route after the answer, the first two times.
const FIRST_REPLACEMENT: Duration = Duration::from_millis(2500);

/// How long our offer of such a link waits for the answer.
const UNANSWERED: Duration = Duration::from_secs(6);

/// How long such a link may search at most, after several that found no route.
const LONGEST_REPLACEMENT: Duration = Duration::from_secs(10);

/// No member costs more than one new connection in this time.
const OPENING_PAUSE: Duration = Duration::from_secs(1);

/// Descriptions of a member that are recognised when they come again.
const HEARD: usize = 8;

/// A member of the lobby.
#[derive(Debug, Default)]
pub(super) struct Member {
    /// Whether it is in the lobby now.
    pub(super) present: bool,
    /// When to open a connection to it. `None` while there is one, while it is not wanted, and where the call is not ours.
    pub(super) due: Option<Instant>,
    /// The pause after the next failure.
    pause: Duration,
    /// Since when it has been connected.
    connected_since: Option<Instant>,
    /// When the last connection to it was opened.
    opened: Option<Instant>,
    /// When it was offered a link that is to replace a broken one, and has not answered.
    pub(super) offered_at: Option<Instant>,
    /// When it answered our offer of a link that is to replace a broken one.
    pub(super) answered_at: Option<Instant>,
    /// Whether the path to it is broken.
    is_broken: bool,
    /// How many of those links have found no route since it was last connected.
    replacements: u32,
    /// Our offers that it has not answered.
    pub(super) open_offers: u32,
    /// The link whose description has gone out last.
    pub(super) described: Option<LinkId>,
    /// The identities of its last descriptions.
    heard: VecDeque<Identity>,
    /// Its description that is not applied yet.
    pub(super) held: Option<Held>,
    /// What the signaling tells of it.
    pub(super) data: String,
}

/// A description that waits, and the candidates after it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) description: SessionDescription,
    /// The link for which an answer came.
    pub(super) answers: Option<LinkId>,
    pub(super) candidates: Vec<IceCandidate>,
    /// When it is applied at the latest.
    pub(super) until: Instant,
}

/// Why a peer is kept away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Away {
    /// Until it leaves the lobby.
    Kicked,
    /// Until it is allowed again.
    Banned,
}

impl Member {
    /// Plans a connection for now, as to somebody new.
    pub(super) fn meet(&mut self, now: Instant, first_pause: Option<Duration>) {
        self.due = Some(now);
        self.pause = first_pause.unwrap_or_default();
    }

    /// Forgets what belongs to a stay in the lobby.
    pub(super) fn leave(&mut self) {
        *self = Self {
            opened: self.opened,
            ..Self::default()
        };
    }

    /// Plans the next attempt; the pauses grow.
    pub(super) fn try_later(&mut self, now: Instant) {
        self.due = Some(now + self.pause);
        self.pause = LONGEST_PAUSE.min(self.pause.saturating_mul(2));
    }

    /// Takes note of whether it is connected now.
    pub(super) fn note_connected(&mut self, now: Instant, connected: bool, first: Duration) {
        if connected {
            self.connected_since.get_or_insert(now);
        } else if let Some(since) = self.connected_since.take()
            && now - since >= STABLE
        {
            self.pause = first;
        }
    }

    /// Takes in whether its path is broken; whether that is news. Where it is whole, the next replacement begins with the
    /// shortest patience.
    pub(super) const fn note_broken(&mut self, is_broken: bool) -> bool {
        if !is_broken {
            self.open_offers = 0;
            self.replacements = 0;
        }
        !core::mem::replace(&mut self.is_broken, is_broken) && is_broken
    }

    /// Whether there is a link of our own making that is to replace a broken one.
    pub(super) const fn has_offered_replacement(&self) -> bool {
        self.offered_at.is_some() || self.answered_at.is_some()
    }

    /// When a link that is to replace a broken one is given up for another try.
    pub(super) fn gives_up_at(&self) -> Option<Instant> {
        let factor = 2_u32.saturating_pow(self.replacements.min(8) / 2);
        let patience = LONGEST_REPLACEMENT.min(FIRST_REPLACEMENT.saturating_mul(factor));
        let unanswered = self.offered_at.map(|offered| offered + UNANSWERED);
        self.answered_at
            .map(|answered| answered + patience)
            .or(unanswered)
    }

    /// Plans more time for the next one: the path may be slow.
    pub(super) const fn note_replacement_failed(&mut self) {
        self.answered_at = None;
        self.offered_at = None;
        self.replacements = self.replacements.saturating_add(1);
    }

    pub(super) const fn note_opened(&mut self, now: Instant) {
        self.opened = Some(now);
        self.due = None;
        self.offered_at = None;
        self.answered_at = None;
    }

    /// From when on a connection to it may be opened.
    pub(super) fn may_open_at(&self, now: Instant) -> Instant {
        self.opened
            .map_or(now, |opened| (opened + OPENING_PAUSE).max(now))
    }

    /// Whether a description is new; one that came before is a double.
    pub(super) fn is_news(&mut self, sdp: &str) -> bool {
        let identity = Identity::of(sdp);
        if self.heard.contains(&identity) {
            return false;
        }
        if self.heard.len() == HEARD {
            self.heard.pop_front();
        }
        self.heard.push_back(identity);
        true
    }

    pub(super) fn hold(
        &mut self,
        description: SessionDescription,
        answers: Option<LinkId>,
        until: Instant,
    ) {
        self.held = Some(Held {
            description,
            answers,
            candidates: Vec::new(),
            until,
        });
    }

    /// Whether nothing of it needs to be remembered.
    pub(super) fn is_forgotten(&self, now: Instant) -> bool {
        !self.present && self.may_open_at(now) == now
    }
}

impl Held {
    /// Keeps a candidate that belongs to the description; whether it does.
    pub(super) fn take(&mut self, candidate: &IceCandidate) -> bool {
        let named = candidate_ufrag(&candidate.candidate);
        let belongs = may_belong(named, ufrag(&self.description.sdp));
        // One too many: the others may do.
        if belongs && self.candidates.len() < HELD_CANDIDATES {
            self.candidates.push(candidate.clone());
        }
        belongs
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::SdpType;

    const NOW: Instant = Instant::from_micros(1);

    #[test]
    fn a_path_that_is_whole_begins_anew() {
        for (is_broken, left) in [(true, 2), (false, 0)] {
            let mut member = Member {
                open_offers: 2,
                replacements: 2,
                ..Member::default()
            };
            assert_eq!(member.note_broken(is_broken), is_broken);
            assert_eq!((member.open_offers, member.replacements), (left, left));
        }
    }

    #[test]
    fn a_replacement_is_offered_until_it_has_failed() {
        let members = [(None, None), (Some(NOW), None), (None, Some(NOW))];
        for (offered_at, answered_at) in members {
            let mut member = Member {
                offered_at,
                answered_at,
                ..Member::default()
            };
            let is_offered = offered_at.or(answered_at).is_some();
            assert_eq!(member.has_offered_replacement(), is_offered);
            member.note_replacement_failed();
            assert!(!member.has_offered_replacement());
            assert_eq!(member.replacements, 1);
        }
    }

    #[test]
    fn each_two_replacements_that_fail_double_the_patience() {
        let mut member = Member::default();
        assert_eq!(member.gives_up_at(), None);
        member.offered_at = Some(NOW);
        assert_eq!(member.gives_up_at(), Some(NOW + UNANSWERED));
        member.answered_at = Some(NOW);
        for (replacements, millis) in [2500, 2500, 5000, 5000, 10_000, 10_000].iter().enumerate() {
            member.replacements = u32::try_from(replacements).unwrap();
            let due = NOW + Duration::from_millis(*millis);
            assert_eq!(member.gives_up_at(), Some(due), "{replacements}");
        }
    }

    #[test]
    fn the_last_descriptions_are_remembered() {
        let mut member = Member::default();
        let sdps: Vec<_> = (0..=HEARD).map(|number| format!("{number}")).collect();
        for sdp in &sdps {
            assert!(member.is_news(sdp));
        }
        for sdp in &sdps[1..] {
            assert!(!member.is_news(sdp), "{sdp}");
        }
        assert!(member.is_news(&sdps[0]), "long ago");
    }

    #[test]
    fn who_has_left_is_forgotten_when_it_may_be_connected_to() {
        let later = NOW + OPENING_PAUSE;
        for (present, opened, is_forgotten) in [
            (false, None, true),
            (false, Some(NOW), true),
            (false, Some(later), false),
            (true, None, false),
        ] {
            let member = Member {
                present,
                opened,
                ..Member::default()
            };
            assert_eq!(member.is_forgotten(later), is_forgotten);
        }
    }

    #[test]
    fn a_description_keeps_so_many_candidates_of_its_own() {
        let mut member = Member::default();
        let description = SessionDescription {
            sdp_type: SdpType::Offer,
            sdp: String::from("a=ice-ufrag:own"),
        };
        member.hold(description, None, NOW);
        let mut held = member.held.unwrap();
        let candidate = |ufrag| IceCandidate {
            sdp_mid: String::from("0"),
            sdp_m_line_index: 0,
            candidate: format!("candidate:1 1 udp 1 192.0.2.1 9 typ host ufrag {ufrag}"),
        };
        assert!(!held.take(&candidate("other")));
        assert!(held.candidates.is_empty());
        for _ in 0..=HELD_CANDIDATES {
            assert!(held.take(&candidate("own")));
        }
        assert_eq!(held.candidates.len(), HELD_CANDIDATES);
    }
}
