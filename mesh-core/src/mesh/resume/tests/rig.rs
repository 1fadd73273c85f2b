//! A mesh with a peer that goes on over another link, and the far side's words.

use alloc::format;
use alloc::string::String;

use super::super::*;
use super::{BUILT_IN, LIFE};
use crate::{
    Capabilities, ChannelSpec, CloseReason, Event, LinkConfig, LinkEvent, MeshConfig, Reliability,
    SdpType, SendLimits, SessionDescription, Signal, Target, TransferMode,
};

/// A side that counts what it takes describes itself.
pub(super) fn described(number: u32, line: &str) -> String {
    format!(
        "v=0\r\no=- {number} 2 IN IP4 127.0.0.1\r\na=webrtc-multiplayer:2\r\n{line}m=application\r\n"
    )
}

/// A mesh that has a peer, and what it was told.
pub(super) struct Rig {
    pub(super) mesh: Mesh,
    pub(super) now: Instant,
    pub(super) peer: PeerId,
    /// Its first link.
    pub(super) first: LinkId,
    /// The line that names what they have.
    pub(super) line: String,
    descriptions: u32,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(MeshConfig::default())
    }

    pub(super) fn with(config: MeshConfig) -> Self {
        let mut mesh = Mesh::new(config, Capabilities::default());
        mesh.set_replacements(true);
        let custom = [TransferMode::Reliable];
        mesh.create_mesh(PeerId::new(2).unwrap(), &custom).unwrap();
        let first = mesh.create_connection(LinkConfig::default());
        let mut rig = Self {
            mesh,
            now: Instant::from_micros(1),
            peer: PeerId::new(3).unwrap(),
            first,
            line: String::new(),
            descriptions: 0,
        };
        rig.mesh.add_peer(rig.now, first, rig.peer, None).unwrap();
        let offer = rig.offer(first);
        let answer = rig.answer(first, "");
        let life = crate::sdp::Identity::of(&offer).then(crate::sdp::Identity::of(&answer));
        rig.line = format!("{LIFE}{:016x}\r\n", life.number());
        rig.open(first);
        assert_eq!(rig.events(), [Event::PeerConnected(rig.peer)]);
        rig.commands();
        rig
    }

    /// A link that is to replace the first one.
    pub(super) fn replacement(&mut self) -> LinkId {
        let link = self.mesh.create_connection(LinkConfig::default());
        let added = self.mesh.add_replacement(self.now, link, self.peer, None);
        added.unwrap();
        link
    }

    /// One that both sides have described.
    pub(super) fn answered(&mut self) -> LinkId {
        let link = self.replacement();
        self.offer(link);
        let line = self.line.clone();
        self.answer(link, &line);
        link
    }

    /// One that is complete, and waits for the far side.
    pub(super) fn opened(&mut self) -> LinkId {
        let link = self.answered();
        self.open(link);
        link
    }

    /// One that has gone on.
    pub(super) fn gone_on(&mut self) -> LinkId {
        let link = self.opened();
        self.taken(link, 0);
        link
    }

    /// A second link of a far side that starts anew.
    pub(super) fn successor(&mut self) -> LinkId {
        let link = self.mesh.create_connection(LinkConfig::default());
        let added = self.mesh.add_successor(self.now, link, self.peer, None);
        added.unwrap();
        self.offer(link);
        self.answer(link, "");
        link
    }

    pub(super) fn offer(&mut self, link: LinkId) -> String {
        self.mesh.create_offer(link).unwrap();
        self.describes(link, SdpType::Offer)
    }

    pub(super) fn answer(&mut self, link: LinkId, line: &str) -> String {
        self.far(link, SdpType::Answer, line)
    }

    /// Our answer to an offer.
    pub(super) fn answers(&mut self, link: LinkId, line: &str) -> String {
        self.far(link, SdpType::Offer, line);
        self.describes(link, SdpType::Answer)
    }

    /// The far side describes itself.
    pub(super) fn far(&mut self, link: LinkId, sdp_type: SdpType, line: &str) -> String {
        self.descriptions += 1;
        let sdp = described(self.descriptions, line);
        let description = SessionDescription {
            sdp_type,
            sdp: sdp.clone(),
        };
        let taken = self.mesh.set_remote_description(link, description);
        taken.unwrap();
        sdp
    }

    /// The platform has described our side.
    pub(super) fn describes(&mut self, link: LinkId, sdp_type: SdpType) -> String {
        self.descriptions += 1;
        let sdp = described(self.descriptions, "");
        let description = SessionDescription { sdp_type, sdp };
        self.happens(LinkEvent::Description { link, description });
        let Some((_, Signal::Description(description))) = self.mesh.poll_signal() else {
            panic!("nothing is said");
        };
        description.sdp
    }

    pub(super) fn open(&mut self, link: LinkId) {
        self.state(link, ConnectionState::Connected);
        let modes = TransferMode::ALL.map(|mode| {
            let spec =
                ChannelSpec::built_in(mode, Reliability::Retransmits(0), SendLimits::default());
            (mode.channel(), spec)
        });
        let custom = ChannelSpec::custom(
            4,
            TransferMode::Reliable,
            Reliability::Retransmits(0),
            SendLimits::default(),
        );
        for (channel, spec) in modes.into_iter().chain([(ChannelIndex(3), custom)]) {
            self.happens(LinkEvent::ChannelOpened {
                link,
                channel,
                remote: false,
                actual: spec.parameters,
            });
        }
    }

    pub(super) fn state(&mut self, link: LinkId, state: ConnectionState) {
        self.happens(LinkEvent::State { link, state });
    }

    /// The far side says how much it has of the built-in channel.
    pub(super) fn taken(&mut self, link: LinkId, count: u64) {
        let counts = [(1, count), (4, 0)].into();
        self.happens(LinkEvent::Taken { link, counts });
    }

    pub(super) fn says(&mut self, link: LinkId, word: &str) {
        self.happens(LinkEvent::Message {
            link,
            channel: BUILT_IN,
            payload: Payload::from(word),
        });
    }

    pub(super) fn closes(&mut self, link: LinkId) {
        let reason = CloseReason::Remote;
        self.happens(LinkEvent::Closed { link, reason });
    }

    pub(super) fn happens(&mut self, event: LinkEvent) {
        self.mesh.handle_event(self.now, event);
    }

    pub(super) fn send(&mut self, channel: ChannelIndex, payload: impl Into<Payload>) {
        let (target, payload) = (Target::One(self.peer), payload.into());
        let sent = self.mesh.send(self.now, target, channel, payload).unwrap();
        assert_eq!(sent.accepted, 1);
    }

    /// What leaves.
    pub(super) fn transmits(&mut self) -> Vec<(LinkId, ChannelIndex)> {
        let transmits = core::iter::from_fn(|| self.mesh.poll_transmit(self.now));
        let ways = transmits.map(|transmit| (transmit.link, transmit.channel));
        ways.collect()
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.mesh.poll_event()).collect()
    }

    pub(super) fn commands(&mut self) -> Vec<Command> {
        core::iter::from_fn(|| self.mesh.poll_command()).collect()
    }

    pub(super) fn is_severed(&self) -> bool {
        self.mesh.severed_peers().count() > 0
    }

    pub(super) fn ended(&self, reason: DisconnectReason) -> Event {
        let peer = self.peer;
        Event::PeerDisconnected { peer, reason }
    }
}
