//! What the mesh knows of one link, and of the peer it belongs to.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::batches::Batches;
use super::continuation::Continuation;
use super::life::Life;
use super::outbox::Outbox;
use super::transfers::Transfers;
use crate::negotiation::Negotiation;
use crate::platform::Inbox;
use crate::sdp::Identity;
use crate::{
    ChannelIndex, ChannelLimits, ChannelRole, ChannelSpec, ChannelState, CloseReason, Command,
    ConnectFailure, ConnectionState, DisconnectReason, Event, GatheringState, Goodbye, Instant,
    LinkId, Missing, PathKind, PeerId, SignalingState, Traffic, TransferMode,
};

/// How long after its first closed channel a peer may still deliver what its other channels hold, and that they opened.
///
/// A far side that closes closes all channels at once; a Godot peer that closes one alone is leaving, too.
pub(super) const CLOSING_GRACE: Duration = Duration::from_millis(100);

/// One peer connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: LinkId,
    /// What the platform said last.
    pub(super) reported: ConnectionState,
    pub(super) gathering: GatheringState,
    /// Which way its selected pair takes, once there is one.
    pub(super) path: Option<PathKind>,
    /// What stood in the way of finding a relay; empty if nothing did.
    pub(super) trouble: String,
    pub(super) negotiation: Negotiation,
    /// From `add_peer` on.
    pub(super) member: Option<Member>,
    /// Why the backend gave it up before it belonged to anybody, or while its peer waits for another link.
    pub(super) gone: Option<CloseReason>,
    /// The offer, where its side counts what it takes.
    pub(super) offer: Option<Identity>,
    /// Why it must not be completed. Its far side reads the same in our answer.
    pub(super) refusal: Option<String>,
    /// What the far side is told when it is closed.
    pub(super) parting: Option<Goodbye>,
    /// What the far side has said of its end.
    pub(super) farewell: Option<Goodbye>,
}

/// The peer at the other end of a connection.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) peer: PeerId,
    pub(super) channels: Vec<Channel>,
    pub(super) transfers: Transfers,
    pub(super) phase: Phase,
    /// Whether the game has been told `PeerConnected`.
    pub(super) announced: bool,
    /// Whether the platform says that it does not answer.
    pub(super) interrupted: bool,
    /// Since when, if it says so.
    pub(super) interrupted_since: Option<Instant>,
    /// When it was back after it had not answered.
    pub(super) resumed_at: Option<Instant>,
    /// Whether the game has been told so.
    pub(super) told_interrupted: bool,
    /// Whether its link has closed, and the peer waits for another one.
    pub(super) severed: bool,
    /// Whether we have told the far side on a successor how much we have: it may have gone on without this link, and closed it.
    pub(super) may_be_left: bool,
    /// Whether this link has gone on where another broke, and the far side has not said yet that it has done the same.
    pub(super) unsettled: bool,
    pub(super) inbox: Inbox,
    /// Whether it waits in the round of those that have packets.
    pub(super) in_round: bool,
    /// Whether it waits in the round of those that have something to send.
    pub(super) in_outgoing: bool,
    /// The channel that may send next, of those that have to wait.
    pub(super) turn: u16,
    pub(super) max_message_size: usize,
    pub(super) batches: Batches,
    /// What is kept for another link to go on. `None` if the far side does not count what it takes.
    pub(super) life: Option<Life>,
    /// Whether it was made to go on with the life of the first link.
    pub(super) replaces: bool,
    /// What is agreed of a successor that goes on with the life of the first link.
    pub(super) continuation: Option<Continuation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Until all channels are open, or the deadline.
    Connecting { deadline: Instant },
    /// Open; counts as lost from `lost_at` on, while the platform says anything but "connected".
    Connected { lost_at: Option<Instant> },
    /// A channel has closed, by us or by the far side; ends when all are closed, or at `end`.
    Closing { end: Instant, by_us: bool },
}

/// One channel.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) spec: ChannelSpec,
    pub(super) mode: TransferMode,
    pub(super) state: ChannelState,
    /// Whether it has ever been open.
    pub(super) opened: bool,
    pub(super) role: ChannelRole,
    /// Whether the game knows of it, if the far side made it.
    pub(super) told: bool,
    /// Messages dropped since the game was last told.
    pub(super) dropped: u64,
    /// What was accepted, and what came.
    pub(super) sent: Traffic,
    pub(super) received: Traffic,
    pub(super) outbox: Outbox,
}

impl Channel {
    /// One that is not open yet.
    pub(super) const fn planned(
        role: ChannelRole,
        spec: ChannelSpec,
        mode: TransferMode,
        limits: ChannelLimits,
    ) -> Self {
        Self {
            spec,
            mode,
            state: ChannelState::Connecting,
            opened: false,
            role,
            told: false,
            dropped: 0,
            sent: Traffic {
                packets: 0,
                bytes: 0,
            },
            received: Traffic {
                packets: 0,
                bytes: 0,
            },
            outbox: Outbox::new(mode, limits),
        }
    }

    /// Hands the backend what waits and must arrive, because the channel closes.
    pub(super) fn send_rest(
        &mut self,
        link: LinkId,
        channel: ChannelIndex,
    ) -> impl Iterator<Item = Command> {
        let rest = self.outbox.take_rest();
        rest.map(move |payload| Command::SendLast {
            link,
            channel,
            payload,
        })
    }
}

impl Connection {
    pub(super) fn new(id: LinkId) -> Self {
        Self {
            id,
            reported: ConnectionState::New,
            gathering: GatheringState::New,
            path: None,
            trouble: String::new(),
            negotiation: Negotiation::default(),
            member: None,
            gone: None,
            offer: None,
            refusal: None,
            parting: None,
            farewell: None,
        }
    }

    /// The state as a user sees it: new until the first step of the handshake, whatever the platform has said so far.
    pub(super) fn state(&self) -> ConnectionState {
        match (&self.gone, self.reported) {
            (Some(CloseReason::Failed(_)), _) => ConnectionState::Failed,
            (Some(_), _) => ConnectionState::Closed,
            (None, ConnectionState::New) if !self.negotiation.is_new() => {
                ConnectionState::Connecting
            }
            (None, reported) => reported,
        }
    }

    pub(super) fn signaling_state(&self) -> SignalingState {
        if self.gone.is_some() {
            SignalingState::Closed
        } else {
            self.negotiation.state()
        }
    }

    /// What a handshake that has run out of time still waited for.
    pub(super) fn missing(&self) -> Missing {
        if !self.negotiation.is_described() {
            Missing::Description
        } else if self.reported != ConnectionState::Connected {
            Missing::Route
        } else {
            Missing::Channels
        }
    }

    /// When this link must be looked at even if nothing happens.
    pub(super) fn timeout(&self) -> Option<Instant> {
        match self.member.as_ref()?.phase {
            Phase::Connecting { deadline } => Some(deadline),
            Phase::Connected { lost_at } => lost_at,
            Phase::Closing { end, .. } => Some(end),
        }
    }

    /// Whether the platform's word and all channels say that the peer is there.
    pub(super) fn is_complete(&self) -> bool {
        self.reported == ConnectionState::Connected
            && self.refusal.is_none()
            && self.farewell.is_none()
            && self.member.as_ref().is_some_and(|member| {
                let mut channels = member.planned();
                !member.any_closed() && channels.all(|channel| channel.state == ChannelState::Open)
            })
    }

    pub(super) fn failure(&self) -> ConnectFailure {
        if self.farewell.is_some() || self.member.as_ref().is_some_and(Member::any_closed) {
            return ConnectFailure::Closed;
        }
        match self.missing() {
            Missing::Route if !self.trouble.is_empty() => self.no_route(),
            missing @ (Missing::Description | Missing::Route | Missing::Channels) => {
                ConnectFailure::Deadline { missing }
            }
        }
    }

    /// Why there is no route.
    pub(super) fn no_route(&self) -> ConnectFailure {
        if self.trouble.is_empty() {
            return ConnectFailure::NoRoute;
        }
        ConnectFailure::NoRelay {
            cause: self.trouble.clone(),
        }
    }
}

impl Member {
    /// Whether the peer was ever complete.
    pub(super) const fn was_connected(&self) -> bool {
        !matches!(self.phase, Phase::Connecting { .. })
    }

    /// Whether messages can be sent to it.
    pub(super) const fn is_connected(&self) -> bool {
        matches!(self.phase, Phase::Connected { .. })
    }

    /// How a closing peer's end is called.
    pub(super) const fn closing_reason(&self) -> DisconnectReason {
        match self.phase {
            Phase::Closing { by_us: true, .. } => DisconnectReason::Removed,
            Phase::Closing { .. } | Phase::Connected { .. } | Phase::Connecting { .. } => {
                DisconnectReason::Closed
            }
        }
    }

    /// The channels that make the peer complete.
    fn planned(&self) -> impl Iterator<Item = &Channel> {
        let channels = self.channels.iter();
        channels.filter(|channel| channel.role.is_planned())
    }

    pub(super) fn planned_mut(&mut self, index: ChannelIndex) -> Option<&mut Channel> {
        let channel = self.channels.get_mut(usize::from(index.0));
        channel.filter(|channel| channel.role.is_planned())
    }

    pub(super) fn channel(&self, index: ChannelIndex) -> Option<&Channel> {
        self.channels.get(usize::from(index.0))
    }

    /// Tells of a channel that the far side made, once.
    pub(super) fn tell_channel(&mut self, channel: ChannelIndex) -> Option<Event> {
        let peer = self.peer;
        let entry = self.channels.get_mut(usize::from(channel.0))?;
        let is_news = entry.role == ChannelRole::Remote && entry.opened && !entry.told;
        entry.told |= is_news;
        is_news.then_some(Event::ChannelReceived { peer, channel })
    }

    /// Tells how many of a channel's packets were dropped, if any were since the last time.
    pub(super) fn tell_dropped(&mut self, channel: ChannelIndex) -> Option<Event> {
        let peer = self.peer;
        let entry = self.channels.get_mut(usize::from(channel.0))?;
        let packets = core::mem::take(&mut entry.dropped);
        (packets > 0).then_some(Event::PacketsDropped {
            peer,
            channel,
            packets,
        })
    }

    /// Accepted messages of unreliable channels that were dropped here before they were sent.
    pub(super) fn dropped(&self) -> u64 {
        let channels = self.channels.iter();
        channels.map(|channel| channel.outbox.dropped()).sum()
    }

    /// The path is broken. What unreliable channels have not sent yet would be stale when it is back.
    pub(super) fn interrupt(&mut self, now: Instant) {
        self.interrupted = true;
        self.interrupted_since = Some(now);
        for channel in &mut self.channels {
            channel.outbox.drop_unreliable();
        }
    }

    pub(super) fn tell_interrupted(&mut self, interrupted: bool) -> Option<Event> {
        let peer = self.peer;
        let told = core::mem::replace(&mut self.told_interrupted, interrupted);
        let event = if interrupted {
            Event::PeerInterrupted(peer)
        } else {
            Event::PeerResumed(peer)
        };
        (told != interrupted).then_some(event)
    }

    /// Whether it has packets and does not wait in the round yet; from now on it does.
    pub(super) fn enters_round(&mut self) -> bool {
        !self.inbox.is_empty() && !core::mem::replace(&mut self.in_round, true)
    }

    /// What the game has yet to hear of its channels.
    pub(super) fn tell_channels(&mut self) -> VecDeque<Event> {
        let mut events = VecDeque::new();
        let count = u16::try_from(self.channels.len()).unwrap_or(u16::MAX);
        for index in (0..count).map(ChannelIndex) {
            events.extend(self.tell_channel(index));
            events.extend(self.tell_dropped(index));
        }
        events
    }

    /// Whether the peer has been there, though the word of it may have been overtaken by that of its end: events of
    /// different channels have no order, and a channel opens only over a connection that stands.
    pub(super) fn all_opened(&self) -> bool {
        self.planned().all(|channel| channel.opened)
    }

    pub(super) fn any_closed(&self) -> bool {
        let transfers = Some(&self.transfers.channel).filter(|_| self.transfers.are_agreed());
        self.planned()
            .chain(transfers)
            .any(|channel| channel.state == ChannelState::Closed)
    }

    pub(super) fn all_closed(&self) -> bool {
        self.planned()
            .all(|channel| channel.state == ChannelState::Closed)
    }
}

/// Counts dropped messages; whether they are the first since the game was last told.
pub(super) fn count_dropped(channels: &mut [Channel], index: ChannelIndex, messages: u64) -> bool {
    let Some(channel) = channels.get_mut(usize::from(index.0)) else {
        return false;
    };
    let is_first = channel.dropped == 0;
    channel.dropped = channel.dropped.saturating_add(messages);
    is_first
}
