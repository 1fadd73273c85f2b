//! What the game has to be told, in the order it should hear it.

use alloc::collections::VecDeque;

use super::connection::Member;
use crate::platform::Inbox;
use crate::{ChannelIndex, DisconnectReason, Event, LinkId, LinkStats, PeerId, Signal};

/// More than this waiting, and the mesh takes nothing more from the backend until the game has listened.
const FULL: usize = 4096;

/// The queues behind [`Mesh::poll_event`](super::Mesh::poll_event), in the order they are served.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    /// Local descriptions and candidates, for the far side.
    pub(super) signals: VecDeque<(LinkId, Signal)>,
    /// Peers that are gone: their packets, then their end.
    pub(super) leavers: VecDeque<Leaver>,
    /// Peers that are complete and are to be announced; with `true`, even if they have been before.
    pub(super) arrivals: VecDeque<(LinkId, bool)>,
    /// What follows the last `PeerConnected` at once.
    pub(super) succeeded: bool,
    /// The announced peer whose early packets come next, and how many.
    pub(super) arriving: Option<(LinkId, usize)>,
    /// Ready-made events that belong between the arrivals and the packets.
    pub(super) notices: VecDeque<Notice>,
    /// Announced peers with packets, each once: the round robin.
    pub(super) round: VecDeque<LinkId>,
}

/// A peer that is gone, with what it left.
#[derive(Debug)]
pub(super) struct Leaver {
    pub(super) peer: PeerId,
    /// What is owed before its packets.
    pub(super) begins: VecDeque<Event>,
    pub(super) inbox: Inbox,
    pub(super) ends: VecDeque<Event>,
}

/// Something about a peer that is there.
#[derive(Debug)]
pub(super) struct Notice {
    pub(super) link: LinkId,
    pub(super) news: News,
}

#[derive(Debug)]
pub(super) enum News {
    Interrupted,
    Resumed,
    BufferedAmountLow(ChannelIndex),
    ChannelReceived(ChannelIndex),
    /// How many is counted in the channel, so that a flood is one event.
    Dropped(ChannelIndex),
    Stats(LinkStats),
}

impl News {
    pub(super) fn about(self, member: &mut Member) -> Event {
        let peer = member.peer;
        match self {
            Self::Interrupted => Event::PeerInterrupted(peer),
            Self::Resumed => Event::PeerResumed(peer),
            Self::BufferedAmountLow(channel) => Event::BufferedAmountLow { peer, channel },
            Self::ChannelReceived(channel) => Event::ChannelReceived { peer, channel },
            Self::Dropped(channel) => Event::PacketsDropped {
                peer,
                channel,
                packets: member.take_dropped(channel),
            },
            Self::Stats(stats) => Event::Stats { peer, stats },
        }
    }
}

impl Agenda {
    /// Whether the game is so far behind that nothing more may be queued.
    pub(super) fn is_full(&self) -> bool {
        self.signals.len() + self.leavers.len() + self.notices.len() >= FULL
    }

    pub(super) fn notice(&mut self, link: LinkId, news: News) {
        self.notices.push_back(Notice { link, news });
    }
}

impl Leaver {
    /// A peer that had been connected.
    pub(super) fn connected(peer: PeerId, inbox: Inbox, reason: DisconnectReason) -> Self {
        Self {
            peer,
            begins: VecDeque::new(),
            inbox,
            ends: VecDeque::from([Event::PeerDisconnected { peer, reason }]),
        }
    }

    /// A peer that never was; what it sent nevertheless is nobody's.
    pub(super) fn failed(peer: PeerId, reason: DisconnectReason) -> Self {
        Self {
            peer,
            begins: VecDeque::new(),
            inbox: Inbox::new(&[], 0),
            ends: VecDeque::from([Event::PeerFailed { peer, reason }]),
        }
    }
}
