//! Who comes and who goes: what the signaling says of the lobby.

use alloc::string::String;

use super::Roster;
use super::member::Away;
use crate::{
    ConnectFailure, DisconnectReason, Event, GivenReason, Instant, LobbyEvent, LostReason,
    MAX_CUSTOM_CHANNELS, Mesh, PeerId, Signal, SignalingEvent, Topology,
};

/// Members that are remembered; who comes beyond them is a stranger until it joins anew.
const MAX_MEMBERS: usize = 4096;

impl Roster {
    /// Takes in what the signaling says.
    pub fn handle_signaling(&mut self, now: Instant, mesh: &mut Mesh, event: SignalingEvent) {
        match event {
            SignalingEvent::Joined {
                id,
                topology,
                lobby,
            } => self.joined(mesh, id, topology, lobby),
            SignalingEvent::PeerJoined(peer) => self.came(now, mesh, peer),
            SignalingEvent::PeerLeft(peer) => self.left(mesh, peer),
            SignalingEvent::Signal { from, signal } => match signal {
                Signal::Description(description) => self.described(now, mesh, from, description),
                Signal::Candidate(candidate) => self.candidate(mesh, from, candidate),
            },
            SignalingEvent::Sealed => {
                self.is_sealed = true;
                self.events.push_back(Event::Sealed);
            }
            SignalingEvent::Lobby(event) => self.lobby_changed(mesh, event),
            SignalingEvent::Interrupted { reason } => {
                self.is_interrupted = true;
                self.events.push_back(Event::SignalingInterrupted(reason));
            }
            SignalingEvent::Resumed => self.resumed(now, mesh),
            SignalingEvent::Lost { reason } => self.lost(mesh, reason),
        }
    }

    fn joined(&mut self, mesh: &mut Mesh, id: PeerId, topology: Topology, lobby: String) {
        match mesh.unique_id() {
            Some(own) if own != id => {
                // Our peers know us by the old id; a new one would be a stranger's.
                self.is_over = true;
                let reason = alloc::format!("it renamed peer {own} to {id}");
                self.lost(mesh, LostReason::Protocol(reason));
            }
            known => {
                self.topology = topology;
                self.forget_lobby();
                if known.is_none() {
                    self.set_up(mesh, id);
                }
                self.events.push_back(Event::Joined {
                    id,
                    topology,
                    lobby,
                });
            }
        }
    }

    fn set_up(&self, mesh: &mut Mesh, id: PeerId) {
        let wished = &self.config.custom_channels;
        let channels = &wished[..wished.len().min(usize::from(MAX_CUSTOM_CHANNELS))];
        mesh.set_replacements(true);
        // None can fail: there is no id yet, and no channel too many.
        let _ = match self.topology {
            Topology::Mesh => mesh.create_mesh(id, channels),
            Topology::ClientServer if id.is_server() => mesh.create_server(channels),
            Topology::ClientServer => mesh.create_client(id, channels),
        };
    }

    fn came(&mut self, now: Instant, mesh: &mut Mesh, peer: PeerId) {
        if self.members.len() >= MAX_MEMBERS {
            self.members.retain(|_, member| member.present);
        }
        if self.is_present(peer) || self.members.len() >= MAX_MEMBERS {
            return;
        }
        // A handshake of its last stay, or of ours: the signals that it still needs will not come.
        if let Some(attempt) = mesh
            .attempt(peer)
            .filter(|link| !mesh.is_taking_over(*link))
        {
            mesh.end_connection(attempt, DisconnectReason::Removed);
        }
        let first = self.config.retry_after;
        let member = self.members.entry(peer).or_default();
        member.present = true;
        member.meet(now, first);
    }

    fn left(&mut self, mesh: &mut Mesh, peer: PeerId) {
        if self.away.get(&peer) == Some(&Away::Kicked) {
            self.away.remove(&peer);
        }
        // What goes on with a connection needs no lobby any more once both have described themselves.
        let mut goes_on = false;
        if let Some(member) = self.members.get_mut(&peer) {
            let described = member.described;
            goes_on = described.is_some_and(|link| mesh.is_going_on(link));
            member.leave();
        }
        // One that is connected ends by its connection, which may be ending already.
        if let Some(attempt) = mesh.attempt(peer).filter(|_| !goes_on) {
            mesh.end_connection(attempt, ConnectFailure::Left);
        }
    }

    /// Whom the host has sent away is no peer of ours any more, so that a kick is one for the whole mesh.
    fn lobby_changed(&mut self, mesh: &mut Mesh, event: LobbyEvent) {
        match &event {
            LobbyEvent::Complete => self.is_complete = true,
            LobbyEvent::Locked(is_locked) => self.is_locked = *is_locked,
            LobbyEvent::Host(host) => self.host = Some(*host),
            LobbyEvent::Listed(is_listed) => self.is_listed = *is_listed,
            LobbyEvent::Data(data) => self.lobby_data.clone_from(data),
            LobbyEvent::MemberData { peer, data } => {
                if let Some(member) = self.members.get_mut(peer).filter(|member| member.present) {
                    member.data.clone_from(data);
                }
            }
            LobbyEvent::Removed { peer, reason, .. } => {
                self.put_away_for_the_host(mesh, *peer, &GivenReason::from(reason.as_str()));
            }
            LobbyEvent::Draining { .. } => {}
        }
        self.events.push_back(Event::Lobby(event));
    }

    /// The signaling is back. Attempts that failed for want of it need not wait for their next turn, and an offer that waited for
    /// it may name addresses of before.
    fn resumed(&mut self, now: Instant, mesh: &mut Mesh) {
        self.is_interrupted = false;
        let first = self.config.retry_after;
        for (peer, member) in &mut self.members {
            let replacement = mesh
                .successor(*peer)
                .filter(|link| !mesh.is_described(*link));
            if let Some(link) = replacement {
                mesh.end_connection(link, DisconnectReason::Removed);
            }
            if member.present && member.due.is_some() {
                member.meet(now, first);
            }
        }
        self.events.push_back(Event::SignalingResumed);
    }

    /// The signaling is gone. A handshake in which both sides have described themselves may still succeed; the others end.
    fn lost(&mut self, mesh: &mut Mesh, reason: LostReason) {
        self.waiting.clear();
        self.is_interrupted = false;
        for (peer, member) in &mut self.members {
            let needs_no_more = |link| mesh.is_described(link) && member.described == Some(link);
            if let Some(attempt) = mesh.attempt(*peer).filter(|link| !needs_no_more(*link)) {
                let cause = ConnectFailure::Signaling(String::from("it was lost"));
                mesh.end_connection(attempt, cause);
            }
            member.leave();
        }
        self.events.push_back(Event::SignalingLost(reason));
    }
}
