//! One process: a roster and a mesh, and the story that its game hears.

use std::collections::{BTreeMap, BTreeSet};

use mesh_core::{
    Capabilities, Command, Duration, Event, Instant, LinkEvent, LinkId, Mesh, MeshConfig, PeerId,
    Roster, SessionConfig, SignalingError, SignalingEvent,
};

use crate::lobby::Lobby;
use crate::network::{Network, Process};

pub(crate) struct Player {
    pub(crate) process: Process,
    pub(crate) id: PeerId,
    pub(crate) roster: Roster,
    pub(crate) mesh: Mesh,
    /// Whom the game believes to be connected.
    connected: BTreeSet<PeerId>,
    /// When the last connection to a peer was opened, and which it was.
    opened: BTreeMap<PeerId, (Instant, LinkId)>,
    /// When it wants to be looked at.
    pub(crate) timeout: Option<Instant>,
}

impl Player {
    pub(crate) fn new(process: Process, id: PeerId) -> Self {
        Self {
            process,
            id,
            roster: Roster::new(SessionConfig::default()),
            mesh: Mesh::new(MeshConfig::default(), Capabilities::default()),
            connected: BTreeSet::new(),
            opened: BTreeMap::new(),
            timeout: None,
        }
    }

    pub(crate) fn signaled(&mut self, now: Instant, event: SignalingEvent) {
        self.roster.handle_signaling(now, &mut self.mesh, event);
    }

    pub(crate) fn happened(&mut self, now: Instant, event: LinkEvent) {
        self.mesh.handle_event(now, event);
    }

    /// The game was told that it hears nothing more of a peer.
    pub(crate) fn forget(&mut self, peer: PeerId) {
        if !self.mesh.has_peer(peer) {
            self.listen();
            self.connected.remove(&peer);
        }
    }

    /// The end of a poll, in the order of a session.
    pub(crate) fn settle(&mut self, now: Instant, network: &mut Network, lobby: &mut Lobby) {
        self.mesh.handle_timeout(now);
        self.flush(now, network);
        while let Some((to, signal)) = self.roster.poll_signal(&mut self.mesh) {
            let result = if !lobby.is_member(self.id) {
                Err(SignalingError::NotConnected)
            } else if lobby.full.contains(&self.id) {
                Err(SignalingError::Full)
            } else {
                lobby.send(now, self.id, to, signal);
                Ok(())
            };
            let is_full = result == Err(SignalingError::Full);
            self.roster.handle_sent(&mut self.mesh, result);
            self.flush(now, network);
            if is_full {
                break;
            }
        }
        self.roster.handle_timeout(now, &mut self.mesh);
        self.flush(now, network);
        self.listen();
        self.check(now);
        let timeouts = [self.mesh.poll_timeout(), self.roster.poll_timeout()];
        self.timeout = timeouts.into_iter().flatten().min();
        // What is due stays due until it is done: time must get on.
        assert!(self.timeout.is_none_or(|due| due > now), "{self:?} hurries");
    }

    fn flush(&mut self, now: Instant, network: &mut Network) {
        while let Some(command) = self.mesh.poll_command() {
            if let Command::Open { link, .. } = &command
                && let Some(peer) = self.mesh.peer_of(*link)
                && let Some((last, _)) = self.opened.insert(peer, (now, *link))
            {
                let pause = now - last;
                assert!(
                    pause >= Duration::from_secs(1),
                    "{peer} was called after {pause:?}"
                );
            }
            network.execute(now, self.process, command);
        }
    }

    /// Hears all events; the story of each peer must make sense.
    fn listen(&mut self) {
        while self.roster.poll_event().is_some() {}
        while let Some(event) = self.mesh.poll_event() {
            let fits = match &event {
                Event::PeerConnected(peer) => self.connected.insert(*peer),
                Event::PeerDisconnected { peer, .. } => self.connected.remove(peer),
                Event::PeerFailed { peer, .. } => !self.connected.contains(peer),
                Event::PeerInterrupted(peer) | Event::PeerResumed(peer) => {
                    self.connected.contains(peer)
                }
                other => panic!("{other:?} in a lobby where nobody speaks"),
            };
            assert!(fits, "{self:?} heard {event:?}");
        }
    }

    /// What holds at every moment.
    fn check(&self, now: Instant) {
        let others: Vec<PeerId> = self.opened.keys().copied().collect();
        for peer in others {
            let must_call = self.roster.is_present(peer) && self.id > peer;
            if must_call && !self.roster.is_away(peer) && !self.mesh.has_peer(peer) {
                let next = self.roster.next_attempt(peer);
                assert!(next.is_some(), "{self:?} has given {peer} up at {now:?}");
            }
        }
        let connected: BTreeSet<PeerId> = self
            .mesh
            .peers()
            .filter(|peer| peer.connected)
            .map(|peer| peer.id)
            .collect();
        assert!(
            connected.is_subset(&self.connected),
            "somebody is connected and was not announced"
        );
        assert!(self.roster.waiting_signals() <= 1024);
        assert!(self.roster.member_count() <= 64);
    }
}

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "peer {} (process {})", self.id, self.process)
    }
}
