//! What a server's notices make of us: an id, a lobby, its members, and the events that tell of them.

mod facts;
mod members;

use std::collections::{BTreeSet, VecDeque};

use mesh_core::{
    Duration, Instant, LobbyEvent, LostReason, MAX_LOBBY_DATA_SIZE, MAX_MEMBER_DATA_SIZE, PeerId,
    ReconnectHint, SignalingEvent, Topology,
};
use thiserror::Error;

use crate::{Notice, SignalNumber, SignalType, check_data, escape_control, signal_from_data};

use facts::Facts;
use members::Members;

pub use members::MAX_MEMBERS;

/// How many bytes of events are held back until we are in.
const MAX_HELD: usize = 8 * 1024 * 1024;

/// What an event costs besides its text.
const EVENT_COST: usize = size_of::<SignalingEvent>();

/// How long a member may be missing after we have come back: a server that was started again knows only those who have come back
/// before us.
const MISSING: Duration = Duration::from_secs(20);

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

/// One stay in one lobby, over as many connections as it takes.
pub(super) struct Membership {
    identity: Option<(PeerId, Topology)>,
    lobby: Option<String>,
    phase: Phase,
    /// What the answer to our latest join has brought so far.
    answer: Answer,
    sealed: bool,
    facts: Facts,
    /// Whether our own data, as told last, are not empty.
    has_own_data: bool,
    members: Members,
    /// To be taken one by one.
    events: VecDeque<SignalingEvent>,
    /// Held back until we are in.
    held: VecDeque<SignalingEvent>,
    held_size: usize,
    /// To whom all that we have sent is to be sent again: it may be lost.
    resumed: BTreeSet<PeerId>,
}

#[derive(Debug)]
struct Answer {
    has_id: bool,
    has_lobby: bool,
    facts: Facts,
}

impl Answer {
    const fn new() -> Self {
        Self {
            has_id: false,
            has_lobby: false,
            facts: Facts::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Never been in.
    Joining,
    In,
    /// Been in, and on our way back.
    Resuming,
}

impl Membership {
    pub(super) const fn new() -> Self {
        Self {
            identity: None,
            lobby: None,
            phase: Phase::Joining,
            answer: Answer::new(),
            sealed: false,
            facts: Facts::new(),
            has_own_data: false,
            members: Members::new(),
            events: VecDeque::new(),
            held: VecDeque::new(),
            held_size: 0,
            resumed: BTreeSet::new(),
        }
    }

    pub(super) const fn own_id(&self) -> Option<PeerId> {
        match self.identity {
            Some((id, _)) => Some(id),
            None => None,
        }
    }

    /// Who has the rights of the host.
    pub(super) const fn host(&self) -> PeerId {
        self.facts.host
    }

    /// The lobby that we are in or come back to, and its topology.
    pub(super) fn lobby(&self) -> Option<(&str, Topology)> {
        let (_, topology) = self.identity?;
        Some((self.lobby.as_deref()?, topology))
    }

    pub(super) const fn is_in(&self) -> bool {
        matches!(self.phase, Phase::In)
    }

    pub(super) const fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Whether the server named a lobby and gave no id.
    pub(super) const fn is_named_only(&self) -> bool {
        self.answer.has_lobby && !self.answer.has_id
    }

    pub(super) fn is_member(&self, peer: PeerId) -> bool {
        self.members.contains(peer)
    }

    /// Whether a member speaks our extension.
    pub(super) fn is_ours(&self, peer: PeerId) -> bool {
        self.members.is_ours(peer)
    }

    /// Whether the server knows that member: it may be missing since the server was started again.
    pub(super) fn is_reachable(&self, peer: PeerId) -> bool {
        self.members.contains(peer) && !self.members.is_missing(peer)
    }

    /// The next member to which all is to be sent again.
    pub(super) fn next_resumed(&mut self) -> Option<PeerId> {
        self.resumed.pop_first()
    }

    /// The next event, none before we are in for the first time.
    pub(super) fn next_event(&mut self) -> Option<SignalingEvent> {
        self.events.pop_front()
    }

    pub(super) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// The connection has broken, and we will try to come back: until the server says otherwise the lobby is as it was.
    pub(super) fn interrupt(&mut self, reason: LostReason) {
        if self.is_in() {
            self.phase = Phase::Resuming;
            self.events
                .push_back(SignalingEvent::Interrupted { reason });
        }
        self.answer = Answer::new();
        self.members.miss_all();
    }

    /// When a missing member is given up.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::In => self.members.poll_timeout(),
            Phase::Joining | Phase::Resuming => None,
        }
    }

    /// Gives up a member that has been missing for too long, if there is one.
    pub(super) fn give_up(&mut self, now: Instant) -> Option<PeerId> {
        if !self.is_in() {
            return None;
        }
        let peer = self.members.give_up(now)?;
        self.resumed.remove(&peer);
        self.events.push_back(SignalingEvent::PeerLeft(peer));
        Some(peer)
    }

    pub(super) fn handle(&mut self, now: Instant, notice: Notice) -> Result<(), Fault> {
        match notice {
            Notice::Id { id, topology } => self.on_id(now, id, topology),
            Notice::Joined { lobby } => self.on_lobby(now, lobby),
            Notice::PeerConnect { peer, is_ours } => self.on_peer_connect(peer, is_ours),
            Notice::PeerResumed(peer) => {
                if self.is_member(peer) {
                    self.resumed.insert(peer);
                }
                self.on_peer_connect(peer, true)
            }
            Notice::PeerDisconnect(peer) => {
                if self.members.remove(peer) {
                    self.resumed.remove(&peer);
                    self.push(SignalingEvent::PeerLeft(peer), 0)?;
                }
                Ok(())
            }
            Notice::PeerRemoved {
                peer,
                is_banned,
                reason,
            } => self.on_removed(peer, is_banned, &reason),
            Notice::Data(data) => {
                // What breaks a bound is passed over: only a broken server sends it.
                if check_data(&data, MAX_LOBBY_DATA_SIZE).is_ok() {
                    self.on_fact(|facts| facts.data = data);
                }
                Ok(())
            }
            Notice::MemberData { peer, data } => self.on_member_data(peer, data),
            Notice::Locked(is_locked) => {
                self.on_fact(|facts| facts.is_locked = is_locked);
                Ok(())
            }
            Notice::Listed(is_listed) => {
                self.on_fact(|facts| facts.is_listed = is_listed);
                Ok(())
            }
            Notice::Host(peer) => {
                self.on_fact(|facts| facts.host = peer);
                Ok(())
            }
            Notice::Relayed {
                kind,
                from,
                data,
                number,
            } => self.on_relayed(kind, from, data, number),
            Notice::Sealed => {
                if std::mem::replace(&mut self.sealed, true) {
                    return Ok(());
                }
                self.push(SignalingEvent::Sealed, 0)
            }
            // The client has taken them already.
            Notice::Welcome { .. } | Notice::Pong | Notice::Draining { .. } => Ok(()),
        }
    }

    /// The server stops before long.
    pub(super) fn drain(&mut self, within: Duration, hint: ReconnectHint) -> Result<(), Fault> {
        let size = match &hint {
            ReconnectHint::At(url) => url.len(),
            ReconnectHint::Same | ReconnectHint::Refused(_) | _ => 0,
        };
        let draining = LobbyEvent::Draining { within, hint };
        self.push(SignalingEvent::Lobby(draining), size)
    }

    fn on_id(&mut self, now: Instant, id: PeerId, topology: Topology) -> Result<(), Fault> {
        if let Some((first, _)) = self.identity.filter(|(first, _)| *first != id) {
            return Err(Fault::SecondId { first, second: id });
        }
        self.identity.get_or_insert((id, topology));
        self.answer.has_id = true;
        self.enter(now);
        Ok(())
    }

    fn on_lobby(&mut self, now: Instant, lobby: String) -> Result<(), Fault> {
        if self.lobby.as_ref().is_some_and(|first| *first != lobby) {
            return Err(Fault::SecondLobby);
        }
        self.lobby.get_or_insert(lobby);
        self.answer.has_lobby = true;
        self.enter(now);
        Ok(())
    }

    /// We are in once both halves of the answer are there; what was held back follows.
    fn enter(&mut self, now: Instant) {
        let (Some((id, topology)), Some(lobby)) = (self.identity, self.lobby.clone()) else {
            return;
        };
        if self.is_in() || !self.answer.has_id || !self.answer.has_lobby {
            return;
        }
        self.forget(id);
        let is_new = self.phase == Phase::Joining;
        self.events.push_back(match self.phase {
            Phase::Resuming => SignalingEvent::Resumed,
            Phase::Joining | Phase::In => SignalingEvent::Joined {
                id,
                topology,
                lobby,
            },
        });
        self.events.append(&mut self.held);
        self.held_size = 0;
        self.members.set_patience(now + MISSING);
        self.phase = Phase::In;
        self.on_fact(|_| {});
        if is_new {
            // A server names the lobby last, when it has told of its members.
            let complete = SignalingEvent::Lobby(LobbyEvent::Complete);
            self.events.push_back(complete);
        }
    }

    /// What the server says of the lobby before we are in counts when we are.
    fn on_fact(&mut self, change: impl FnOnce(&mut Facts)) {
        change(&mut self.answer.facts);
        if self.is_in() {
            let changes = self.facts.replace(self.answer.facts.clone());
            self.events.extend(changes.map(SignalingEvent::Lobby));
        }
    }

    fn on_member_data(&mut self, peer: PeerId, data: String) -> Result<(), Fault> {
        let is_own = Some(peer) == self.own_id();
        let is_known = is_own || self.is_member(peer);
        if !is_known || check_data(&data, MAX_MEMBER_DATA_SIZE).is_err() {
            return Ok(());
        }
        let has_data = !data.is_empty();
        let had_data = match is_own {
            true => std::mem::replace(&mut self.has_own_data, has_data),
            false => self.members.set_data(peer, has_data),
        };
        // A server that was started again says of everybody that it has no data, because it may have had some before.
        if !has_data && !had_data {
            return Ok(());
        }
        let size = data.len();
        let event = LobbyEvent::MemberData { peer, data };
        self.push(SignalingEvent::Lobby(event), size)
    }

    fn on_removed(&mut self, peer: PeerId, is_banned: bool, reason: &str) -> Result<(), Fault> {
        if !self.members.remove(peer) {
            return Ok(());
        }
        self.resumed.remove(&peer);
        let reason = escape_control(reason);
        let size = reason.len();
        let removed = LobbyEvent::Removed {
            peer,
            is_banned,
            reason,
        };
        self.push(SignalingEvent::Lobby(removed), size)?;
        self.push(SignalingEvent::PeerLeft(peer), 0)
    }

    /// A server that tells everybody of everybody may tell us of ourselves, before or after it gave us our id.
    fn forget(&mut self, own: PeerId) {
        self.members.remove(own);
        self.held.retain(|event| match event {
            SignalingEvent::PeerJoined(id) | SignalingEvent::PeerLeft(id) => *id != own,
            SignalingEvent::Signal { from, .. } => *from != own,
            SignalingEvent::Joined { .. }
            | SignalingEvent::Sealed
            | SignalingEvent::Lobby(_)
            | SignalingEvent::Interrupted { .. }
            | SignalingEvent::Resumed
            | SignalingEvent::Lost { .. }
            | _ => true,
        });
    }

    fn on_peer_connect(&mut self, peer: PeerId, is_ours: bool) -> Result<(), Fault> {
        if Some(peer) == self.own_id() {
            return Ok(());
        }
        if self.members.find(peer) {
            // It was missing, and its server may know nothing of what we have sent to it.
            self.resumed.insert(peer);
        }
        if self.members.set_ours(peer, is_ours) {
            return Ok(());
        }
        if !self.members.insert(peer, is_ours) {
            return Err(Fault::TooManyMembers);
        }
        self.push(SignalingEvent::PeerJoined(peer), 0)
    }

    fn on_relayed(
        &mut self,
        kind: SignalType,
        from: PeerId,
        data: String,
        number: Option<SignalNumber>,
    ) -> Result<(), Fault> {
        if !self.members.hear(from, number) {
            return Ok(());
        }
        let size = data.len();
        let Ok(signal) = signal_from_data(kind, data) else {
            return Ok(());
        };
        self.push(SignalingEvent::Signal { from, signal }, size)
    }

    fn push(&mut self, event: SignalingEvent, size: usize) -> Result<(), Fault> {
        if self.is_in() {
            self.events.push_back(event);
            return Ok(());
        }
        self.held_size += EVENT_COST + size;
        if self.held_size > MAX_HELD {
            return Err(Fault::TooMuchHeld);
        }
        self.held.push_back(event);
        Ok(())
    }
}
