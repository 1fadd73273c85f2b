//! `handle_*`: what a backend reports, and the passing of time.

use core::time::Duration;

use super::agenda::News;
use super::connection::{Member, Phase, count_dropped};
use super::{ConnectionStatus, LINGER, Mesh};
use crate::platform::InboxFull;
use crate::platform::batch::Read;
use crate::{
    ChannelIndex, CloseReason, ConnectFailure, ConnectionState, DisconnectReason, GatheringState,
    Instant, LinkEvent, LinkId, LinkStats, PathKind, Payload, SessionDescription, Signal,
};

/// How long a connection that is refused stays after its answer, so that the far side reads there why.
const REFUSING: Duration = Duration::from_secs(1);

impl Mesh {
    /// Takes in what happened on a link. Events of links that are no more are ignored.
    pub fn handle_event(&mut self, now: Instant, event: LinkEvent) {
        match event {
            LinkEvent::Message {
                link,
                channel,
                payload,
            } => self.arrived(now, link, channel, payload),
            LinkEvent::State { link, state } => self.state(now, link, state),
            LinkEvent::Description { link, description } => {
                self.described(now, link, description);
            }
            LinkEvent::Candidate { link, candidate } => {
                self.signal(link, Signal::Candidate(candidate));
            }
            LinkEvent::ChannelOpened {
                link,
                channel,
                remote: false,
                actual,
            } => self.channel_opened(now, link, channel, actual),
            LinkEvent::ChannelOpened {
                link,
                channel,
                remote: true,
                actual,
            } => self.channel_received(link, channel, actual),
            LinkEvent::ChannelClosed { link, channel } => self.channel_closed(now, link, channel),
            LinkEvent::BufferedAmountLow { link, channel } => {
                self.buffered_amount_low(now, link, channel);
            }
            LinkEvent::InboxDropped {
                link,
                channel,
                messages,
            } => self.dropped(link, channel, messages),
            LinkEvent::Stats { link, stats } => self.measured(link, stats),
            LinkEvent::PairSelected { link, path } => self.pair_selected(link, path),
            LinkEvent::Kicked { link, peer, reason } => {
                // Whoever kicks us says so in its goodbye.
                if self.unique_id != Some(peer) && self.member(link).is_some() {
                    self.notice(link, News::Kicked(peer, reason));
                }
            }
            LinkEvent::Taken { link, counts } => self.counted(now, link, counts),
            LinkEvent::Goodbye { link, goodbye } => self.said_goodbye(now, link, goodbye),
            LinkEvent::Closed { link, reason } => self.closed(now, link, reason),
            LinkEvent::Gathered { link, trouble } => {
                if let Some(connection) = self.links.get_mut(link) {
                    connection.gathering = GatheringState::Complete;
                    connection.trouble = trouble;
                }
            }
        }
    }

    /// Takes in that it is `now`: gives up those whose time is over. Call it when [`poll_timeout`](Self::poll_timeout)
    /// has passed, after all events that happened before.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return;
        }
        for link in self.links.ids() {
            let Some(connection) = self.links.get(link) else {
                continue;
            };
            if connection.timeout().is_none_or(|due| now < due) {
                continue;
            }
            let Some(member) = &connection.member else {
                continue;
            };
            let (reason, linger) = match member.phase {
                Phase::Connecting { .. } => (connection.failure().into(), Duration::ZERO),
                Phase::Closing { .. } => (member.closing_reason(), LINGER),
                Phase::Connected { .. } => (DisconnectReason::Lost, Duration::ZERO),
            };
            self.end(link, reason, Some(linger));
        }
    }

    /// Takes in what came in one piece: a message, or several in a batch.
    fn arrived(&mut self, now: Instant, link: LinkId, channel: ChannelIndex, payload: Payload) {
        let Some(member) = self.member(link) else {
            return;
        };
        match member.batches.read(payload) {
            Ok(Read::Message(payload)) => self.message(now, link, channel, payload),
            Ok(Read::Batch(messages)) => {
                for payload in messages {
                    self.message(now, link, channel, payload);
                }
            }
            Err(what) => self.end_now(link, DisconnectReason::Protocol(what.into())),
        }
    }

    fn message(&mut self, now: Instant, link: LinkId, channel: ChannelIndex, payload: Payload) {
        let Some(member) = self.links.get_mut(link).and_then(|c| c.member.as_mut()) else {
            return;
        };
        if channel == member.transfers.index() && !member.takes_transfers() {
            self.transferred_early(now, link, payload);
            return;
        }
        if let Some(life) = &mut member.life {
            if !life.take(channel, payload.len()) {
                return;
            }
            if life.is_due() {
                self.tell_taken(link);
            }
        }
        let Some(member) = self.links.get_mut(link).and_then(|c| c.member.as_mut()) else {
            return;
        };
        if channel == member.transfers.index() {
            self.transferred(now, link, payload);
            return;
        }
        let agenda = &mut self.agenda;
        let Member {
            inbox, channels, ..
        } = &mut *member;
        if let Some(entry) = channels.get_mut(usize::from(channel.0)) {
            entry.received.count(payload.len());
        }
        let pushed = inbox.push(channel, payload, |dropped| {
            if count_dropped(channels, dropped, 1) {
                agenda.notice(link, News::Dropped(dropped));
            }
        });
        match pushed {
            Ok(()) => {
                if member.announced && member.enters_round() {
                    self.agenda.round.push_back(link);
                }
            }
            Err(InboxFull) => {
                self.end_now(link, DisconnectReason::InboxFull);
            }
        }
    }

    pub(super) fn state(&mut self, now: Instant, link: LinkId, state: ConnectionState) {
        let window = self.config.resume_window;
        let Some(connection) = self.links.get_mut(link) else {
            return;
        };
        connection.reported = state;
        let no_route = connection.no_route();
        let Some(member) = &mut connection.member else {
            return;
        };
        let is_taking_over = member.is_taking_over();
        match (state, &mut member.phase) {
            // What is severed stays so, whatever is said of its link.
            (_, Phase::Connected { .. }) if member.severed => {}
            (ConnectionState::Connected, Phase::Connecting { .. }) => self.complete(now, link),
            (ConnectionState::Connected, Phase::Connected { lost_at }) => {
                *lost_at = None;
                if member.interrupted {
                    member.interrupted = false;
                    member.interrupted_since = None;
                    member.resumed_at = Some(now);
                    self.notice(link, News::Resumed);
                }
            }
            // A failed link of a connected peer is given up at the end of the window and no sooner: the path may come back.
            (
                ConnectionState::Disconnected | ConnectionState::Failed,
                Phase::Connected { lost_at },
            ) => {
                lost_at.get_or_insert(now + window);
                self.interrupted(now, link);
            }
            (ConnectionState::Failed, Phase::Connecting { .. }) => self.end_now(link, no_route),
            // ICE begins anew while data goes on flowing, but it may find nothing. Or the peer is heard again, and has not yet what
            // it was sent before.
            (ConnectionState::New | ConnectionState::Connecting, Phase::Connected { lost_at }) => {
                if member.interrupted {
                    *lost_at = None;
                }
                lost_at.get_or_insert(now + window);
            }
            (ConnectionState::Closed, Phase::Connecting { .. }) => {
                self.end_now(link, ConnectFailure::Closed)
            }
            // After the first closed channel nothing but the rest of the messages counts.
            (ConnectionState::Closed, Phase::Connected { .. } | Phase::Closing { .. })
            | (ConnectionState::Failed, Phase::Closing { .. }) => {
                if self.outlives(link) {
                    self.sever(now, link);
                    return;
                }
                let Some(member) = self.member(link) else {
                    return;
                };
                let reason = member.closing_reason();
                self.end_now(link, reason);
            }
            // It was complete. The next one finds its way sooner than this one would find it again.
            (ConnectionState::Disconnected, Phase::Connecting { .. }) if is_taking_over => {
                self.end_now(link, ConnectFailure::Closed);
            }
            (
                ConnectionState::New | ConnectionState::Connecting,
                Phase::Connecting { .. } | Phase::Closing { .. },
            )
            | (ConnectionState::Connected, Phase::Closing { .. })
            | (ConnectionState::Disconnected, Phase::Connecting { .. } | Phase::Closing { .. }) => {
            }
        }
    }

    fn closed(&mut self, now: Instant, link: LinkId, reason: CloseReason) {
        if self.closing.remove(&link) {
            return;
        }
        let is_for_the_path = matches!(
            reason,
            CloseReason::Local | CloseReason::Remote | CloseReason::Failed(_)
        );
        if is_for_the_path && self.outlives(link) {
            self.sever(now, link);
            if let Some(connection) = self.links.get_mut(link) {
                connection.gone = Some(reason);
            }
            return;
        }
        let Some(connection) = self.links.get_mut(link) else {
            return;
        };
        let Some(member) = &connection.member else {
            connection.gone = Some(reason);
            return;
        };
        let gone = reason.clone();
        let reason = match reason {
            CloseReason::Local | CloseReason::Remote if member.was_connected() => {
                member.closing_reason()
            }
            CloseReason::Failed(_) if member.was_connected() => DisconnectReason::Lost,
            CloseReason::Local
            | CloseReason::Remote
            | CloseReason::Failed(_)
            | CloseReason::InboxFull
            | CloseReason::Protocol(_) => reason.into(),
        };
        // Whatever ends it on the way, there is nothing left to close.
        if let Some(connection) = self.links.get_mut(link) {
            connection.gone = Some(gone);
        }
        self.end(link, reason, None);
    }

    fn described(&mut self, now: Instant, link: LinkId, mut description: SessionDescription) {
        if let Some(connection) = self.links.get_mut(link) {
            connection.negotiation.local(description.sdp_type);
            if let Some(member) = &mut connection.member {
                let sdp = member.announce_channels(&description.sdp);
                let sdp = member.transfers.announce(sdp);
                description.sdp = member.batches.announce(&sdp);
                if connection.refusal.is_some() {
                    member.phase = Phase::Connecting {
                        deadline: now + REFUSING,
                    };
                }
            }
            // Applied by the backend, which begins the search for candidates.
            connection.gathering = GatheringState::Gathering;
        }
        self.begin_life(link, &mut description);
        self.signal(link, Signal::Description(description));
    }

    /// Counts a peer as connected if nothing is missing any more.
    pub(super) fn complete(&mut self, now: Instant, link: LinkId) {
        let Some(connection) = self.links.get_mut(link) else {
            return;
        };
        if !connection.is_complete() {
            return;
        }
        let Some(member) = &connection.member else {
            return;
        };
        if member.continuation.is_some() {
            self.tell_counts(now, link);
        } else if !member.was_connected() {
            self.count_as_connected(link);
        }
    }

    pub(super) fn count_as_connected(&mut self, link: LinkId) {
        self.take_over(link);
        let Some(member) = self.member_mut(link) else {
            return;
        };
        member.phase = Phase::Connected { lost_at: None };
        let is_first = member.peer.is_server();
        let is_server = self.mode.needs_server() && is_first;
        if is_server {
            self.status = ConnectionStatus::Connected;
        }
        if self.status != ConnectionStatus::Connected {
            return;
        }
        self.agenda.arrivals.push_back((link, false));
        if is_server {
            self.announce_others();
        }
    }

    /// Server compatibility: those who are there are announced after the server, ascending. When the server comes back, those
    /// who were announced before it went are announced again, as in Godot 3.x: its loss was the end of everybody to the game.
    fn announce_others(&mut self) {
        for &link in self.peers.values() {
            let is_other = |member: &&Member| !member.peer.is_server() && member.was_connected();
            let member = self.member(link).filter(is_other);
            if let Some(announced) = member.map(|member| member.announced) {
                // Once, however often the server came and went since the game listened.
                self.agenda.arrivals.retain(|(other, _)| *other != link);
                self.agenda.arrivals.push_back((link, announced));
            }
        }
    }

    fn signal(&mut self, link: LinkId, signal: Signal) {
        if self.links.get(link).is_some() {
            self.agenda.signals.push_back((link, signal));
        }
    }

    fn measured(&mut self, link: LinkId, stats: LinkStats) {
        let Some(member) = self.member(link) else {
            return;
        };
        let stats = LinkStats {
            messages_dropped: stats.messages_dropped.saturating_add(member.dropped()),
            ..stats
        };
        self.notice(link, News::Stats(stats));
    }

    /// A link uses its first pair of candidates, or another one. That is news if its kind is another one: ICE may try several direct
    /// pairs in the first seconds.
    fn pair_selected(&mut self, link: LinkId, path: PathKind) {
        let Some(entry) = self.links.get_mut(link) else {
            return;
        };
        let former = entry.path.replace(path);
        let is_announced = entry.member.as_ref().is_some_and(|member| member.announced);
        let former = former.filter(|former| is_announced && *former != path);
        if let Some(former) = former {
            self.notice(link, News::PathChanged(former, path));
        }
    }

    /// A link has taken over from another one, whose path was this.
    pub(super) fn pair_replaced(&mut self, link: LinkId, former: Option<PathKind>) {
        let Some(entry) = self.links.get_mut(link) else {
            return;
        };
        match (former, entry.path) {
            (Some(former), Some(path)) if former != path => {
                self.notice(link, News::PathChanged(former, path));
            }
            (former, None) => entry.path = former,
            (_, Some(_)) => {}
        }
    }

    fn dropped(&mut self, link: LinkId, channel: ChannelIndex, messages: u64) {
        let member = self.member_mut(link);
        if member.is_some_and(|member| count_dropped(&mut member.channels, channel, messages)) {
            self.notice(link, News::Dropped(channel));
        }
    }

    pub(super) fn notice(&mut self, link: LinkId, news: News) {
        self.agenda.notice(link, news);
    }
}
