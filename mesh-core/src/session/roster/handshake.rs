//! The far sides' descriptions and candidates, and which attempt each of them belongs to.

use alloc::string::ToString;
use core::time::Duration;

use super::member::Member;
use super::{Roster, calls};
use crate::{
    ConnectFailure, IceCandidate, Instant, LinkId, Mesh, PeerId, SdpType, SessionDescription,
    SignalingState,
};

/// How long an answer waits that may be to an earlier offer: the answer to the later one comes soon after.
const ANSWER_PATIENCE: Duration = Duration::from_millis(250);

/// Whether we have offered a replacement that has no answer yet, though the call may not be ours.
fn has_offered_replacement(mesh: &Mesh, peer: PeerId) -> bool {
    let state = mesh
        .successor(peer)
        .and_then(|link| mesh.signaling_state(link));
    state == Some(SignalingState::HaveLocalOffer)
}

impl Roster {
    pub(super) fn described(
        &mut self,
        now: Instant,
        mesh: &mut Mesh,
        from: PeerId,
        description: SessionDescription,
    ) {
        if !self.wants(mesh, from) {
            return;
        }
        let is_answer = description.sdp_type == SdpType::Answer;
        let is_expected = if is_answer {
            calls(mesh, from) || has_offered_replacement(mesh, from)
        } else {
            !calls(mesh, from) || self.may_take_replacement(mesh, from, &description.sdp)
        };
        // An offer out of turn: both would offer for ever. Or an answer to no offer.
        if !is_expected {
            return;
        }
        let Some(member) = self.members.get_mut(&from).filter(|member| member.present) else {
            return;
        };
        if !member.is_news(&description.sdp) {
            return;
        }
        if is_answer {
            self.answered(now, mesh, from, description);
        } else {
            // The latest offer is the one that counts.
            member.hold(description, None, now);
            self.answer(now, mesh, from);
        }
    }

    /// Whether we take an offer out of turn: the peer's link is closed at its side, and we have not offered another one ourselves.
    fn may_take_replacement(&self, mesh: &Mesh, peer: PeerId, offer: &str) -> bool {
        let member = self.members.get(&peer);
        let is_offered = member.is_some_and(Member::has_offered_replacement);
        mesh.offers_replacement(peer, offer) && !is_offered
    }

    /// Answers the offer that waits, if its sender may open a connection now; else a little later.
    pub(super) fn answer(&mut self, now: Instant, mesh: &mut Mesh, peer: PeerId) {
        let new = mesh.connection(peer).filter(|link| mesh.is_new(*link));
        let Some(member) = self.members.get_mut(&peer) else {
            return;
        };
        let from = member.may_open_at(now);
        if new.is_some() || from <= now {
            // Where it cannot be opened, the peer calls again after a while.
            let held = member.held.as_ref();
            let replaces =
                held.is_some_and(|held| mesh.offers_replacement(peer, &held.description.sdp));
            let link = new.or_else(|| self.open(now, mesh, peer, replaces).ok());
            self.apply_held(mesh, peer, link);
        } else if let Some(held) = &mut member.held {
            held.until = from;
        }
    }

    /// An answer does not name its offer. Answers come in the order of the offers, so the last one is to the last offer;
    /// an answer that may be to an earlier one waits for the next.
    fn answered(
        &mut self,
        now: Instant,
        mesh: &mut Mesh,
        from: PeerId,
        description: SessionDescription,
    ) {
        let Some(member) = self.members.get_mut(&from) else {
            return;
        };
        member.open_offers = member.open_offers.saturating_sub(1);
        let Some(link) = mesh.attempt(from) else {
            return;
        };
        if mesh.is_described(link) {
            // The answer that was applied was to an earlier offer, and this one's connection can have no other.
            self.start_anew(now, mesh, from);
            return;
        }
        let is_last = member.open_offers == 0;
        if !is_last && member.described != Some(link) {
            // Our offer has not left yet: it is to an earlier one.
            return;
        }
        let until = if is_last { now } else { now + ANSWER_PATIENCE };
        member.hold(description, Some(link), until);
        if mesh.successor(from) == Some(link) {
            member.answered_at = Some(now);
            member.offered_at = None;
        }
        if is_last {
            self.apply_held(mesh, from, Some(link));
        }
    }

    /// Applies a description that has waited long enough, if there is a link for it.
    pub(super) fn apply_held(&mut self, mesh: &mut Mesh, peer: PeerId, link: Option<LinkId>) {
        let member = self.members.get_mut(&peer);
        let held = member.and_then(|member| member.held.take());
        let (Some(held), Some(link)) = (held, link) else {
            return;
        };
        if let Err(error) = mesh.set_remote_description(link, held.description) {
            mesh.end_connection(link, ConnectFailure::Description(error.to_string()));
            return;
        }
        for candidate in held.candidates {
            let _ = mesh.add_ice_candidate(link, candidate);
        }
    }

    pub(super) fn candidate(&mut self, mesh: &mut Mesh, from: PeerId, candidate: IceCandidate) {
        let member = self.members.get_mut(&from);
        let Some(member) = member.filter(|member| member.present) else {
            return;
        };
        let held = member.held.as_mut();
        if held.is_some_and(|held| held.take(&candidate)) {
            return;
        }
        // The one that is being made comes first; a connection takes none of another description. One too many, or late:
        // the others may do.
        let attempt = mesh.attempt(from);
        let is_taken = |link| mesh.add_ice_candidate(link, candidate.clone()).is_ok();
        let taken = attempt.is_some_and(is_taken);
        if let Some(link) = mesh.connection(from).filter(|_| !taken) {
            let _ = mesh.add_ice_candidate(link, candidate);
        }
    }
}
