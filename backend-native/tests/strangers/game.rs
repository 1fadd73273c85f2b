//! A whole mesh of ours beside a peer that is not.

use std::task::Context;

use backend_native::{PlatformBackend, PlatformConfig};
use mesh_core::{
    ConnectionId, Event, IceCandidate, LinkConfig, MeshConfig, Multiplayer, Packet, PeerId,
    SessionDescription,
};

use crate::support::Heard;
use crate::support::raw::Ours;

/// A mesh with one peer.
pub(crate) struct Game {
    pub(crate) mesh: Multiplayer<PlatformBackend>,
    pub(crate) peer: PeerId,
    connection: ConnectionId,
    pub(crate) packets: Vec<Packet>,
    /// What it was told that was neither a packet nor a signal.
    pub(crate) told: Vec<Event>,
}

impl Game {
    pub(crate) fn new() -> Self {
        let backend = PlatformBackend::new(PlatformConfig::loopback()).expect("threads");
        let mut mesh = Multiplayer::new(backend, MeshConfig::default());
        let id = |number| PeerId::new(number).expect("an id");
        mesh.create_mesh(id(2), &[]).expect("a mesh");
        let connection = mesh.create_connection(LinkConfig::default());
        mesh.add_peer(connection, id(3), None).expect("a peer");
        Self {
            mesh,
            peer: id(3),
            connection,
            packets: Vec::new(),
            told: Vec::new(),
        }
    }
}

impl Ours for Game {
    fn poll(&mut self, _: &mut Context<'_>) -> Vec<Heard> {
        let mut heard = Vec::new();
        while let Some(event) = self.mesh.poll() {
            match event {
                Event::Description { description, .. } => {
                    heard.push(Heard::Description(description));
                }
                Event::Candidate { candidate, .. } => heard.push(Heard::Candidate(candidate)),
                Event::Packet(packet) => self.packets.push(packet),
                event => self.told.push(event),
            }
        }
        heard
    }

    fn set_remote(&mut self, description: SessionDescription) {
        let applied = self
            .mesh
            .set_remote_description(self.connection, description);
        applied.expect("applied");
    }

    fn add_candidate(&mut self, candidate: IceCandidate) {
        let added = self.mesh.add_ice_candidate(self.connection, candidate);
        added.expect("taken");
    }

    fn is_open(&self) -> bool {
        self.told.contains(&Event::PeerConnected(self.peer))
    }
}
