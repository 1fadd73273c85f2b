//! Getting into a lobby, and making it.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::lobby::{Lobby, is_down};
use super::world::World;
use crate::{LobbyEvent, LostReason, PeerId, SignalingEvent, Topology};

/// What a lobby is to be, if the client that joins makes it ([`Network::signaling_in`](super::Network::signaling_in)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MockLobby {
    /// Who is linked with whom.
    pub topology: Topology,
    /// How many members it may have, its maker included: any number without one. 0 counts as 1.
    pub max_players: Option<u32>,
    /// Whether it is on the public list ([`Network::listed_lobbies`](super::Network::listed_lobbies)): not by default.
    pub is_listed: bool,
    /// How many members make a group. Who joins with the same name and number comes into one lobby, whose name the service
    /// gives, until there are so many; then it seals itself, and the next ones come into another.
    pub group_of: Option<u32>,
    /// Whether it goes on when its host leaves, if it is a mesh. The member that has been there longest is the host then.
    pub host_migration: bool,
}

impl World {
    pub(super) fn admit(&mut self, key: u64) {
        let Some(client) = self.service.clients.get_mut(&key) else {
            return;
        };
        if self.service.is_down {
            let reason = is_down();
            return self.tell_client(1, key, SignalingEvent::Lost { reason });
        }
        let size = client.rules.group_of.filter(|size| *size > 0);
        let group = size.filter(|_| client.id.is_none());
        let group = group.map(|size| (client.lobby.clone(), size, client.rules.topology));
        let lobbies = &mut self.service.lobbies;
        if let Some(group) = &group {
            let mut lobbies = lobbies.values();
            let found =
                lobbies.find(|lobby| lobby.group.as_ref() == Some(group) && lobby.is_open());
            client.lobby = found.map_or(String::new(), |lobby| lobby.name.clone());
        }
        if client.lobby.is_empty() {
            client.lobby = format!("{:016x}", self.rng.next());
        }
        let name = client.lobby.clone();
        let lobby = lobbies.entry(name.clone()).or_insert_with(|| Lobby {
            name: name.clone(),
            rules: MockLobby {
                max_players: size.or(client.rules.max_players),
                ..client.rules.clone()
            },
            group,
            host: PeerId::SERVER,
            sealed: false,
            locked: false,
            data: String::new(),
            member_data: BTreeMap::new(),
            members: BTreeMap::new(),
            arrivals: Vec::new(),
        });
        let is_taken = |id: PeerId| lobby.members.contains_key(&id);
        let refusal = match client.id {
            _ if lobby.sealed => Some("Lobby is sealed"),
            None if lobby.locked => Some("Lobby is locked"),
            None if lobby.is_full() => Some("Lobby is full"),
            Some(id) if is_taken(id) => Some("The id is taken"),
            _ => None,
        };
        if let Some(words) = refusal {
            // The close code of Godot's servers.
            let (code, reason) = (4000, words.to_string());
            let reason = LostReason::Refused { code, reason };
            return self.tell_client(1, key, SignalingEvent::Lost { reason });
        }
        let mut id = client.id.unwrap_or(PeerId::SERVER);
        while client.id.is_none() && (is_taken(id) || !lobby.members.is_empty() && id.is_server()) {
            let entropy = u32::try_from(self.rng.next() >> 32).unwrap_or(0);
            id = PeerId::generate_unique(entropy);
        }
        client.id = Some(id);
        let others = lobby.linked_with(id);
        lobby.members.insert(id, key);
        let members = &lobby.members;
        let is_there = |other: &PeerId| *other != id && members.contains_key(other);
        lobby.arrivals.retain(is_there);
        lobby.arrivals.push(id);
        let joined = SignalingEvent::Joined {
            id,
            topology: lobby.rules.topology,
            lobby: name.clone(),
        };
        let is_complete = lobby.group.is_some() && lobby.is_full();
        let told = lobby.state(&others);
        self.tell_client(1, key, joined);
        for (other, other_key) in others {
            self.tell_client(1, key, SignalingEvent::PeerJoined(other));
            self.tell_client(1, other_key, SignalingEvent::PeerJoined(id));
        }
        for told in told {
            self.tell_client(1, key, SignalingEvent::Lobby(told));
        }
        self.tell_client(1, key, SignalingEvent::Lobby(LobbyEvent::Complete));
        if is_complete {
            self.seal(&name);
        }
    }
}

impl World {
    /// Gives the role of a host that has left to the member that has been there longest, and tells everybody.
    pub(super) fn move_host(&mut self, name: &str) {
        let Some(lobby) = self.service.lobbies.get_mut(name) else {
            return;
        };
        let members = &lobby.members;
        lobby.arrivals.retain(|id| members.contains_key(id));
        let Some(host) = lobby.arrivals.first().copied() else {
            return;
        };
        lobby.host = host;
        let clients: Vec<u64> = lobby.members.values().copied().collect();
        for client in clients {
            self.tell_client(2, client, SignalingEvent::Lobby(LobbyEvent::Host(host)));
        }
    }
}

impl Lobby {
    /// Whether it goes on when its host leaves.
    pub(super) fn goes_on(&self) -> bool {
        let is_mesh = self.rules.topology == Topology::Mesh;
        self.rules.host_migration && is_mesh && !self.sealed
    }

    pub(super) fn is_full(&self) -> bool {
        let limit = self.rules.max_players.map(|max| max.max(1));
        limit.is_some_and(|limit| self.members.len() as u64 >= limit.into())
    }

    /// Whether it takes somebody new.
    pub(super) fn is_open(&self) -> bool {
        !self.sealed && !self.locked && !self.is_full()
    }

    /// What somebody who joins is told of it and of those members.
    fn state(&self, members: &[(PeerId, u64)]) -> Vec<LobbyEvent> {
        let locked = self.locked.then_some(LobbyEvent::Locked(true));
        let listed = self.rules.is_listed.then_some(LobbyEvent::Listed(true));
        let data = (!self.data.is_empty()).then(|| LobbyEvent::Data(self.data.clone()));
        let member_data = members.iter().filter_map(|(peer, _)| {
            let (peer, data) = (*peer, self.member_data.get(peer)?.clone());
            Some(LobbyEvent::MemberData { peer, data })
        });
        let host = (!self.host.is_server()).then_some(LobbyEvent::Host(self.host));
        let switches = locked.into_iter().chain(listed).chain(host);
        switches.chain(data).chain(member_data).collect()
    }
}
