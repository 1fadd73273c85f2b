//! What a server's notices make of us: an id, a lobby, its members, and the events that tell of them.

use std::collections::{BTreeSet, VecDeque};

use mesh_core::{PeerId, SignalingEvent, Topology};
use thiserror::Error;

use crate::{Notice, SignalType, signal_from_data};

/// How many members a lobby may have for a client; a server that names more is broken or hostile.
pub const MAX_MEMBERS: usize = 65_536;

/// How many bytes of events are held back until we are in.
const MAX_HELD: usize = 8 * 1024 * 1024;

/// What an event costs besides its text.
const EVENT_COST: usize = size_of::<SignalingEvent>();

/// A notice that only a broken server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Fault {
    #[error("a second id, {second}, after {first}")]
    SecondId { first: PeerId, second: PeerId },
    #[error("a second lobby")]
    SecondLobby,
    #[error("more than {MAX_MEMBERS} members")]
    TooManyMembers,
    #[error("more than {MAX_HELD} bytes before we are in")]
    TooMuchHeld,
}

/// One stay in one lobby.
pub(super) struct Membership {
    identity: Option<(PeerId, Topology)>,
    lobby: Option<String>,
    joined: bool,
    sealed: bool,
    members: BTreeSet<PeerId>,
    /// Held back until `joined`, then taken one by one.
    events: VecDeque<SignalingEvent>,
    held: usize,
}

impl Membership {
    pub(super) const fn new() -> Self {
        Self {
            identity: None,
            lobby: None,
            joined: false,
            sealed: false,
            members: BTreeSet::new(),
            events: VecDeque::new(),
            held: 0,
        }
    }

    pub(super) const fn own_id(&self) -> Option<PeerId> {
        match self.identity {
            Some((id, _)) => Some(id),
            None => None,
        }
    }

    pub(super) const fn is_joined(&self) -> bool {
        self.joined
    }

    pub(super) const fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Whether the server named a lobby and gave no id.
    pub(super) const fn is_named_only(&self) -> bool {
        self.lobby.is_some() && self.identity.is_none()
    }

    pub(super) fn is_member(&self, peer: PeerId) -> bool {
        self.members.contains(&peer)
    }

    /// The next event, none before we are in.
    pub(super) fn next_event(&mut self) -> Option<SignalingEvent> {
        if self.joined {
            self.events.pop_front()
        } else {
            None
        }
    }

    pub(super) fn handle(&mut self, notice: Notice) -> Result<(), Fault> {
        match notice {
            Notice::Id { id, topology } => self.on_id(id, topology),
            Notice::Joined { lobby } => self.on_lobby(lobby),
            Notice::PeerConnect(peer) => self.on_peer_connect(peer),
            Notice::PeerDisconnect(peer) => {
                if self.members.remove(&peer) {
                    self.push(SignalingEvent::PeerLeft(peer), 0)?;
                }
                Ok(())
            }
            Notice::Relayed { kind, from, data } => self.on_relayed(kind, from, data),
            Notice::Sealed => {
                if std::mem::replace(&mut self.sealed, true) {
                    return Ok(());
                }
                self.push(SignalingEvent::Sealed, 0)
            }
        }
    }

    fn on_id(&mut self, id: PeerId, topology: Topology) -> Result<(), Fault> {
        if let Some((first, _)) = self.identity {
            let second = id;
            return match first == second {
                true => Ok(()),
                false => Err(Fault::SecondId { first, second }),
            };
        }
        self.identity = Some((id, topology));
        self.enter();
        Ok(())
    }

    fn on_lobby(&mut self, lobby: String) -> Result<(), Fault> {
        if let Some(first) = &self.lobby {
            return match *first == lobby {
                true => Ok(()),
                false => Err(Fault::SecondLobby),
            };
        }
        self.lobby = Some(lobby);
        self.enter();
        Ok(())
    }

    /// Joins once both halves of the answer are there; what was held back follows.
    fn enter(&mut self) {
        let (Some((id, topology)), Some(lobby)) = (self.identity, self.lobby.clone()) else {
            return;
        };
        self.forget(id);
        self.events.push_front(SignalingEvent::Joined {
            id,
            topology,
            lobby,
        });
        self.joined = true;
    }

    /// A server that tells everybody of everybody may tell us of ourselves, before or after it gave us our id.
    fn forget(&mut self, own: PeerId) {
        self.members.remove(&own);
        self.events.retain(|event| match event {
            SignalingEvent::PeerJoined(id) | SignalingEvent::PeerLeft(id) => *id != own,
            SignalingEvent::Signal { from, .. } => *from != own,
            SignalingEvent::Joined { .. }
            | SignalingEvent::Sealed
            | SignalingEvent::Lost { .. } => true,
        });
    }

    fn on_peer_connect(&mut self, peer: PeerId) -> Result<(), Fault> {
        if Some(peer) == self.own_id() || self.members.contains(&peer) {
            return Ok(());
        }
        if self.members.len() >= MAX_MEMBERS {
            return Err(Fault::TooManyMembers);
        }
        self.members.insert(peer);
        self.push(SignalingEvent::PeerJoined(peer), 0)
    }

    fn on_relayed(&mut self, kind: SignalType, from: PeerId, data: String) -> Result<(), Fault> {
        if !self.members.contains(&from) {
            return Ok(());
        }
        let size = data.len();
        let Ok(signal) = signal_from_data(kind, data) else {
            return Ok(());
        };
        self.push(SignalingEvent::Signal { from, signal }, size)
    }

    fn push(&mut self, event: SignalingEvent, size: usize) -> Result<(), Fault> {
        if !self.joined {
            self.held += EVENT_COST + size;
            if self.held > MAX_HELD {
                return Err(Fault::TooMuchHeld);
            }
        }
        self.events.push_back(event);
        Ok(())
    }
}
