//! Offers and answers, which either side may begin, and what comes of them.

use std::time::Duration;

use mesh_core::platform::TRANSFER_STREAM;
use mesh_core::{
    ChannelIndex, ChannelSpec, ConnectionState, LinkEvent, LinkId, Reliability, SdpType,
    SendLimits, SessionDescription, SignalingState, TransferMode,
};

use crate::link::{EndState, Link, TRANSFERS, path};
use crate::world::{CALLER, World};

impl World {
    /// A side makes a link: the first one, or one where its mesh asks for a replacement.
    pub(crate) fn offer(&mut self, side: usize) {
        let now = self.now;
        let offering = &mut self.sides[side];
        let is_first = self.links.is_empty();
        let due = offering.mesh.replacement_due(offering.peer);
        if !is_first && due.is_none_or(|due| due > now + Duration::from_secs(4)) {
            return;
        }
        let position = self.links.len();
        let link = offering.open(now, position, !is_first);
        offering.mesh.create_offer(link).unwrap();
        self.links.push(Link::default());
        let offer = self.describe(side, link, SdpType::Offer);
        self.offers[side] = Some((position, offer));
    }

    /// A side hears the other one's offer, and answers. Where both have offered, that of the side with the higher id counts, as with a
    /// roster.
    pub(crate) fn answer(&mut self, side: usize) {
        let now = self.now;
        let Some((position, offer)) = self.offers[1 - side].take() else {
            return;
        };
        let answering = &mut self.sides[side];
        let is_first = position == 0;
        let successor = answering.mesh.successor(answering.peer);
        if !is_first {
            let has_offered = successor.is_some_and(|link| {
                answering.mesh.signaling_state(link) == Some(SignalingState::HaveLocalOffer)
            });
            if side == CALLER && has_offered {
                return;
            }
            assert!(
                answering
                    .mesh
                    .offers_replacement(answering.peer, &offer.sdp)
            );
        }
        if let Some(successor) = successor {
            answering.mesh.close_connection(successor);
            self.drain(side);
        }
        let answering = &mut self.sides[side];
        let link = answering.open(now, position, !is_first);
        answering.mesh.set_remote_description(link, offer).unwrap();
        let answer = self.describe(side, link, SdpType::Answer);
        self.links[position].is_described = true;
        let offering = &mut self.sides[1 - side];
        if let Some(link) = offering.names[position] {
            // It fails where that side has given the link up.
            let _ = offering.mesh.set_remote_description(link, answer);
        }
        self.drain(1 - side);
    }

    /// A platform has made a description; what the mesh makes of it.
    pub(crate) fn describe(
        &mut self,
        side: usize,
        link: LinkId,
        sdp_type: SdpType,
    ) -> SessionDescription {
        let now = self.now;
        self.drain(side);
        self.descriptions += 1;
        let sdp = format!(
            "v=0\r\no=- {} 2 IN IP4 127.0.0.1\r\na=webrtc-multiplayer:2\r\nm=application\r\n",
            self.descriptions
        );
        let description = SessionDescription { sdp_type, sdp };
        let side = &mut self.sides[side];
        side.handle(now, LinkEvent::Description { link, description });
        side.hear();
        let (of, description) = side.described.pop_back().unwrap();
        assert_eq!(of, link);
        description
    }

    /// The newest link that both sides have described is open at one of them.
    pub(crate) fn complete(&mut self, side: usize) {
        let position = self.links.iter().rposition(|link| link.is_described);
        let position = position.unwrap();
        let entry = &mut self.links[position];
        if !entry.is_passable() || entry.ends[side] != EndState::New {
            return;
        }
        entry.ends[side] = EndState::Open;
        let state = ConnectionState::Connected;
        self.tell(side, position, |link| LinkEvent::State { link, state });
        let path = path(position);
        self.tell(side, position, |link| LinkEvent::PairSelected {
            link,
            path,
        });
        for channel in (0..4).map(ChannelIndex).chain([TRANSFERS]) {
            let spec = spec(channel);
            self.tell(side, position, |link| LinkEvent::ChannelOpened {
                link,
                channel,
                remote: false,
                actual: spec.parameters,
            });
        }
    }

    pub(crate) fn give_up(&mut self, side: usize) {
        let giving = &mut self.sides[side];
        let Some(successor) = giving.mesh.successor(giving.peer) else {
            return;
        };
        let position = giving.position(successor).unwrap();
        let is_open = self.links[position].ends[side] == EndState::Open;
        let is_dead = self.links[position].is_dead;
        // One that is complete is given up only if it is dead.
        if !is_open || is_dead {
            giving.mesh.close_connection(successor);
        }
        self.drain(side);
    }
}

fn spec(channel: ChannelIndex) -> ChannelSpec {
    let unreliable = Reliability::Retransmits(0);
    let limits = SendLimits::default();
    let mode = TransferMode::ALL
        .into_iter()
        .find(|mode| mode.channel() == channel);
    if channel == TRANSFERS {
        return ChannelSpec::custom(TRANSFER_STREAM, TransferMode::Reliable, unreliable, limits);
    }
    match mode {
        Some(mode) => ChannelSpec::built_in(mode, unreliable, limits),
        None => ChannelSpec::custom(4, TransferMode::Reliable, unreliable, limits),
    }
}
