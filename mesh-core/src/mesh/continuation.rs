//! What the two sides agree before a successor goes on with the life of the first link, and the line of a description that
//! says so.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Mesh;
use super::connection::Member;
use super::life::{Counts, Life};
use crate::platform::control;
use crate::sdp::{Identity, with_session_line};
use crate::{
    ChannelIndex, ConnectFailure, DisconnectReason, LinkId, PeerId, SdpType, SessionDescription,
};

/// How a description names the life that its link is to go on with.
const ATTRIBUTE: &str = "a=webrtc-multiplayer-life:";

/// The version of our wire from which on a side counts what it takes.
const COUNTING: u16 = 2;

/// What a successor has agreed with its far side.
#[derive(Debug)]
pub(super) struct Continuation {
    /// The life it goes on with.
    pub(super) life: Identity,
    /// How many messages we have said that we have taken, once the link is complete here.
    pub(super) told: Option<Counts>,
    /// The same of the far side.
    pub(super) heard: Option<Counts>,
}

impl Continuation {
    const fn of(life: Identity) -> Self {
        Self {
            life,
            told: None,
            heard: None,
        }
    }
}

impl Mesh {
    /// Whether an offer is for a link that goes on with what a peer's present link carries.
    #[must_use]
    pub fn offers_replacement(&self, peer: PeerId, offer: &str) -> bool {
        let life = self.life_of(peer);
        life.is_some() && life == named_life(offer)
    }

    /// What a peer's present link and those before it have carried, by its name, if another link can go on with it.
    pub(super) fn life_of(&self, peer: PeerId) -> Option<Identity> {
        let entry = self.connection_of(peer)?;
        let first = entry.member.as_ref()?;
        let can_go_on = first.is_connected() && first.may_go_on() && entry.farewell.is_none();
        can_go_on.then_some(first.life.as_ref()?.name())
    }

    /// The life that a link may go on with: that of the first link, if this one was made to replace it.
    fn life_before(&self, link: LinkId) -> Option<Identity> {
        let member = self.member(link).filter(|member| member.replaces)?;
        let first = self.member_of(member.peer)?;
        if self.successor(member.peer) != Some(link) || !member.fits(first) {
            return None;
        }
        self.life_of(member.peer)
    }

    /// Ends a successor that cannot go on. The far side has lost what it knew, so the first link is of no use either.
    pub(super) fn end_replacement(&mut self, link: LinkId, cause: ConnectFailure) {
        let first = self.peer_of(link).and_then(|peer| self.connection(peer));
        self.end_now(link, cause);
        if let Some(first) = first.filter(|first| *first != link) {
            self.end_now(first, DisconnectReason::Lost);
        }
    }

    /// Completes our own description, and takes note of what it begins or goes on with.
    pub(super) fn begin_life(&mut self, link: LinkId, description: &mut SessionDescription) {
        let going_on = self.life_before(link);
        let limit = self.resume_limit();
        let Some(entry) = self.links.get_mut(link) else {
            return;
        };
        let Some(member) = &mut entry.member else {
            return;
        };
        let is_offer = description.sdp_type == SdpType::Offer;
        if is_offer {
            member.continuation = going_on.map(Continuation::of);
        }
        if let Some(continuation) = &member.continuation {
            description.sdp = name_life(&description.sdp, continuation.life);
        }
        if !counts(&description.sdp) {
            return;
        }
        let own = Identity::of(&description.sdp);
        if is_offer {
            entry.offer = Some(own);
        } else if let Some(offer) = entry.offer.filter(|_| member.continuation.is_none()) {
            member.live(offer.then(own), limit);
        }
    }

    /// Takes note of what the far side's description begins or goes on with. The cause if the link cannot go on.
    pub(super) fn hear_of_life(
        &mut self,
        link: LinkId,
        description: &SessionDescription,
    ) -> Result<(), ConnectFailure> {
        let going_on = self.life_before(link);
        let limit = self.resume_limit();
        let named = named_life(&description.sdp);
        let Some(entry) = self.links.get_mut(link) else {
            return Ok(());
        };
        let Some(member) = &mut entry.member else {
            return Ok(());
        };
        let far = Identity::of(&description.sdp);
        let goes_on = named == going_on;
        match description.sdp_type {
            SdpType::Offer => {
                member.continuation = going_on.filter(|_| goes_on).map(Continuation::of);
                entry.offer = Some(far).filter(|_| counts(&description.sdp));
            }
            SdpType::Answer if named.is_some() => {
                if !goes_on || member.continuation.is_none() {
                    let why = "the peer goes on with a connection that is no more".into();
                    return Err(ConnectFailure::Description(why));
                }
            }
            SdpType::Answer if member.continuation.is_some() => {
                let why = "the peer has lost the connection that this one was to go on with".into();
                return Err(ConnectFailure::Description(why));
            }
            SdpType::Answer => {
                let offer = entry.offer.filter(|_| counts(&description.sdp));
                if let Some(offer) = offer {
                    member.live(offer.then(far), limit);
                }
            }
        }
        Ok(())
    }
}

impl Member {
    /// Whether what was sent over another link can be sent over this one: the channels are the same, and take as much.
    fn fits(&self, first: &Self) -> bool {
        let plan = |member: &Self| {
            let channels = member.channels.iter();
            let planned = channels.filter(|channel| channel.role.is_planned());
            let plan = planned.map(|channel| (channel.spec.parameters.id, channel.mode));
            plan.collect::<Vec<_>>()
        };
        let least = |member: &Self| member.batches.least_limit(member.max_message_size);
        least(self) >= least(first)
            && plan(self) == plan(first)
            && self.transfers.fit(&first.transfers)
    }

    /// From now on messages are counted on both sides.
    fn live(&mut self, name: Identity, limit: usize) {
        let channels = (0..).map(ChannelIndex).zip(&self.channels);
        let transfers = Some((self.transfers.index(), &self.transfers.channel));
        let transfers = transfers.filter(|_| self.transfers.are_agreed());
        self.life = Some(Life::new(name, channels.chain(transfers), limit));
    }
}

/// A description whose link is to go on with a life.
fn name_life(sdp: &str, life: Identity) -> String {
    with_session_line(sdp, &format!("{ATTRIBUTE}{:016x}", life.number()))
}

/// The life that a description names. `None` if it names none.
fn named_life(sdp: &str) -> Option<Identity> {
    let name = sdp.lines().find_map(|line| line.strip_prefix(ATTRIBUTE))?;
    let name = name.trim_end();
    let is_name = name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u64::from_str_radix(name, 16).ok().filter(|_| is_name)?;
    Some(Identity::from_number(number))
}

/// Whether the side that a description is of counts what it takes.
fn counts(sdp: &str) -> bool {
    control::announced(sdp).is_some_and(|version| version >= COUNTING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_named_in_a_line_of_the_session() {
        let sdp = "v=0\r\nm=application\r\n";
        assert_eq!(named_life(sdp), None);
        let life = Identity::from_number(0x00ab_cdef_0123_4567);
        let named = name_life(sdp, life);
        assert_eq!(
            named,
            "v=0\r\na=webrtc-multiplayer-life:00abcdef01234567\r\nm=application\r\n"
        );
        assert_eq!(named_life(&named), Some(life));
        for nonsense in [
            "",
            "00abcdef0123456",
            "00abcdef012345678",
            "+0abcdef01234567",
            "x",
        ] {
            let sdp = format!("v=0\r\n{ATTRIBUTE}{nonsense}\r\nm=application\r\n");
            assert_eq!(named_life(&sdp), None, "{nonsense}");
        }
    }

    #[test]
    fn a_side_of_the_first_version_does_not_count() {
        for (line, is_counting) in [("", false), ("1", false), ("2", true), ("3", true)] {
            let sdp = format!("v=0\r\na=webrtc-multiplayer:{line}\r\nm=application\r\n");
            assert_eq!(counts(&sdp), is_counting, "{line}");
        }
    }
}
