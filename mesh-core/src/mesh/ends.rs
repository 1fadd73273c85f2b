//! The end of a link, and what the game hears of it.

use core::time::Duration;

use super::agenda::Leaver;
use super::connection::{CLOSING_GRACE, Member, Phase};
use super::setup::Mode;
use super::{Connection, ConnectionStatus, Mesh};
use crate::platform::Inbox;
use crate::{
    ChannelIndex, CloseReason, Command, ConnectFailure, DisconnectReason, Event, Goodbye, Instant,
    LinkId,
};

impl Mesh {
    /// Takes a link out of the table; with `close`, the backend is told to close it within that time.
    pub(super) fn drop_link(
        &mut self,
        link: LinkId,
        close: Option<Duration>,
    ) -> Option<Connection> {
        let mut connection = self.links.remove(link)?;
        self.lane.remove(link);
        if let Some(linger) = close.filter(|_| connection.gone.is_none()) {
            let member = connection.member.as_mut();
            let channels = member.map(|member| (0..).map(ChannelIndex).zip(&mut member.channels));
            for (channel, entry) in channels.into_iter().flatten() {
                if !linger.is_zero() {
                    let rest = entry.send_rest(link, channel);
                    self.commands.extend(rest);
                }
            }
            self.closing.insert(link);
            let goodbye = connection.parting.take();
            let goodbye = goodbye.map(|goodbye| Command::Goodbye { link, goodbye });
            self.commands.extend(goodbye);
            self.commands.push_back(Command::Close { link, linger });
        }
        Some(connection)
    }

    /// Ends a link that is closed at once.
    pub(super) fn end_now(&mut self, link: LinkId, reason: impl Into<DisconnectReason>) {
        self.end(link, reason.into(), Some(Duration::ZERO));
    }

    /// Ends a link and tells the game what it must know.
    pub(super) fn end(&mut self, link: LinkId, reason: DisconnectReason, close: Option<Duration>) {
        if self.drop_successor(link, close) {
            return;
        }
        let reason = self.of_one_that_was_there(link, reason);
        let reason = self.of_one_that_was_refused(link, reason);
        let reason = self.of_one_that_said_why(link, reason);
        self.say_what_it_did(link, &reason);
        if reason == DisconnectReason::Removed {
            self.abandon_transfers(link);
        }
        let peer = self.peer_of(link);
        let may_announce = peer.is_some_and(|peer| self.may_announce(peer));
        if may_announce && self.member(link).is_some_and(Member::is_untold) {
            self.take_early_transfers(link);
        }
        let Some(connection) = self.drop_link(link, close) else {
            return;
        };
        let Some(mut member) = connection.member else {
            return;
        };
        let peer = member.peer;
        self.peers.remove(&peer);
        self.succeed(peer, &reason);
        let is_server = self.mode.needs_server() && peer.is_server();
        // Godot 4.x leaves it to the layer above to call the loss of peer 1 by a name of its own.
        let by_name = is_server && self.mode == Mode::Compatible;
        if !member.was_connected() {
            // Godot has no signal for one that we remove ourselves before it was there.
            if reason != DisconnectReason::Removed {
                let failed = Event::PeerFailed {
                    peer,
                    reason: reason.clone(),
                };
                // What it sent nevertheless is nobody's.
                let mut leaver = Leaver::new(peer, Inbox::new(&[], 0), failed);
                if is_server && self.status == ConnectionStatus::Connecting {
                    self.status = ConnectionStatus::Disconnected;
                    leaver.ends.push_back(Event::ConnectionFailed(reason));
                }
                self.agenda.leavers.push_back(leaver);
            }
            return;
        }
        // Withheld until the server comes: the game has never heard of it.
        if !member.announced && !may_announce {
            return;
        }
        let untold = member.tell_channels();
        let owed = self.agenda.owed(member.peer, link);
        let gone = Event::PeerDisconnected { peer, reason };
        let mut leaver = Leaver::new(peer, member.inbox, gone);
        if !member.announced {
            leaver.begins.push_back(Event::PeerConnected(member.peer));
            if by_name {
                leaver.begins.push_back(Event::ConnectionSucceeded);
            }
        }
        if let Some(arriving) = self.agenda.arriving.take_if(|peer| peer.link == link) {
            leaver.begins.extend(arriving.begins);
        }
        leaver.begins.extend(untold);
        leaver.begins.extend(owed);
        if is_server {
            self.status = ConnectionStatus::Disconnected;
        }
        if by_name {
            leaver.ends.push_back(Event::ServerDisconnected);
        }
        self.agenda.leavers.push_back(leaver);
    }

    /// Counts a peer as connected that came and went before all was told of its coming: what it said must not be lost.
    fn of_one_that_was_there(
        &mut self,
        link: LinkId,
        reason: DisconnectReason,
    ) -> DisconnectReason {
        let member = self.member(link);
        let is_refused = self
            .links
            .get(link)
            .is_some_and(|entry| entry.refusal.is_some());
        let was_there = !is_refused
            && reason == DisconnectReason::ConnectFailed(ConnectFailure::Closed)
            && member.is_some_and(|member| !member.was_connected() && member.all_opened());
        if !was_there {
            return reason;
        }
        self.count_as_connected(link);
        DisconnectReason::Closed
    }

    /// Why a connection was refused goes before what became of it then: the far side ends it, too.
    fn of_one_that_was_refused(
        &mut self,
        link: LinkId,
        reason: DisconnectReason,
    ) -> DisconnectReason {
        let refused = self
            .links
            .get_mut(link)
            .and_then(|entry| entry.refusal.take());
        match (reason, refused) {
            (DisconnectReason::ConnectFailed(_), Some(why)) => ConnectFailure::Channel(why).into(),
            (reason, _) => reason,
        }
    }

    /// The reason that the far side has given replaces what we have observed.
    fn of_one_that_said_why(&mut self, link: LinkId, reason: DisconnectReason) -> DisconnectReason {
        let entry = self.links.get_mut(link);
        let said = entry.and_then(|entry| entry.farewell.take());
        match (&reason, said) {
            (
                DisconnectReason::Closed
                | DisconnectReason::Lost
                | DisconnectReason::ConnectFailed(ConnectFailure::Closed),
                Some(goodbye),
            ) => goodbye.into(),
            _ => reason,
        }
    }

    /// Tells the far side that the end is its fault, if it is.
    fn say_what_it_did(&mut self, link: LinkId, reason: &DisconnectReason) {
        let goodbye = if let DisconnectReason::Protocol(what) = reason {
            Goodbye::Protocol(what.clone())
        } else if *reason == DisconnectReason::InboxFull {
            Goodbye::InboxFull
        } else {
            return;
        };
        let successor = self.peer_of(link).and_then(|peer| self.successor(peer));
        for link in [Some(link), successor].into_iter().flatten() {
            if let Some(entry) = self.links.get_mut(link) {
                entry.parting = Some(goodbye.clone());
            }
        }
    }

    /// The far side is about to close the link. What it has sent may still come, for as long as after a closed channel.
    pub(super) fn said_goodbye(&mut self, now: Instant, link: LinkId, goodbye: Goodbye) {
        let Some(entry) = self.links.get_mut(link) else {
            return;
        };
        entry.farewell.get_or_insert(goodbye);
        let Some(member) = &mut entry.member else {
            return;
        };
        let grace = now + CLOSING_GRACE;
        match &mut member.phase {
            Phase::Connecting { deadline } => *deadline = grace.min(*deadline),
            phase @ Phase::Connected { .. } => {
                *phase = Phase::Closing {
                    end: grace,
                    by_us: false,
                };
            }
            Phase::Closing { .. } => {}
        }
    }
}

impl From<ConnectFailure> for DisconnectReason {
    fn from(cause: ConnectFailure) -> Self {
        Self::ConnectFailed(cause)
    }
}

impl From<CloseReason> for DisconnectReason {
    /// Of a link whose peer was not connected yet; see [`Mesh::handle_event`] for one that was.
    fn from(reason: CloseReason) -> Self {
        match reason {
            CloseReason::Local | CloseReason::Remote => Self::ConnectFailed(ConnectFailure::Closed),
            CloseReason::Failed(cause) => Self::ConnectFailed(cause),
            CloseReason::InboxFull => Self::InboxFull,
            CloseReason::Protocol(what) => Self::Protocol(what),
        }
    }
}
