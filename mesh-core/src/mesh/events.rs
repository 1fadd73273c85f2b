//! `poll_*`: what a mesh wants done, and what it tells the game.

use super::Mesh;
use super::agenda::{Arriving, Leaver, News};
use super::connection::Member;
use super::setup::Mode;
use crate::{
    ChannelIndex, Command, Event, Instant, LinkId, Packet, Payload, PeerId, Signal, TransferMode,
};

impl Mesh {
    /// The next thing the backend is to do.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// The next description or candidate for the far side of a connection.
    pub fn poll_signal(&mut self) -> Option<(LinkId, Signal)> {
        self.agenda.signals.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.links
            .iter()
            .filter_map(super::connection::Connection::timeout)
            .min()
    }

    /// The next event for the game, in the order that [`Event`] promises.
    pub fn poll_event(&mut self) -> Option<Event> {
        // It belongs to the `PeerConnected` before it, even if that peer has left since.
        if core::mem::take(&mut self.agenda.succeeded) {
            return Some(Event::ConnectionSucceeded);
        }
        self.next_of_leavers()
            .or_else(|| self.next_of_arrivals())
            .or_else(|| self.next_notice())
            .or_else(|| self.next_packet())
    }

    fn next_of_leavers(&mut self) -> Option<Event> {
        loop {
            let Leaver {
                peer,
                begins,
                inbox,
                ends,
            } = self.agenda.leavers.front_mut()?;
            if let Some(event) = begins.pop_front() {
                return Some(event);
            }
            if let Some(taken) = inbox.pop() {
                return Some(packet(*peer, taken));
            }
            if let Some(event) = ends.pop_front() {
                return Some(event);
            }
            self.agenda.leavers.pop_front();
        }
    }

    fn next_of_arrivals(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.next_of_arriving() {
                return Some(event);
            }
            let (link, again) = self.agenda.arrivals.pop_front()?;
            if let Some(event) = self.announce(link, again) {
                return Some(event);
            }
        }
    }

    fn announce(&mut self, link: LinkId, again: bool) -> Option<Event> {
        // The server that made room for the announcement may be gone again.
        if !self.may_announce(self.member(link)?.peer) {
            return None;
        }
        let member = self.links.get_mut(link)?.member.as_mut()?;
        if member.announced && !again {
            return None;
        }
        member.announced = true;
        let peer = member.peer;
        self.agenda.succeeded = self.mode == Mode::Compatible && peer.is_server();
        self.agenda.arriving = Some(Arriving {
            link,
            begins: member.tell_channels(),
            packets: member.inbox.len(),
        });
        if member.interrupted && !member.told_interrupted {
            self.agenda.notice(link, News::Interrupted);
        }
        self.take_early_transfers(link);
        Some(Event::PeerConnected(peer))
    }

    fn next_of_arriving(&mut self) -> Option<Event> {
        let Arriving {
            link,
            begins,
            packets,
        } = self.agenda.arriving.as_mut()?;
        let link = *link;
        if self.links.get(link).is_some() {
            if let Some(event) = begins.pop_front() {
                return Some(event);
            }
            if let Some(left) = packets.checked_sub(1) {
                *packets = left;
                if let Some(event) = self.take_packet(link) {
                    return Some(event);
                }
            }
        }
        self.agenda.arriving = None;
        self.enter_round(link);
        None
    }

    fn next_notice(&mut self) -> Option<Event> {
        loop {
            let (link, news) = self.agenda.take_notice()?;
            let Some(member) = self.member_mut(link) else {
                continue;
            };
            // The rest is told with the announcement.
            if !member.announced {
                continue;
            }
            if let Some(event) = news.about(member) {
                return Some(event);
            }
        }
    }

    fn next_packet(&mut self) -> Option<Event> {
        loop {
            let link = self.agenda.round.pop_front()?;
            // Its packets may have been dropped since: out of the round all the same, or it could not enter again.
            if let Some(member) = self.member_mut(link) {
                member.in_round = false;
            }
            if let Some(event) = self.take_packet(link) {
                self.enter_round(link);
                return Some(event);
            }
        }
    }

    fn take_packet(&mut self, link: LinkId) -> Option<Event> {
        let member = self.member_mut(link)?;
        let taken = member.inbox.pop()?;
        Some(packet(member.peer, taken))
    }

    /// Puts a peer that has packets at the end of the round, unless it is in it.
    pub(super) fn enter_round(&mut self, link: LinkId) {
        if self.member_mut(link).is_some_and(Member::enters_round) {
            self.agenda.round.push_back(link);
        }
    }
}

fn packet(from: PeerId, (channel, mode, payload): (ChannelIndex, TransferMode, Payload)) -> Event {
    Event::Packet(Packet {
        from,
        mode,
        channel,
        payload,
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{Capabilities, ConnectionState, LinkConfig, LinkEvent, MeshConfig, Reliability};

    fn now() -> Instant {
        Instant::from_micros(1)
    }

    /// A mesh that has told of its one peer.
    fn connected(inbox_bytes: usize) -> (Mesh, LinkId, PeerId) {
        let config = MeshConfig {
            inbox_bytes,
            ..MeshConfig::default()
        };
        let mut mesh = Mesh::new(config, Capabilities::default());
        let peer = PeerId::new(7).unwrap();
        mesh.initialize(PeerId::SERVER, false).unwrap();
        let link = mesh.create_connection(LinkConfig::default());
        mesh.add_peer(now(), link, peer, None).unwrap();
        let state = ConnectionState::Connected;
        mesh.handle_event(now(), LinkEvent::State { link, state });
        for mode in TransferMode::ALL {
            let actual = crate::ChannelSpec::built_in(
                mode,
                Reliability::Retransmits(0),
                crate::SendLimits::SHORT,
            );
            let opened = LinkEvent::ChannelOpened {
                link,
                channel: mode.channel(),
                remote: false,
                actual: actual.parameters,
            };
            mesh.handle_event(now(), opened);
        }
        assert_eq!(mesh.poll_event(), Some(Event::PeerConnected(peer)));
        assert_eq!(mesh.poll_event(), None);
        (mesh, link, peer)
    }

    #[test]
    fn a_peer_whose_packets_were_all_dropped_is_heard_again() {
        let (mut mesh, link, peer) = connected(1000);
        // What is larger than the inbox empties it and finds no room all the same.
        mesh.handle_event(now(), message(link, 10));
        mesh.handle_event(now(), message(link, 2000));
        let dropped = Event::PacketsDropped {
            peer,
            channel: TransferMode::Unreliable.channel(),
            packets: 2,
        };
        assert_eq!(mesh.poll_event(), Some(dropped));
        assert_eq!(mesh.poll_event(), None);
        mesh.handle_event(now(), message(link, 10));
        assert!(matches!(mesh.poll_event(), Some(Event::Packet(_))));
    }

    #[test]
    fn a_flood_that_finds_no_room_is_one_event() {
        let (mut mesh, link, peer) = connected(1000);
        for _ in 0..10_000 {
            mesh.handle_event(now(), message(link, 900));
        }
        assert!(!mesh.is_full());
        let dropped = Event::PacketsDropped {
            peer,
            channel: TransferMode::Unreliable.channel(),
            packets: 9_999,
        };
        assert_eq!(mesh.poll_event(), Some(dropped));
        assert!(matches!(mesh.poll_event(), Some(Event::Packet(_))));
        assert_eq!(mesh.poll_event(), None);
    }

    fn message(link: LinkId, bytes: usize) -> LinkEvent {
        LinkEvent::Message {
            link,
            channel: TransferMode::Unreliable.channel(),
            payload: Payload::from(vec![0; bytes]),
        }
    }

    #[test]
    fn a_link_that_we_close_is_closing_until_it_is_closed() {
        let (mut mesh, link, peer) = connected(1000);
        assert!(!mesh.is_closing());
        mesh.remove_peer(peer);
        assert!(mesh.is_closing());
        let reason = crate::CloseReason::Local;
        mesh.handle_event(now(), LinkEvent::Closed { link, reason });
        assert!(!mesh.is_closing());
    }
}
