//! From mesh-core's events to the suite's.

use mesh_core::{
    Event, LinkEvent, LinkId, LobbyEvent, PathKind, Signal, SignalingEvent, TransferEvent,
};
use signaling::TransportEvent;

use super::{Handshake, Heard, LinkSeen, Moved, Observed, Rumour, Seen};
use crate::Body;

/// Which of a participant's two logs an event goes to.
pub(crate) enum Entry {
    Handshake(Handshake),
    Event(Observed),
}

impl From<Event> for Entry {
    fn from(event: Event) -> Self {
        let seen = match event {
            Event::Description {
                connection: link,
                description,
            } => return Self::Handshake(Handshake::Description { link, description }),
            Event::Candidate {
                connection: link,
                candidate,
            } => return Self::Handshake(Handshake::Candidate { link, candidate }),
            Event::Packet(packet) => Seen::Packet {
                from: packet.from.get(),
                mode: packet.mode,
                channel: packet.channel,
                body: Body::of(&packet.payload),
            },
            Event::PeerConnected(peer) => Seen::Connected(peer.get()),
            Event::PeerDisconnected { peer, reason } => Seen::Disconnected {
                peer: peer.get(),
                reason,
            },
            Event::PeerFailed { peer, reason } => Seen::Failed {
                peer: peer.get(),
                reason,
            },
            Event::PeerInterrupted(peer) => Seen::Interrupted(peer.get()),
            Event::PeerResumed(peer) => Seen::Resumed(peer.get()),
            Event::PeerPathChanged { peer, from, to } => Seen::PathChanged {
                peer: peer.get(),
                was_relayed: from == PathKind::Relayed,
                is_relayed: to == PathKind::Relayed,
            },
            Event::ConnectionSucceeded => Seen::ServerConnected,
            Event::ConnectionFailed(reason) => Seen::ServerFailed(reason),
            Event::ServerDisconnected => Seen::ServerDisconnected,
            Event::BufferedAmountLow { peer, channel } => Seen::Low {
                peer: peer.get(),
                channel,
            },
            Event::PacketsDropped {
                peer,
                channel,
                packets,
            } => Seen::Dropped {
                peer: peer.get(),
                channel,
                packets,
            },
            Event::ChannelReceived { peer, channel } => Seen::ChannelReceived {
                peer: peer.get(),
                channel,
            },
            Event::PeerKicked { peer, by, reason } => Seen::Kicked {
                peer: peer.get(),
                by: by.get(),
                reason,
            },
            Event::Transfer {
                peer,
                transfer,
                event,
            } => Seen::Transfer {
                peer: peer.get(),
                transfer: transfer.get(),
                moved: event.into(),
            },
            Event::Stats { peer, stats } => Seen::Stats {
                peer: peer.get(),
                figures: stats.into(),
            },
            Event::Joined { id, lobby, .. } => Seen::Joined {
                id: id.get(),
                lobby,
            },
            Event::Sealed => Seen::Sealed,
            Event::SignalingInterrupted(reason) => Seen::SignalingInterrupted(reason),
            Event::SignalingResumed => Seen::SignalingResumed,
            Event::SignalingLost(reason) => Seen::SignalingLost(reason),
            other => Seen::Unknown(format!("{other:?}")),
        };
        Self::Event(Observed::Mesh(seen))
    }
}

impl From<TransferEvent> for Moved {
    fn from(event: TransferEvent) -> Self {
        match event {
            TransferEvent::Begun { name, bytes } => Self::Begun { name, bytes },
            TransferEvent::Progress { received, bytes } => Self::Progress { received, bytes },
            TransferEvent::Received(payload) => Self::Received(Body::of(&payload)),
            TransferEvent::Cancelled => Self::Cancelled,
            TransferEvent::Sent => Self::Sent,
            TransferEvent::Refused => Self::Refused,
            other => Self::Unknown(format!("{other:?}")),
        }
    }
}

impl From<LinkEvent> for Entry {
    fn from(event: LinkEvent) -> Self {
        let (link, seen): (LinkId, LinkSeen) = match event {
            LinkEvent::Description {
                link, description, ..
            } => return Self::Handshake(Handshake::Description { link, description }),
            LinkEvent::Candidate { link, candidate } => {
                return Self::Handshake(Handshake::Candidate { link, candidate });
            }
            LinkEvent::State { link, state } => (link, LinkSeen::State(state)),
            LinkEvent::Gathered { link, .. } => (link, LinkSeen::Gathered),
            LinkEvent::ChannelOpened {
                link,
                channel,
                remote,
                actual,
            } => (
                link,
                LinkSeen::Opened {
                    channel,
                    remote,
                    actual,
                },
            ),
            LinkEvent::ChannelClosed { link, channel } => (link, LinkSeen::ChannelClosed(channel)),
            LinkEvent::BufferedAmountLow { link, channel } => (link, LinkSeen::Low(channel)),
            LinkEvent::Message {
                link,
                channel,
                payload,
            } => (
                link,
                LinkSeen::Message {
                    channel,
                    body: Body::of(&payload),
                },
            ),
            LinkEvent::InboxDropped {
                link,
                channel,
                messages,
            } => (link, LinkSeen::Dropped { channel, messages }),
            LinkEvent::Stats { link, stats } => (link, LinkSeen::Stats(stats.into())),
            LinkEvent::PairSelected { link, path } => {
                let is_relayed = path == PathKind::Relayed;
                (link, LinkSeen::PairSelected { is_relayed })
            }
            LinkEvent::Kicked { link, peer, reason } => {
                let peer = peer.get();
                (link, LinkSeen::Kicked { peer, reason })
            }
            LinkEvent::Taken { link, counts } => (link, LinkSeen::Taken(counts)),
            LinkEvent::Goodbye { link, goodbye } => (link, LinkSeen::Goodbye(goodbye.into())),
            LinkEvent::Closed { link, reason } => (link, LinkSeen::Closed(reason)),
        };
        Self::Event(Observed::Link(link, seen))
    }
}

impl From<SignalingEvent> for Entry {
    fn from(event: SignalingEvent) -> Self {
        Self::Event(Observed::Signaling(match event {
            SignalingEvent::Joined { id, .. } => Rumour::Joined { id: id.get() },
            SignalingEvent::PeerJoined(peer) => Rumour::PeerJoined(peer.get()),
            SignalingEvent::PeerLeft(peer) => Rumour::PeerLeft(peer.get()),
            SignalingEvent::Signal { from, signal } => match signal {
                Signal::Description(description) => Rumour::Description {
                    from: from.get(),
                    description,
                },
                Signal::Candidate(candidate) => Rumour::Candidate {
                    from: from.get(),
                    candidate,
                },
            },
            SignalingEvent::Sealed => Rumour::Sealed,
            SignalingEvent::Lobby(LobbyEvent::Complete) => Rumour::Complete,
            SignalingEvent::Interrupted { reason } => Rumour::Interrupted(reason),
            SignalingEvent::Resumed => Rumour::Resumed,
            SignalingEvent::Lost { reason } => Rumour::Lost(reason),
            other => Rumour::Unknown(format!("{other:?}")),
        }))
    }
}

impl From<TransportEvent> for Entry {
    fn from(event: TransportEvent) -> Self {
        Self::Event(Observed::Transport(match event {
            TransportEvent::Opened => Heard::Opened,
            TransportEvent::Text(text) => Heard::Text(text),
            TransportEvent::Closed { reason } => Heard::Closed(reason),
            other => Heard::Unknown(format!("{other:?}")),
        }))
    }
}
