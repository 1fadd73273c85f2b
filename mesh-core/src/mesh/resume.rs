//! How a peer goes on over another link: its successor takes over without a loss, and the game hears that it has resumed.

#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::time::Duration;

use super::Mesh;
use super::agenda::News;
use super::connection::{Member, Phase};
use super::continuation::Continuation;
use super::life::{Life, TooMuch};
use crate::{
    ChannelIndex, Command, ConnectFailure, ConnectionState, DisconnectReason, Instant, LinkId,
    Payload, PeerId,
};

/// How long a path may be broken before another link is made. A short cut heals sooner by itself. After a longer one SCTP may wait for
/// 3 s until it tries again, and may then send one packet in a round trip for seconds. Another link does neither.
const PATIENCE: Duration = Duration::from_secs(1);

/// A path that breaks again within this time after it was back does not heal by itself: it carries nothing in one direction, which takes
/// 3 s to notice ([`Life::Deaf`](crate::platform::Life::Deaf)).
const SOON_AGAIN: Duration = Duration::from_secs(6);

/// How long a successor that is complete waits for its far side to say the same.
const TAKING_OVER: Duration = Duration::from_secs(5);

impl Mesh {
    /// Sets whether links that break are replaced by others: whether there is a driver that makes a replacement when it is
    /// [due](Self::replacement_due). If not, which is the default, nothing is kept for one, and a peer whose link closes is gone at
    /// once. A [`Session`](crate::Session) sets it. It holds for links that are made from now on.
    pub const fn set_replacements(&mut self, are_made: bool) {
        self.makes_replacements = are_made;
    }

    pub(super) const fn resume_limit(&self) -> usize {
        if self.makes_replacements {
            self.config.resume_bytes
        } else {
            0
        }
    }

    /// Whether a peer's path is broken and will not heal by itself, of which the far side may know nothing.
    pub(crate) fn is_not_to_heal(&self, peer: PeerId) -> bool {
        self.member_of(peer).is_some_and(Member::is_not_to_heal)
    }

    /// Peers whose link has closed while the path was broken, and that wait for another one.
    pub(crate) fn severed_peers(&self) -> impl Iterator<Item = (PeerId, LinkId)> {
        let severed = |link: LinkId| self.member(link).is_some_and(|member| member.severed);
        let peers = self.peers.iter().map(|(peer, link)| (*peer, *link));
        peers.filter(move |(_, link)| severed(*link))
    }

    /// When a successor should be made that goes on where a peer's present link is broken. `None` where nothing is broken,
    /// where the peer cannot go on over another link, and while there is a successor.
    #[must_use]
    pub fn replacement_due(&self, peer: PeerId) -> Option<Instant> {
        let member = self.member_of(peer)?;
        let Phase::Connected { .. } = member.phase else {
            return None;
        };
        let since = member.interrupted_since.filter(|_| member.may_go_on())?;
        if self.successor(peer).is_some() {
            return None;
        }
        Some(if member.is_not_to_heal() {
            since
        } else {
            since + PATIENCE
        })
    }

    /// Whether a successor is complete and waits only for its far side to say the same. It must not be given up then without
    /// need: the far side may count on it already.
    pub(crate) fn is_taking_over(&self, link: LinkId) -> bool {
        self.member(link).is_some_and(Member::is_taking_over)
    }

    /// Whether a link is a successor that both sides have agreed to go on with.
    pub(crate) fn is_going_on(&self, link: LinkId) -> bool {
        self.is_described(link) && self.goes_on(link)
    }

    /// Whether a link is a successor that is to go on with the life of the first one.
    pub(super) fn goes_on(&self, link: LinkId) -> bool {
        let member = self.member(link);
        member.is_some_and(|member| member.continuation.is_some())
    }

    /// Whether the path to a connected peer is broken.
    pub(crate) fn is_interrupted(&self, peer: PeerId) -> bool {
        self.member_of(peer)
            .is_some_and(|member| member.interrupted)
    }

    /// Keeps a reliable message that goes to the backend, until the far side has it.
    pub(super) fn keep(&mut self, link: LinkId, channel: ChannelIndex, payload: &Payload) {
        let Some(member) = self.links.get_mut(link).and_then(|c| c.member.as_mut()) else {
            return;
        };
        let Some(life) = &mut member.life else {
            return;
        };
        if life.keep(channel, payload) == Err(TooMuch) {
            self.end_replacement_of(link);
        }
    }

    /// A first link that can no longer be gone on with has no use for a successor that would.
    fn end_replacement_of(&mut self, link: LinkId) {
        let successor = self.peer_of(link).and_then(|peer| self.successor(peer));
        if let Some(successor) = successor.filter(|link| self.goes_on(*link)) {
            self.drop_successor(successor, Some(Duration::ZERO));
        }
    }

    /// The far side says how many of our messages it has taken: on the present link to let us forget them, on a successor to
    /// go on from there.
    pub(super) fn counted(&mut self, now: Instant, link: LinkId, counts: Vec<(u16, u64)>) {
        let Some(member) = self.member_mut(link) else {
            return;
        };
        if let Some(continuation) = &mut member.continuation {
            continuation.heard.get_or_insert(counts);
            self.go_on(now, link);
        } else if let Some(life) = &mut member.life {
            member.unsettled = false;
            if life.confirm(&counts).is_err() {
                self.miscounted(link);
                return;
            }
            self.transfers_taken(now, link);
        }
    }

    /// Tells the far side how many messages we have taken over a link. While a successor takes over we tell nothing on the first
    /// link: the far side would forget messages that it has to send again.
    pub(super) fn tell_taken(&mut self, link: LinkId) {
        let successor = self.peer_of(link).and_then(|peer| self.successor(peer));
        if successor.is_some_and(|successor| self.is_taking_over(successor)) {
            return;
        }
        let life = self
            .member_mut(link)
            .and_then(|member| member.life.as_mut());
        if let Some(counts) = life.map(Life::counts) {
            self.commands.push_back(Command::TellTaken { link, counts });
        }
    }

    fn miscounted(&mut self, link: LinkId) {
        let what = "it says that it has messages that were never sent".into();
        self.end_now(link, DisconnectReason::Protocol(what));
    }

    /// A successor that goes on is complete: the far side is told how much we have, so that it sends the rest.
    pub(super) fn tell_counts(&mut self, now: Instant, link: LinkId) {
        if self.is_taking_over(link) {
            return;
        }
        let peer = self.peer_of(link);
        let name = peer.and_then(|peer| self.life_of(peer));
        let first = peer.and_then(|peer| self.connection(peer));
        let first = first.and_then(|first| self.member_mut(first));
        let counts = first.filter(|_| name.is_some()).and_then(|first| {
            first.may_be_left = true;
            Some(first.life.as_mut()?.counts())
        });
        let Some(counts) = counts else {
            // The peer is leaving, or nothing is kept any more.
            self.end_now(link, ConnectFailure::Closed);
            return;
        };
        let Some(member) = self.member_mut(link) else {
            return;
        };
        if let Phase::Connecting { deadline } = &mut member.phase {
            *deadline = (now + TAKING_OVER).min(*deadline);
        }
        if let Some(continuation) = &mut member.continuation {
            continuation.told = Some(counts.clone());
            self.commands.push_back(Command::TellTaken { link, counts });
            self.go_on(now, link);
        }
    }

    /// If both sides have said how much they have, the successor is the peer's link from now on.
    fn go_on(&mut self, now: Instant, link: LinkId) {
        let Some(peer) = self.peer_of(link) else {
            return;
        };
        let continuation = self.member_mut(link).and_then(|member| {
            let is_agreed = |c: &mut Continuation| c.told.is_some() && c.heard.is_some();
            member.continuation.take_if(is_agreed)
        });
        let Some(Continuation {
            life: name,
            told: Some(told),
            heard: Some(heard),
        }) = continuation
        else {
            return;
        };
        let can_go_on = self.life_of(peer) == Some(name);
        let first = self.connection(peer).filter(|_| can_go_on);
        let member = first.and_then(|first| self.member_mut(first));
        let again = member.and_then(|member| member.life.as_mut()?.go_on(&told, &heard).ok());
        let (Some(first), Some(mut again)) = (first, again) else {
            // The peer is leaving, or the counts are of long ago. Another one may go on.
            self.end_now(link, ConnectFailure::Closed);
            return;
        };
        // What has not been taken out yet goes to the new link, before what waits behind it.
        let mut late = self.lane.take(first);
        for again in &mut again {
            let late = late.take_if(|(channel, _)| *channel == again.channel);
            again.payloads.extend(late.map(|(_, payload)| payload));
        }
        self.successors.remove(&peer);
        self.peers.insert(peer, link);
        self.agenda.rename(first, link);
        let former = self.drop_link(first, Some(Duration::ZERO));
        let Some(former) = former else {
            return;
        };
        self.pair_replaced(link, former.path);
        let (Some(former), Some(member)) = (former.member, self.member_mut(link)) else {
            return;
        };
        let was_interrupted = former.interrupted || former.told_interrupted;
        let overflow = member.inherit(former);
        for again in again {
            if let Some(outbox) = member.outbox(again.channel) {
                outbox.go_on(now, again.surplus, again.payloads);
            }
        }
        if overflow.is_err() {
            self.end_now(link, DisconnectReason::InboxFull);
            return;
        }
        if self.member(link).is_some_and(Member::takes_transfers) {
            self.take_early_transfers(link);
        }
        if self.member(link).is_none() {
            return;
        }
        self.tell_taken(link);
        self.transfers_taken(now, link);
        self.wake_outgoing(link);
        self.catch_up(link);
        // Its own path may have broken since it was complete.
        let state = self.links.get(link).map(|entry| entry.reported);
        if let Some(state @ (ConnectionState::Disconnected | ConnectionState::Failed)) = state {
            self.state(now, link, state);
        } else if was_interrupted {
            self.notice(link, News::Resumed);
        }
    }

    /// Has the game told what has come over a link before it was the peer's.
    fn catch_up(&mut self, link: LinkId) {
        let Some(member) = self.member(link).filter(|member| member.announced) else {
            return;
        };
        let count = u16::try_from(member.channels.len()).unwrap_or(u16::MAX);
        for channel in (0..count).map(ChannelIndex) {
            self.notice(link, News::ChannelReceived(channel));
            self.notice(link, News::Dropped(channel));
        }
        self.enter_round(link);
    }

    /// Puts a link that has something to send among those that have their turns.
    pub(super) fn wake_outgoing(&mut self, link: LinkId) {
        let Some(member) = self.links.get_mut(link).and_then(|c| c.member.as_mut()) else {
            return;
        };
        if member.has_waiting() && !core::mem::replace(&mut member.in_outgoing, true) {
            self.outgoing.push_back(link);
        }
    }

    /// Whether a peer outlives the end of its link: nobody has said goodbye, and the path was broken before, or another link is
    /// taking over.
    pub(super) fn outlives(&self, link: LinkId) -> bool {
        let Some(entry) = self.links.get(link) else {
            return false;
        };
        let Some(member) = &entry.member else {
            return false;
        };
        entry.farewell.is_none()
            && member.may_go_on()
            && member.is_connected()
            && (member.interrupted
                || member.unsettled
                || member.may_be_left
                || self
                    .successor(member.peer)
                    .is_some_and(|link| self.goes_on(link)))
    }

    /// The link carries nothing any more, and the peer waits for another one.
    pub(super) fn sever(&mut self, now: Instant, link: LinkId) {
        let window = self.config.resume_window;
        let Some(member) = self.member_mut(link) else {
            return;
        };
        member.severed = true;
        if let Phase::Connected { lost_at } = &mut member.phase {
            lost_at.get_or_insert(now + window);
        }
        let transfers = &mut member.transfers.channel;
        for channel in member.channels.iter_mut().chain([transfers]) {
            channel.outbox.hold();
        }
        self.interrupted(now, link);
    }

    /// The path of a link is broken.
    pub(super) fn interrupted(&mut self, now: Instant, link: LinkId) {
        let Some(member) = self.member_mut(link).filter(|member| !member.interrupted) else {
            return;
        };
        member.interrupt(now);
        self.notice(link, News::Interrupted);
    }
}

impl Member {
    /// Whether another link can go on where this one breaks.
    pub(super) fn may_go_on(&self) -> bool {
        self.life.as_ref().is_some_and(Life::is_kept)
    }

    /// Whether its link has closed, or its path has broken again soon after it was back.
    fn is_not_to_heal(&self) -> bool {
        let since = self.interrupted_since;
        let again = since.zip(self.resumed_at);
        self.severed || again.is_some_and(|(since, at)| since - at < SOON_AGAIN)
    }

    /// Whether it is complete, and waits only for the far side to say the same.
    pub(super) fn is_taking_over(&self) -> bool {
        let continuation = self.continuation.as_ref();
        continuation.is_some_and(|continuation| continuation.told.is_some())
    }

    /// Goes on as the peer that another link has carried so far. Its packets come before those of this link.
    fn inherit(&mut self, former: Self) -> Result<(), crate::platform::InboxFull> {
        self.phase = Phase::Connected { lost_at: None };
        self.unsettled = true;
        self.announced = former.announced;
        self.told_interrupted = former.told_interrupted;
        for (channel, before) in self.channels.iter_mut().zip(former.channels) {
            if channel.role.is_planned() {
                if channel.mode.is_reliable() {
                    channel.outbox = before.outbox;
                } else {
                    channel.outbox.add_dropped(&before.outbox);
                }
                channel.dropped = channel.dropped.saturating_add(before.dropped);
                channel.sent.add(before.sent);
                channel.received.add(before.received);
            }
        }
        self.life = former.life;
        self.transfers.inherit(former.transfers);
        let mut early = core::mem::replace(&mut self.inbox, former.inbox);
        for (channel, mode) in (0..).map(ChannelIndex).zip(&self.channels) {
            self.inbox.set_channel(channel, mode.mode);
        }
        let mut result = Ok(());
        while let Some((channel, mode, payload)) = early.pop() {
            let life = self.life.as_mut().filter(|_| mode.is_reliable());
            if life.is_some_and(|life| !life.take(channel, payload.len())) {
                if let Some(channel) = self.planned_mut(channel) {
                    channel.received.take_back(payload.len());
                }
                continue;
            }
            let channels = &mut self.channels;
            let pushed = self.inbox.push(channel, payload, |dropped| {
                super::connection::count_dropped(channels, dropped, 1);
            });
            result = result.and(pushed);
        }
        result
    }
}
