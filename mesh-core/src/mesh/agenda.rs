//! What the game has to be told, in the order it should hear it.

use alloc::collections::VecDeque;

use super::connection::Member;
use crate::platform::Inbox;
use crate::{
    ChannelIndex, Event, GivenReason, LinkId, LinkStats, PathKind, PeerId, Signal, TransferEvent,
    TransferId,
};

/// More than this waiting, and the mesh takes nothing more from the backend until the game has listened.
const FULL: usize = 4096;

/// The same of so many bytes of transfers that are complete.
const FULL_BYTES: usize = 16 * 1024 * 1024;

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
    /// The announced peer of whom more is told before anything else.
    pub(super) arriving: Option<Arriving>,
    /// Ready-made events that belong between the arrivals and the packets.
    pub(super) notices: VecDeque<(LinkId, News)>,
    /// Announced peers with packets, each once: the round robin.
    pub(super) round: VecDeque<LinkId>,
    /// Bytes of transfers that wait among the notices.
    transferred: usize,
}

/// A peer that was just announced.
#[derive(Debug)]
pub(super) struct Arriving {
    pub(super) link: LinkId,
    /// What happened before it was announced.
    pub(super) begins: VecDeque<Event>,
    /// How many early packets come next.
    pub(super) packets: usize,
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
pub(super) enum News {
    Interrupted,
    Resumed,
    BufferedAmountLow(ChannelIndex),
    ChannelReceived(ChannelIndex),
    /// How many is counted in the channel, so that a flood is one event.
    Dropped(ChannelIndex),
    Stats(LinkStats),
    /// From this path to that.
    PathChanged(PathKind, PathKind),
    /// It has kicked another peer.
    Kicked(PeerId, GivenReason),
    Transfer(TransferId, TransferEvent),
    /// How much has come is counted in the member, so that it is one event.
    TransferProgress(TransferId),
}

impl News {
    /// What the game is to be told. Nothing if it has been told since: everything but figures and kicks is a state of the
    /// member, which is told with its announcement, too.
    pub(super) fn about(self, member: &mut Member) -> Option<Event> {
        let peer = member.peer;
        match self {
            Self::Interrupted => member.tell_interrupted(true),
            Self::Resumed => member.tell_interrupted(false),
            Self::BufferedAmountLow(channel) => Some(Event::BufferedAmountLow { peer, channel }),
            Self::ChannelReceived(channel) => member.tell_channel(channel),
            Self::Dropped(channel) => member.tell_dropped(channel),
            Self::Stats(stats) => Some(Event::Stats { peer, stats }),
            Self::PathChanged(from, to) => Some(Event::PeerPathChanged { peer, from, to }),
            Self::Transfer(transfer, event) => Some(Event::Transfer {
                peer,
                transfer,
                event,
            }),
            Self::TransferProgress(transfer) => Some(Event::Transfer {
                peer,
                transfer,
                event: member.transfers.progress(transfer)?,
            }),
            Self::Kicked(kicked, reason) => Some(Event::PeerKicked {
                peer: kicked,
                by: peer,
                reason,
            }),
        }
    }
}

impl Agenda {
    /// Whether the game is so far behind that nothing more may be queued.
    pub(super) fn is_full(&self) -> bool {
        self.signals.len() + self.leavers.len() + self.notices.len() >= FULL
            || self.transferred >= FULL_BYTES
    }

    /// All bytes of a transfer are there for the game.
    pub(super) const fn transferred(&mut self, bytes: usize) {
        self.transferred = self.transferred.saturating_add(bytes);
    }

    /// The next notice.
    pub(super) fn take_notice(&mut self) -> Option<(LinkId, News)> {
        let notice = self.notices.pop_front();
        if let Some((_, News::Transfer(_, TransferEvent::Received(payload)))) = &notice {
            self.transferred = self.transferred.saturating_sub(payload.len());
        }
        notice
    }

    /// Gives what is owed of a link that is gone: figures that were asked for, and whom its peer has kicked.
    pub(super) fn owed(&self, peer: PeerId, link: LinkId) -> VecDeque<Event> {
        let notices = self.notices.iter().filter(|(of, _)| *of == link);
        let owed = notices.filter_map(|(_, news)| match news {
            News::Stats(stats) => Some(Event::Stats {
                peer,
                stats: *stats,
            }),
            News::Transfer(transfer, event) => Some(Event::Transfer {
                peer,
                transfer: *transfer,
                event: event.clone(),
            }),
            News::TransferProgress(_) => None,
            News::Kicked(kicked, reason) => Some(Event::PeerKicked {
                peer: *kicked,
                by: peer,
                reason: reason.clone(),
            }),
            News::Interrupted | News::Resumed | News::BufferedAmountLow(_) => None,
            News::ChannelReceived(_) | News::Dropped(_) | News::PathChanged(..) => None,
        });
        owed.collect()
    }

    /// A peer goes on over another link.
    pub(super) fn rename(&mut self, former: LinkId, link: LinkId) {
        let arrivals = self.arrivals.iter_mut().map(|(of, _)| of);
        let notices = self.notices.iter_mut().map(|(of, _)| of);
        let arriving = self.arriving.iter_mut().map(|arriving| &mut arriving.link);
        for of in arrivals.chain(notices).chain(arriving) {
            if *of == former {
                *of = link;
            }
        }
        // The caller puts the new link into the round if its inbox holds something.
        self.round.retain(|of| *of != former);
    }

    pub(super) fn notice(&mut self, link: LinkId, news: News) {
        self.notices.push_back((link, news));
    }
}

impl Leaver {
    pub(super) fn new(peer: PeerId, inbox: Inbox, end: Event) -> Self {
        Self {
            peer,
            begins: VecDeque::new(),
            inbox,
            ends: VecDeque::from([end]),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;
    use crate::{SdpType, SessionDescription};

    const FORMER: LinkId = link(0);
    const OTHER: LinkId = link(1);
    const NEXT: LinkId = link(2);

    const fn link(slot: u32) -> LinkId {
        LinkId {
            slot,
            generation: 0,
        }
    }

    #[test]
    fn each_queue_alone_may_fill_it() {
        let fill: [fn(&mut Agenda); 3] = [
            |agenda| {
                let (sdp_type, sdp) = (SdpType::Offer, String::new());
                let offer = SessionDescription { sdp_type, sdp };
                agenda
                    .signals
                    .push_back((FORMER, Signal::Description(offer)));
            },
            |agenda| {
                let (peer, inbox) = (PeerId::SERVER, Inbox::new(&[], 0));
                let gone = Leaver::new(peer, inbox, Event::ServerDisconnected);
                agenda.leavers.push_back(gone);
            },
            |agenda| agenda.notice(FORMER, News::Interrupted),
        ];
        for add in fill {
            let mut agenda = Agenda::default();
            for _ in 0..FULL {
                assert!(!agenda.is_full());
                add(&mut agenda);
            }
            assert!(agenda.is_full());
        }
    }

    #[test]
    fn another_link_takes_the_place_of_one_of_them() {
        let mut agenda = Agenda::default();
        for link in [FORMER, OTHER] {
            agenda.arrivals.push_back((link, false));
            agenda.notice(link, News::Interrupted);
            agenda.round.push_back(link);
        }
        agenda.arriving = Some(Arriving {
            link: FORMER,
            begins: VecDeque::new(),
            packets: 0,
        });
        agenda.rename(FORMER, NEXT);
        let arrivals = Vec::from_iter(agenda.arrivals.iter().map(|(of, _)| *of));
        let notices = Vec::from_iter(agenda.notices.iter().map(|(of, _)| *of));
        assert_eq!([arrivals, notices], [[NEXT, OTHER]; 2]);
        assert_eq!(agenda.arriving.map(|arriving| arriving.link), Some(NEXT));
        assert_eq!(agenda.round, [OTHER]);
    }
}
