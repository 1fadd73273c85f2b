//! The clients of the lobby service, and what is on its way between them and the service.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use core::task::Waker;

use super::clock::Action;
use super::key::Key;
use super::world::World;
use crate::{Instant, LostReason, PeerId, Signal, SignalingError, SignalingEvent, Topology};

/// How many signals of one member may be accepted and not taken by their receivers yet.
const MAX_PENDING: usize = 1024;

/// A client of the lobby service.
#[derive(Debug)]
pub(super) struct Member {
    /// The lobby it asked for. An empty name asks for a lobby with a name of its own.
    pub(super) wanted: String,
    pub(super) topology: Topology,
    /// Its id, which it keeps when it comes back.
    pub(super) id: Option<PeerId>,
    /// The lobby it is in, as the service sees it.
    pub(super) lobby: Option<String>,
    /// Counts its connections. Letters of an earlier one have no effect.
    pub(super) connection: u32,
    pub(super) phase: Phase,
    pub(super) closed: bool,
    /// Whether it is out because the service was down, so that it joins again when the service is back.
    pub(super) waits_for_service: bool,
    /// The members it was told of.
    known: BTreeSet<PeerId>,
    /// Events it has not taken yet, each with the sender if it is a signal.
    events: VecDeque<(SignalingEvent, Option<Key>)>,
    pending: usize,
    waker: Option<Waker>,
    /// Letters to and from it keep their order when the latency changes.
    arrives_not_before: Instant,
    leaves_not_before: Instant,
}

/// What a member has been told of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Joining,
    In,
    Out,
}

/// Something on its way between a member and the service.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) member: Key,
    pub(super) connection: u32,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Join,
    Send(PeerId, Signal),
    Seal,
    /// The connection is gone, for whatever reason.
    Gone,
    SealIsOver(String, u64),
    /// An event, with the sender if it is a signal.
    Tell(SignalingEvent, Option<Key>),
}

impl Member {
    fn is_in(&self) -> bool {
        self.phase == Phase::In && !self.closed
    }
}

/// What members do.
impl World {
    pub(super) fn add_member(&mut self, lobby: String, topology: Topology) -> Key {
        let now = self.clock.now();
        let key = self.service.members.insert(|_| Member {
            wanted: lobby,
            topology,
            id: None,
            lobby: None,
            connection: 0,
            phase: Phase::Joining,
            closed: false,
            waits_for_service: false,
            known: BTreeSet::new(),
            events: VecDeque::new(),
            pending: 0,
            waker: None,
            arrives_not_before: now,
            leaves_not_before: now,
        });
        self.post_letter(key, Content::Join);
        key
    }

    pub(super) fn send_signal(
        &mut self,
        key: Key,
        to: PeerId,
        signal: Signal,
    ) -> Result<(), SignalingError> {
        let member = self.service.members.get_mut(key);
        let member = member.filter(|member| member.is_in());
        let member = member.ok_or(SignalingError::NotConnected)?;
        if !member.known.contains(&to) {
            return Err(SignalingError::Unsendable(format!("there is no peer {to}")));
        }
        if member.pending >= MAX_PENDING {
            return Err(SignalingError::Full);
        }
        member.pending += 1;
        self.post_letter(key, Content::Send(to, signal));
        Ok(())
    }

    pub(super) fn seal_lobby(&mut self, key: Key) -> Result<(), SignalingError> {
        let member = self.service.members.get(key);
        let member = member.filter(|member| member.is_in());
        let member = member.ok_or(SignalingError::NotConnected)?;
        if member.id != Some(PeerId::SERVER) {
            let problem = "only the host, peer 1, can seal the lobby".to_string();
            return Err(SignalingError::Unsendable(problem));
        }
        self.post_letter(key, Content::Seal);
        Ok(())
    }

    pub(super) fn take_signaling_event(&mut self, key: Key) -> Option<SignalingEvent> {
        let member = self.service.members.get_mut(key)?;
        let (event, sender) = member.events.pop_front()?;
        if let Some(sender) = sender {
            self.signal_is_settled(sender);
        }
        Some(event)
    }

    /// Keeps a waker that is woken when there is something to take. Returns the former waker, to be dropped outside the
    /// lock.
    pub(super) fn wait_for_signaling(&mut self, key: Key, waker: &Waker) -> Option<Waker> {
        let member = self.service.members.get_mut(key)?;
        match &member.waker {
            Some(present) if present.will_wake(waker) => None,
            _ => member.waker.replace(waker.clone()),
        }
    }

    /// Leaves for good. Returns the waker, to be dropped outside the lock.
    pub(super) fn close_member(&mut self, key: Key) -> Option<Waker> {
        let member = self.service.members.get_mut(key)?;
        if member.closed {
            return None;
        }
        member.closed = true;
        let waker = member.waker.take();
        self.discard_events(key);
        self.post_letter(key, Content::Gone);
        waker
    }

    /// Breaks a member's connection.
    pub(super) fn lose_member(&mut self, key: Key) {
        let member = self.service.members.get(key);
        if !member.is_some_and(|member| member.phase != Phase::Out && !member.closed) {
            return;
        }
        let reason = LostReason::Unreachable("the connection broke".to_string());
        self.member_lost(key, reason);
        self.post_letter(key, Content::Gone);
    }

    /// Lets a member that is out come back, under the id it had.
    pub(super) fn restore_member(&mut self, key: Key) {
        let Some(member) = self.service.members.get_mut(key) else {
            return;
        };
        if member.phase == Phase::Out && !member.closed {
            member.phase = Phase::Joining;
            member.waits_for_service = false;
            self.post_letter(key, Content::Join);
        }
    }

    pub(super) fn stop_service(&mut self) {
        self.service.up = false;
        self.service.lobbies.clear();
        for key in self.service.members.ids() {
            if let Some(member) = self.service.members.get_mut(key) {
                member.lobby = None;
                member.waits_for_service |= member.phase != Phase::Out;
            }
            self.member_lost(key, server_is_down());
        }
    }

    pub(super) fn start_service(&mut self) {
        if core::mem::replace(&mut self.service.up, true) {
            return;
        }
        for key in self.service.members.ids() {
            let member = self.service.members.get(key);
            if member.is_some_and(|member| member.waits_for_service) {
                self.restore_member(key);
            }
        }
    }
}

/// What is on its way.
impl World {
    pub(super) fn post_letter(&mut self, from: Key, content: Content) {
        let earliest = self.clock.now() + self.service.latency;
        let Some(member) = self.service.members.get_mut(from) else {
            return;
        };
        member.leaves_not_before = member.leaves_not_before.max(earliest);
        let due = member.leaves_not_before;
        let letter = Letter {
            member: from,
            connection: member.connection,
            content,
        };
        let post = self.service.mail.insert(|_| letter);
        self.clock.schedule(due, Action::Lobby { post });
    }

    pub(super) fn post_event(&mut self, to: Key, event: SignalingEvent, sender: Option<Key>) {
        let earliest = self.clock.now() + self.service.latency;
        let Some(member) = self.service.members.get_mut(to) else {
            return;
        };
        member.arrives_not_before = member.arrives_not_before.max(earliest);
        let due = member.arrives_not_before;
        let letter = Letter {
            member: to,
            connection: member.connection,
            content: Content::Tell(event, sender),
        };
        let post = self.service.mail.insert(|_| letter);
        self.clock.schedule(due, Action::Lobby { post });
    }

    pub(super) fn tell_member(&mut self, key: Key, event: SignalingEvent, sender: Option<Key>) {
        let Some(member) = self.service.members.get_mut(key) else {
            return;
        };
        if member.closed {
            if let Some(sender) = sender {
                self.signal_is_settled(sender);
            }
            return;
        }
        if let SignalingEvent::Lost { reason } = event {
            self.member_lost(key, reason);
            return;
        }
        if matches!(event, SignalingEvent::Joined { .. }) {
            member.phase = Phase::In;
        }
        if let SignalingEvent::PeerJoined(peer) = event {
            member.known.insert(peer);
        }
        if let SignalingEvent::PeerLeft(peer) = event {
            member.known.remove(&peer);
        }
        member.events.push_back((event, sender));
        self.wakes.extend(member.waker.take());
    }

    /// The member's connection is over; nothing more of it arrives.
    pub(super) fn member_lost(&mut self, key: Key, reason: LostReason) {
        let Some(member) = self.service.members.get_mut(key) else {
            return;
        };
        member.connection += 1;
        member.known.clear();
        let was_out = core::mem::replace(&mut member.phase, Phase::Out) == Phase::Out;
        if was_out || member.closed {
            return;
        }
        member
            .events
            .push_back((SignalingEvent::Lost { reason }, None));
        self.wakes.extend(member.waker.take());
    }

    pub(super) fn discard_events(&mut self, key: Key) {
        let Some(member) = self.service.members.get_mut(key) else {
            return;
        };
        for (_, sender) in core::mem::take(&mut member.events) {
            if let Some(sender) = sender {
                self.signal_is_settled(sender);
            }
        }
    }

    /// A signal was taken or has become pointless, so its sender may send another.
    pub(super) fn signal_is_settled(&mut self, sender: Key) {
        let Some(member) = self.service.members.get_mut(sender) else {
            return;
        };
        if member.pending == MAX_PENDING {
            self.wakes.extend(member.waker.take());
        }
        member.pending = member.pending.saturating_sub(1);
    }
}

pub(super) fn server_is_down() -> LostReason {
    LostReason::Unreachable("the server is down".to_string())
}
