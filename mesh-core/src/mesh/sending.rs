//! What leaves: who gets a message, and which message may go next.

#[cfg(test)]
mod tests;

use super::connection::Member;
use super::outbox::Waiting;
use super::{ConnectionStatus, Mesh};
use crate::{
    BackendSendError, ChannelIndex, Instant, LinkId, Payload, PeerId, Refused, RefusedReason,
    SendError, Sent, Target,
};

/// A message for the backend, by [`Mesh::poll_transmit`].
#[derive(Debug)]
pub struct Transmit {
    /// Over which link.
    pub link: LinkId,
    /// On which channel.
    pub channel: ChannelIndex,
    /// What it is.
    pub payload: Payload,
    /// Since when it has waited, if it has.
    pub(crate) since: Option<Instant>,
}

impl Mesh {
    /// Takes a message in, for the peers of a target; [`poll_transmit`](Self::poll_transmit) gives it out for each. Targets of
    /// more than one peer mean those connected.
    ///
    /// `now` matters only where the message has to wait.
    ///
    /// # Errors
    ///
    /// [`SendError`], where the caller is at fault; nobody gets the message then. What a single one of several peers cannot
    /// take is in [`Sent::refused`].
    pub fn send(
        &mut self,
        now: Instant,
        target: Target,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<Sent, SendError> {
        self.check(target, channel, &payload)?;
        let to_one = matches!(target, Target::One(_));
        let (range, except) = match target {
            Target::All => (self.peers.range(..), None),
            Target::One(peer) => (self.peers.range(peer..=peer), None),
            Target::AllExcept(peer) => (self.peers.range(..), Some(peer)),
        };
        // The former message may not have been taken out yet. Then this one waits behind it.
        let may_pass = self.lane.is_empty();
        let mut sent = Sent::default();
        for (&peer, &link) in range {
            if Some(peer) == except {
                continue;
            }
            let Some(member) = self.links.get_mut(link).and_then(|c| c.member.as_mut()) else {
                continue;
            };
            match member.take_in(now, channel, &payload, to_one, may_pass) {
                Ok(Taken::Passes) => self.lane.add(link),
                Ok(Taken::Waits) => {
                    if !core::mem::replace(&mut member.in_outgoing, true) {
                        self.outgoing.push_back(link);
                    }
                }
                Err(RefusedReason::NotConnected) if !to_one => continue,
                Err(reason) => {
                    sent.refused.push(Refused { peer, reason });
                    continue;
                }
            }
            sent.accepted += 1;
        }
        self.lane.load(channel, payload);
        Ok(sent)
    }

    /// The caller's faults.
    fn check(
        &self,
        target: Target,
        channel: ChannelIndex,
        payload: &Payload,
    ) -> Result<(), SendError> {
        let initialized = self.unique_id.is_some() && self.status != ConnectionStatus::Disconnected;
        if !initialized {
            return Err(SendError::NotInitialized);
        }
        if payload.is_text() && payload.text().is_none() {
            return Err(SendError::InvalidText);
        }
        let (known, limit) = match target {
            Target::One(peer) => {
                let member = self
                    .member_of(peer)
                    .ok_or(SendError::UnknownPeer { peer })?;
                (member.channel(channel).is_some(), member.limit(payload))
            }
            Target::All | Target::AllExcept(_) => (self.plan.has(channel), self.max_message_size()),
        };
        if !known {
            return Err(SendError::UnknownChannel { channel: channel.0 });
        }
        let size = payload.len();
        if size > limit {
            return Err(SendError::TooLarge { size, limit });
        }
        Ok(())
    }

    /// The next message for the backend, until `None`. Drain it after every [`send`](Self::send), and after every `handle_*`
    /// and [`flush`](Self::flush).
    ///
    /// A message whose channel is idle comes first, as long as it is the newest. Of what had to wait, each link with
    /// something to send has one message in its turn, and within a link each channel. So none keeps another waiting, and a
    /// reliable channel neither starves nor is starved.
    ///
    /// What the backend gives back goes to [`handle_rejected`](Self::handle_rejected).
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        if let Some((link, channel, payload)) = self.lane.pop() {
            self.keep(link, channel, &payload);
            return Some(Transmit {
                link,
                channel,
                payload,
                since: None,
            });
        }
        loop {
            let link = self.outgoing.pop_front()?;
            let Some(member) = self.links.get_mut(link).and_then(|c| c.member.as_mut()) else {
                continue;
            };
            let next = member.next_waiting(now);
            member.in_outgoing = next.is_some();
            let Some((channel, next)) = next else {
                continue;
            };
            self.outgoing.push_back(link);
            match next {
                Next::Transmit(waiting) => {
                    self.keep(link, channel, &waiting.payload);
                    return Some(Transmit {
                        link,
                        channel,
                        payload: waiting.payload,
                        since: Some(waiting.since),
                    });
                }
                Next::Room => self.room(link, channel),
            }
        }
    }

    /// Takes back a message that the backend did not take. It waits for room if it may; if not, the refusal belongs into the
    /// [`Sent`] of its [`send`](Self::send), which counted it as accepted.
    ///
    /// Give a message back before the next [`poll_transmit`](Self::poll_transmit). Only one that has not waited before is ever
    /// refused, so that a driver which drains `poll_transmit` after each `send` knows whose `Sent` it is.
    pub fn handle_rejected(
        &mut self,
        now: Instant,
        transmit: Transmit,
        reason: BackendSendError,
    ) -> Option<Refused> {
        let Transmit {
            link,
            channel,
            payload,
            since,
        } = transmit;
        let outlives = self.outlives(link);
        let member = self.links.get_mut(link)?.member.as_mut()?;
        let peer = member.peer;
        if let Some(life) = &mut member.life {
            life.give_back(channel);
        }
        let goes_on = member.may_go_on();
        let entry = member.any_channel_mut(channel)?;
        let outlives = outlives && entry.role.is_planned();
        let (outbox, bytes) = (&mut entry.outbox, payload.len());
        let mut refusal = |reason| {
            entry.sent.take_back(bytes);
            Some(Refused { peer, reason })
        };
        match (reason, since) {
            (BackendSendError::Full, Some(since)) => {
                outbox.put_back(now, Waiting { payload, since });
            }
            (BackendSendError::Full, None) => {
                if outbox.keep(now, payload).is_err() {
                    return refusal(RefusedReason::Full);
                }
            }
            (BackendSendError::NotOpen, None) if outlives => {
                if outbox.keep(now, payload).is_err() {
                    return refusal(RefusedReason::Full);
                }
            }
            // It is closed, and the event that says so is on its way.
            (BackendSendError::NotOpen, None) => return refusal(RefusedReason::NotConnected),
            // The peer may outlive that, and then another link takes it.
            (BackendSendError::NotOpen, Some(since)) if goes_on => {
                outbox.put_back(now, Waiting { payload, since });
            }
            (BackendSendError::NotOpen, Some(_)) => outbox.clear(),
        }
        None
    }

    /// Has what waits tried again, also where the backend has said that it is full and not yet that there is room.
    pub fn flush(&mut self) {
        let Self {
            links, outgoing, ..
        } = self;
        for &link in self.peers.values() {
            let Some(member) = links.get_mut(link).and_then(|c| c.member.as_mut()) else {
                continue;
            };
            let transfers = &mut member.transfers.channel;
            for channel in member.channels.iter_mut().chain([transfers]) {
                if !channel.outbox.is_empty() {
                    channel.outbox.try_again();
                }
            }
            if member.has_waiting() && !core::mem::replace(&mut member.in_outgoing, true) {
                outgoing.push_back(link);
            }
        }
    }

    /// Whether a link waits for its turn to send.
    pub(crate) fn has_turns(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Whether the next [`send`](Self::send) may have to wait, so that the time it is given matters.
    pub(crate) fn is_backed_up(&self) -> bool {
        let members = self.links.iter().filter_map(|link| link.member.as_ref());
        let mut channels =
            members.flat_map(|member| member.channels.iter().chain([&member.transfers.channel]));
        !self.lane.is_empty() || channels.any(|channel| !channel.outbox.is_clear())
    }

    /// Bytes of a peer's channel that wait in the mesh.
    pub(crate) fn waiting_bytes(&self, peer: PeerId, channel: ChannelIndex) -> usize {
        self.member_of(peer)
            .and_then(|member| member.channel(channel))
            .map_or(0, |channel| channel.outbox.bytes())
    }

    /// The backend says that a channel has room again.
    pub(super) fn buffered_amount_low(
        &mut self,
        now: Instant,
        link: LinkId,
        channel: ChannelIndex,
    ) {
        let Some(member) = self.links.get_mut(link).and_then(|c| c.member.as_mut()) else {
            return;
        };
        if channel == member.transfers.index() {
            self.transfers_low(now, link);
            return;
        }
        let Some(entry) = member.channels.get_mut(usize::from(channel.0)) else {
            return;
        };
        entry.outbox.low(now);
        if entry.outbox.take_low() {
            self.room(link, channel);
        } else if entry.outbox.is_ready() && !core::mem::replace(&mut member.in_outgoing, true) {
            self.outgoing.push_back(link);
        }
    }

    fn room(&mut self, link: LinkId, channel: ChannelIndex) {
        self.notice(link, super::agenda::News::BufferedAmountLow(channel));
    }
}

/// What a channel does with a message that it takes.
enum Taken {
    Passes,
    Waits,
}

/// What a channel has in its turn.
enum Next {
    Transmit(Waiting),
    /// Nothing any more, which the game is to be told.
    Room,
}

impl Member {
    /// Takes a message, or says why not.
    fn take_in(
        &mut self,
        now: Instant,
        index: ChannelIndex,
        payload: &Payload,
        to_one: bool,
        may_pass: bool,
    ) -> Result<Taken, RefusedReason> {
        if !self.is_connected() {
            return Err(RefusedReason::NotConnected);
        }
        let limit = self.limit(payload);
        let channel = self
            .channels
            .get_mut(usize::from(index.0))
            // What a peer has made for itself at this position is not the channel that all are meant to have.
            .filter(|channel| to_one || channel.role.is_planned())
            .ok_or(RefusedReason::NoSuchChannel)?;
        if payload.len() > limit {
            return Err(RefusedReason::TooLarge { limit });
        }
        if self.interrupted && !channel.mode.is_reliable() {
            return Err(RefusedReason::Interrupted);
        }
        if may_pass && channel.outbox.is_clear() {
            channel.sent.count(payload.len());
            return Ok(Taken::Passes);
        }
        match channel.outbox.push(now, payload.clone()) {
            Ok(()) => {
                channel.sent.count(payload.len());
                Ok(Taken::Waits)
            }
            Err(_full) => Err(RefusedReason::Full),
        }
    }

    /// The largest size that this message may have.
    fn limit(&self, payload: &Payload) -> usize {
        self.batches.limit(payload, self.max_message_size)
    }

    pub(super) fn has_waiting(&self) -> bool {
        let channels = self.channels.iter().chain([&self.transfers.channel]);
        channels
            .into_iter()
            .any(|channel| channel.outbox.is_ready())
    }

    /// The next message of the channel whose turn it is.
    fn next_waiting(&mut self, now: Instant) -> Option<(ChannelIndex, Next)> {
        // The turn of transfers comes last.
        let count = self.channels.len() + 1;
        for offset in 0..count {
            let index = (usize::from(self.turn) + offset) % count;
            let transfers = &mut self.transfers;
            let transfers_index = transfers.index();
            let (position, channel) = match self.channels.get_mut(index) {
                Some(channel) => (
                    ChannelIndex(u16::try_from(index).unwrap_or(u16::MAX)),
                    channel,
                ),
                None => (transfers_index, &mut transfers.channel),
            };
            let next = if let Some(waiting) = channel.outbox.pop(now) {
                Next::Transmit(waiting)
            } else if channel.outbox.take_low() && position != transfers_index {
                Next::Room
            } else {
                continue;
            };
            let index = u16::try_from(index).unwrap_or(u16::MAX);
            self.turn = index.saturating_add(1);
            return Some((position, next));
        }
        None
    }
}
