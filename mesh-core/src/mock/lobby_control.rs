//! What the host of a lobby can do with it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::world::World;
use crate::{
    LobbyCommand, LobbyEvent, LostReason, MAX_LOBBY_DATA_SIZE, MAX_MEMBER_DATA_SIZE,
    MAX_REASON_SIZE, PeerId, SignalingError, SignalingEvent,
};

impl World {
    pub(super) fn control_lobby(
        &mut self,
        key: u64,
        command: LobbyCommand,
    ) -> Result<(), SignalingError> {
        self.service.member(key)?;
        if self.service.is_interrupted() {
            return Err(SignalingError::NotConnected);
        }
        let seat = self.service.seat(key);
        let (lobby, id) = seat.ok_or(SignalingError::NotConnected)?;
        if id != lobby.host && !matches!(command, LobbyCommand::SetMemberData(_)) {
            let problem = "only the host can do that".to_string();
            return Err(SignalingError::Unsendable(problem));
        }
        let name = lobby.name.clone();
        let everybody: Vec<u64> = lobby.members.values().copied().collect();
        match command {
            LobbyCommand::Kick { peer, reason } => self.remove_member(&name, peer, false, reason),
            LobbyCommand::Ban { peer, reason } => self.remove_member(&name, peer, true, reason),
            LobbyCommand::SetLocked(is_locked) => {
                if core::mem::replace(&mut lobby.locked, is_locked) != is_locked {
                    self.tell_of_lobby(&everybody, &LobbyEvent::Locked(is_locked));
                }
                Ok(())
            }
            LobbyCommand::SetListed(is_listed) => {
                if core::mem::replace(&mut lobby.rules.is_listed, is_listed) != is_listed {
                    self.tell_of_lobby(&everybody, &LobbyEvent::Listed(is_listed));
                }
                Ok(())
            }
            LobbyCommand::SetData(data) => {
                check(&data, MAX_LOBBY_DATA_SIZE)?;
                if core::mem::replace(&mut lobby.data, data.clone()) != data {
                    self.tell_of_lobby(&everybody, &LobbyEvent::Data(data));
                }
                Ok(())
            }
            LobbyCommand::SetMemberData(data) => {
                check(&data, MAX_MEMBER_DATA_SIZE)?;
                let former = lobby.member_data.insert(id, data.clone());
                if former.unwrap_or_default() == data {
                    return Ok(());
                }
                let witnesses = lobby.linked_with(id).into_iter().map(|(_, client)| client);
                let told: Vec<u64> = witnesses.chain([key]).collect();
                self.tell_of_lobby(&told, &LobbyEvent::MemberData { peer: id, data });
                Ok(())
            }
        }
    }

    fn tell_of_lobby(&mut self, clients: &[u64], event: &LobbyEvent) {
        for client in clients {
            self.tell_client(2, *client, SignalingEvent::Lobby(event.clone()));
        }
    }

    /// The member is out at once; it hears of that after the time of two messages, as the others do.
    fn remove_member(
        &mut self,
        name: &str,
        peer: PeerId,
        is_banned: bool,
        reason: String,
    ) -> Result<(), SignalingError> {
        let host = self.service.lobbies.get(name).map(|lobby| lobby.host);
        if Some(peer) == host || reason.len() > MAX_REASON_SIZE {
            let problem =
                format!("not the host itself, and at most {MAX_REASON_SIZE} bytes of reason");
            return Err(SignalingError::Unsendable(problem));
        }
        let Some(lobby) = self.service.lobbies.get_mut(name) else {
            return Err(SignalingError::NotConnected);
        };
        let Some(key) = lobby.members.remove(&peer) else {
            // It has left, and `PeerLeft` is on its way.
            return Ok(());
        };
        lobby.member_data.remove(&peer);
        let witnesses = lobby.linked_with(peer);
        for (_, witness) in witnesses {
            let removed = LobbyEvent::Removed {
                peer,
                is_banned,
                reason: reason.clone(),
            };
            self.tell_client(2, witness, SignalingEvent::Lobby(removed));
            self.tell_client(2, witness, SignalingEvent::PeerLeft(peer));
        }
        let reason = LostReason::Removed { is_banned, reason };
        self.tell_client(2, key, SignalingEvent::Lost { reason });
        Ok(())
    }
}

/// The mock reads no JSON: it checks the size and the braces alone.
fn check(data: &str, limit: usize) -> Result<(), SignalingError> {
    let is_object = data.is_empty() || (data.starts_with('{') && data.ends_with('}'));
    if is_object && data.len() <= limit {
        return Ok(());
    }
    let problem = format!("data are a JSON object of at most {limit} bytes");
    Err(SignalingError::Unsendable(problem))
}
