//! Transfers between two peers of ours: what is larger than a message, in parts, beside the messages of the game.
//!
//! They have a channel of their own, reliable and ordered, that a game does not see. The far side says which messages of it it
//! has taken, as it does for every reliable channel: that is what the progress is, what bounds how much is under way, and why a
//! transfer goes on over another link without a word more.

#[cfg(test)]
pub(super) mod tests;

use alloc::collections::VecDeque;
use alloc::string::String;

use bytes::Bytes;

use super::Mesh;
use super::agenda::News;
use super::connection::{Channel, Member};
use super::life::Life;
use super::outbox::Outbox;
use super::transfer::{Heard, Incoming, MAX_WINDOW, MIN_WINDOW, Offer, Outgoing, Word};
use crate::platform::inbox::cost;
use crate::platform::{MAX_REMOTE_CHANNELS, TRANSFER_STREAM};
use crate::transfer::MAX_TRANSFER_NAME;
use crate::{
    ChannelIndex, ChannelLimits, ChannelParameters, ChannelRole, ChannelSpec, ChannelState,
    Command, DisconnectReason, Duration, Instant, LinkId, Payload, PeerId, Reliability, SendLimits,
    TransferError, TransferEvent, TransferId, TransferInfo, TransferMode,
};

/// The transfers with one peer, and their channel.
#[derive(Debug)]
pub(super) struct Transfers {
    /// Above all channels that the far side may make.
    index: ChannelIndex,
    pub(super) channel: Channel,
    /// What this side takes; `None` if it takes none.
    own: Option<Offer>,
    /// What the far side takes, once it has described itself.
    far: Option<Option<Offer>>,
    outgoing: Outgoing,
    incoming: Incoming,
    /// What came before the game knew of the peer, or over a link before it went on with the life of another one. The far side has
    /// not been told that it is taken, so it sends no more than its window.
    early: VecDeque<(Instant, Payload)>,
    /// What that costs.
    early_bytes: usize,
}

/// How much a backend holds. All of it may be there, so that the speed hardly depends on how often a game polls. It says so when
/// nothing is left.
const LIMITS: ChannelLimits = ChannelLimits {
    bytes: MAX_WINDOW,
    age: Duration::MAX,
    backend: SendLimits {
        high_water: MAX_WINDOW,
        low_water: 0,
        age: Duration::MAX,
    },
    bulk: true,
};

impl Transfers {
    pub(super) fn new(planned: usize, own: Option<Offer>) -> Self {
        let planned = u16::try_from(planned).unwrap_or(u16::MAX);
        let spec = ChannelSpec {
            label: String::from("transfers"),
            parameters: ChannelParameters {
                id: TRANSFER_STREAM,
                ordered: true,
                reliability: Reliability::Reliable,
            },
            limits: LIMITS.backend,
            bulk: LIMITS.bulk,
        };
        let mode = TransferMode::Reliable;
        Self {
            index: ChannelIndex(planned.saturating_add(MAX_REMOTE_CHANNELS)),
            channel: Channel::planned(ChannelRole::Custom, spec, mode, LIMITS),
            own,
            far: None,
            outgoing: Outgoing::default(),
            incoming: Incoming::default(),
            early: VecDeque::new(),
            early_bytes: 0,
        }
    }

    /// What makes the channel, if this side takes transfers.
    pub(super) fn create(&self, link: LinkId) -> Option<Command> {
        self.own.map(|_| Command::CreateChannel {
            link,
            channel: self.index,
            spec: self.channel.spec.clone(),
        })
    }

    pub(super) const fn index(&self) -> ChannelIndex {
        self.index
    }

    /// What our description says.
    pub(super) fn announce(&self, sdp: String) -> String {
        match self.own {
            Some(own) => own.announce(&sdp),
            None => sdp,
        }
    }

    pub(super) fn described(&mut self, sdp: &str) {
        self.far = Some(Offer::read(sdp));
    }

    /// Whether both sides have the channel.
    pub(super) const fn are_agreed(&self) -> bool {
        matches!((self.own, self.far), (Some(_), Some(Some(_))))
    }

    /// Whether another link's transfers can go on here, as far as the far side has described itself.
    pub(super) const fn fit(&self, first: &Self) -> bool {
        self.far.is_none() || self.are_agreed() == first.are_agreed()
    }

    /// Goes on with what another link has carried. What that one has not counted comes again over this one.
    pub(super) fn inherit(&mut self, former: Self) {
        self.outgoing = former.outgoing;
        self.incoming = former.incoming;
        self.channel.outbox = former.channel.outbox;
        self.channel.sent.add(former.channel.sent);
        self.channel.received.add(former.channel.received);
    }

    /// How much of the far side's present transfer is there.
    pub(super) fn progress(&mut self, id: TransferId) -> Option<TransferEvent> {
        self.incoming.progress(id)
    }

    /// Has the next messages wait for the backend, as many as may be under way: no more than the far side holds, and than we keep
    /// for another link.
    fn fill(&mut self, now: Instant, largest: usize, kept: usize) {
        let is_open = self.channel.state == ChannelState::Open;
        let Some(far) = self.far.flatten().filter(|_| is_open) else {
            return;
        };
        let window = far.window.min(kept);
        while let Some(payload) = self.outgoing.next(largest, window) {
            self.queue(now, payload);
        }
    }

    fn queue(&mut self, now: Instant, payload: Payload) {
        self.channel.sent.count(payload.len());
        self.channel.outbox.append(now, payload);
    }
}

impl Mesh {
    /// Transfers bytes to a connected peer: more than a message may have, up to [`MeshConfig::max_transfer`](crate::MeshConfig::max_transfer)
    /// of both sides. The peer hears [`TransferEvent::Begun`] with `name`, and all of them in one piece at the end.
    ///
    /// Transfers to one peer go one after the other. They have a channel of their own: messages of the game do not wait for
    /// them, and have no order with them. A transfer goes on after an interruption of the path, and it ends with the peer. A
    /// kick does not wait for it; a leave sends what the platform has got, as long as it may linger.
    ///
    /// # Errors
    ///
    /// [`TransferError`]; nothing has changed then.
    pub fn send_transfer(
        &mut self,
        now: Instant,
        peer: PeerId,
        name: impl Into<String>,
        bytes: impl Into<Bytes>,
    ) -> Result<TransferId, TransferError> {
        let (name, bytes) = (name.into(), bytes.into());
        let link = self.connection(peer).filter(|_| self.is_connected(peer));
        let link = link.ok_or(TransferError::NotConnected { peer })?;
        let transfers = self.transfers_mut(link);
        let transfers = transfers.ok_or(TransferError::NotConnected { peer })?;
        let (Some(own), Some(Some(far))) = (transfers.own, transfers.far) else {
            return Err(TransferError::Unsupported { peer });
        };
        let limit = own.limit().min(far.limit());
        let size = bytes.len();
        if size > limit {
            return Err(TransferError::TooLarge { size, limit });
        }
        if name.len() > MAX_TRANSFER_NAME {
            return Err(TransferError::NameTooLong { size: name.len() });
        }
        let id = transfers.outgoing.add(name, bytes)?;
        self.fill_transfers(now, link);
        Ok(id)
    }

    /// Gives a transfer of ours up; the peer hears [`TransferEvent::Cancelled`] if it knows of it. `false` if there is no such
    /// transfer, or all of it has been given to the network.
    pub fn cancel_transfer(&mut self, now: Instant, peer: PeerId, transfer: TransferId) -> bool {
        let Some(link) = self.connection(peer) else {
            return false;
        };
        self.remove_transfer(now, link, transfer)
    }

    /// Does not want a transfer of a peer, which hears [`TransferEvent::Refused`]. Nothing more is told of it. `false` if the peer
    /// has no such transfer under way.
    pub fn refuse_transfer(&mut self, now: Instant, peer: PeerId, transfer: TransferId) -> bool {
        let Some(link) = self.connection(peer) else {
            return false;
        };
        let Some(transfers) = self.transfers_mut(link) else {
            return false;
        };
        let is_refused = transfers.incoming.refuse(transfer);
        if is_refused {
            let number = transfer.get();
            let word = transfers.outgoing.say(&Word::Refuse { number });
            transfers.queue(now, word);
            self.wake_outgoing(link);
        }
        is_refused
    }

    /// Our transfers to a peer, the oldest first: those under way, and those that wait for them.
    pub fn transfers_to(&self, peer: PeerId) -> impl Iterator<Item = TransferInfo> {
        let member = self.member_of(peer).into_iter();
        member.flat_map(|member| member.transfers.outgoing.list())
    }

    fn remove_transfer(&mut self, now: Instant, link: LinkId, id: TransferId) -> bool {
        let Some(transfers) = self.transfers_mut(link) else {
            return false;
        };
        let Some(word) = transfers.outgoing.remove(id) else {
            return false;
        };
        if let Some(word) = word {
            let word = transfers.outgoing.say(&word);
            transfers.queue(now, word);
        }
        self.fill_transfers(now, link);
        true
    }

    /// Counts a message of the transfer channel and takes it, unless it has come over the former link, too.
    fn transfer_message(&mut self, now: Instant, link: LinkId, payload: Payload) {
        let Some(member) = self.member_mut(link) else {
            return;
        };
        if let Some(life) = &mut member.life {
            if !life.take(member.transfers.index, payload.len()) {
                return;
            }
            if life.is_due() {
                self.tell_taken(link);
            }
        }
        self.transferred(now, link, payload);
    }

    /// Takes a message of the transfer channel, which has been counted.
    pub(super) fn transferred(&mut self, now: Instant, link: LinkId, payload: Payload) {
        let limit = self.config.max_transfer;
        let Some(transfers) = self.transfers_mut(link) else {
            return;
        };
        transfers.channel.received.count(payload.len());
        let heard = transfers.incoming.take(payload, limit);
        let heard = match &heard {
            Ok(Heard::Refused(id)) if !transfers.outgoing.has_begun(*id) => {
                Err("it refuses a transfer that has not begun")
            }
            Ok(_) | Err(_) => heard,
        };
        match heard {
            Ok(Heard::Nothing) => {}
            Ok(Heard::Event(id, event)) => self.notice(link, News::Transfer(id, event)),
            Ok(Heard::Progress(id)) => self.notice(link, News::TransferProgress(id)),
            Ok(Heard::Refused(id)) => {
                let is_given_up = self.remove_transfer(now, link, id);
                let mut refused = |all: &mut Transfers| all.outgoing.refused(id);
                if is_given_up || self.transfers_mut(link).is_some_and(&mut refused) {
                    self.notice(link, News::Transfer(id, TransferEvent::Refused));
                }
            }
            Err(what) => {
                self.end_now(link, DisconnectReason::Protocol(String::from(what)));
                return;
            }
        }
        let finished = self.transfers_mut(link);
        if let Some((id, payload)) = finished.and_then(|all| all.incoming.finish()) {
            self.agenda.transferred(payload.len());
            self.notice(link, News::Transfer(id, TransferEvent::Received(payload)));
            // The far side waits for the last count.
            self.tell_taken(link);
        }
    }

    /// Keeps a message that cannot be told of yet.
    pub(super) fn transferred_early(&mut self, now: Instant, link: LinkId, payload: Payload) {
        let Some(transfers) = self.transfers_mut(link) else {
            return;
        };
        transfers.early_bytes += cost(&payload);
        if transfers.early_bytes > 2 * MAX_WINDOW {
            self.end_now(link, DisconnectReason::InboxFull);
            return;
        }
        transfers.early.push_back((now, payload));
    }

    /// Takes what has come early, now that it can be told of.
    pub(super) fn take_early_transfers(&mut self, link: LinkId) {
        let Some(transfers) = self.transfers_mut(link) else {
            return;
        };
        transfers.early_bytes = 0;
        // All at once: a fault among them ends the peer, which comes here again.
        for (came, payload) in core::mem::take(&mut transfers.early) {
            self.transfer_message(came, link, payload);
        }
    }

    /// The peer is removed: what is under way would only hold up the goodbye.
    pub(super) fn abandon_transfers(&mut self, link: LinkId) {
        let transfers = self.transfers_mut(link);
        let transfers = transfers.filter(|transfers| transfers.outgoing.is_under_way());
        let channel = transfers.map(|transfers| transfers.index);
        let abandon = channel.map(|channel| Command::Abandon { link, channel });
        self.commands.extend(abandon);
    }

    /// The far side may have taken more, and so more may be sent.
    pub(super) fn transfers_taken(&mut self, now: Instant, link: LinkId) {
        let Some(member) = self.member_mut(link) else {
            return;
        };
        let index = member.transfers.index;
        let count = member.life.as_ref().map(|life| life.confirmed(index));
        let whole = member.transfers.outgoing.confirm(count.unwrap_or_default());
        for id in whole {
            self.notice(link, News::Transfer(id, TransferEvent::Sent));
        }
        self.fill_transfers(now, link);
    }

    /// The backend has sent all that it was given.
    pub(super) fn transfers_low(&mut self, now: Instant, link: LinkId) {
        let Some(transfers) = self.transfers_mut(link) else {
            return;
        };
        transfers.channel.outbox.low(now);
        transfers.channel.outbox.take_low();
        if transfers.channel.outbox.is_empty() {
            transfers.outgoing.widen();
        }
        self.fill_transfers(now, link);
    }

    /// Has the next messages wait for the backend.
    pub(super) fn fill_transfers(&mut self, now: Instant, link: LinkId) {
        let Some(member) = self.member_mut(link).filter(|member| member.is_connected()) else {
            return;
        };
        let kept = member.life.as_ref().and_then(Life::room_for_transfers);
        let kept = kept.map_or(usize::MAX, |kept| kept.max(MIN_WINDOW));
        let largest = member.batches.least_limit(member.max_message_size);
        member.transfers.fill(now, largest, kept);
        self.wake_outgoing(link);
    }

    fn transfers_mut(&mut self, link: LinkId) -> Option<&mut Transfers> {
        Some(&mut self.member_mut(link)?.transfers)
    }
}

impl Member {
    /// Whether the game does not know of it yet, though it is there.
    pub(super) const fn is_untold(&self) -> bool {
        self.was_connected() && !self.announced && self.continuation.is_none()
    }

    /// Whether the game can be told of its transfers: it knows of the peer, and no other link may still go on before this one.
    pub(super) const fn takes_transfers(&self) -> bool {
        self.announced && self.continuation.is_none()
    }

    /// One of the channels that both sides have made: of the plan, or that of transfers.
    pub(super) fn any_channel_mut(&mut self, index: ChannelIndex) -> Option<&mut Channel> {
        if index == self.transfers.index {
            return Some(&mut self.transfers.channel);
        }
        self.channels.get_mut(usize::from(index.0))
    }

    /// The outbox of a channel whose messages another link may have to send.
    pub(super) fn outbox(&mut self, index: ChannelIndex) -> Option<&mut Outbox> {
        let channel = self.any_channel_mut(index)?;
        channel.role.is_planned().then_some(&mut channel.outbox)
    }
}
