//! Peers at a table, by themselves and under the adapter with Godot's habits.

use alloc::vec::Vec;

use crate::mock::{MockPeer, Table};
use crate::{
    AddPeerError, ChannelIndex, ConnectionStatus, DisconnectReason, Duration, Event,
    MultiplayerPeer, PacketPeer, PeerId, SendError, Target, TransferMode,
};

const RELIABLE: ChannelIndex = TransferMode::Reliable.channel();

fn id(id: u32) -> PeerId {
    PeerId::new(id).unwrap()
}

fn heard(peer: &mut dyn MultiplayerPeer) -> Vec<Event> {
    peer.pump();
    core::iter::from_fn(|| peer.take_event()).collect()
}

fn gone(peer: PeerId, reason: DisconnectReason) -> Event {
    Event::PeerDisconnected { peer, reason }
}

fn star() -> (Table, MockPeer, MockPeer, MockPeer) {
    let table = Table::with_custom_channels(&[TransferMode::Unreliable]);
    let early = table.client(id(5)).unwrap();
    let server = table.server().unwrap();
    let late = table.client(id(7)).unwrap();
    (table, server, early, late)
}

#[test]
fn a_mesh_links_everybody_and_a_star_only_with_the_server() {
    let table = Table::new();
    let mut peers: Vec<_> = [2, 3, 4].map(|n| table.mesh(id(n)).unwrap()).into();
    assert_eq!(
        table.mesh(id(3)).err(),
        Some(AddPeerError::Duplicate { id: id(3) })
    );
    for (index, peer) in peers.iter_mut().enumerate() {
        let met = heard(peer).len();
        assert_eq!(met, 2, "peer {index}");
        assert!(!peer.is_server_relay_supported());
    }

    let (_table, mut server, mut early, mut late) = star();
    assert_eq!(early.connection_status(), ConnectionStatus::Connecting);
    assert_eq!(heard(&mut early), [Event::PeerConnected(id(1))]);
    assert_eq!(early.connection_status(), ConnectionStatus::Connected);
    assert_eq!(heard(&mut late), [Event::PeerConnected(id(1))]);
    assert_eq!(
        heard(&mut server),
        [Event::PeerConnected(id(5)), Event::PeerConnected(id(7))]
    );
    assert!(server.is_server() && server.is_server_relay_supported());
    assert!(!late.is_server() && late.is_server_relay_supported());
}

#[test]
fn sending_has_the_rules_of_a_mesh() {
    let (_table, mut server, mut early, _late) = star();
    let to = |server: &mut MockPeer, target, channel| {
        server
            .send_on(target, ChannelIndex(channel), "x".into())
            .map(|sent| sent.accepted)
    };
    assert_eq!(
        to(&mut server, Target::All, 0),
        Ok(0),
        "nobody is known yet"
    );
    heard(&mut server);
    assert_eq!(to(&mut server, Target::All, 0), Ok(2));
    assert_eq!(to(&mut server, Target::AllExcept(id(5)), 3), Ok(1));
    assert_eq!(to(&mut server, Target::One(id(5)), 3), Ok(1));
    let stranger = SendError::UnknownPeer { peer: id(9) };
    assert_eq!(to(&mut server, Target::One(id(9)), 0), Err(stranger));
    let channel = SendError::UnknownChannel { channel: 4 };
    assert_eq!(to(&mut server, Target::All, 4), Err(channel));
    let told = heard(&mut early);
    let modes: Vec<_> = told
        .iter()
        .filter_map(|event| {
            if let Event::Packet(packet) = event {
                Some((packet.from, packet.mode))
            } else {
                None
            }
        })
        .collect();
    let expected = [TransferMode::Reliable, TransferMode::Unreliable];
    assert_eq!(modes, expected.map(|mode| (id(1), mode)));
}

#[test]
fn ends_are_told_by_their_kind() {
    let (table, mut server, mut early, mut late) = star();
    heard(&mut server);
    heard(&mut early);
    heard(&mut late);
    assert!(table.cut(id(1), id(5)));
    assert!(!table.cut(id(1), id(5)));
    assert_eq!(heard(&mut early), [gone(id(1), DisconnectReason::Lost)]);
    assert_eq!(early.connection_status(), ConnectionStatus::Disconnected);
    let sent = early.send_on(Target::All, RELIABLE, "x".into());
    assert_eq!(sent, Err(SendError::NotInitialized));
    assert!(server.disconnect_peer(id(7), false));
    assert_eq!(
        heard(&mut server),
        [
            gone(id(5), DisconnectReason::Lost),
            gone(id(7), DisconnectReason::Removed)
        ]
    );
    assert_eq!(heard(&mut late), [gone(id(1), DisconnectReason::Closed)]);
    drop(server);
    assert!(table.server().is_ok());
}

#[test]
fn force_is_silent_here_and_closed_there() {
    let table = Table::new();
    let (mut a, mut b) = (table.mesh(id(2)).unwrap(), table.mesh(id(3)).unwrap());
    heard(&mut a);
    heard(&mut b);
    assert!(b.send_on(Target::All, RELIABLE, "x".into()).is_ok());
    assert!(a.disconnect_peer(id(3), true));
    assert!(!a.disconnect_peer(id(3), true));
    assert_eq!(heard(&mut a), []);
    assert_eq!(heard(&mut b), [gone(id(2), DisconnectReason::Closed)]);
    a.set_refuse_new_connections(true);
    let mut c = table.mesh(id(4)).unwrap();
    assert_eq!(heard(&mut c), [Event::PeerConnected(id(3))]);
    let before = a.now();
    table.advance(Duration::from_secs(1));
    assert_eq!(a.now() - before, Duration::from_secs(1));
    a.close();
    assert_eq!((a.unique_id(), heard(&mut a)), (None, Vec::new()));
}

#[test]
fn who_was_closed_leaves_its_successor_alone() {
    let table = Table::new();
    let mut client = table.client(id(5)).unwrap();
    let mut former = table.server().unwrap();
    let first = former.incarnation();
    heard(&mut former);
    former.close();
    let mut server = table.server().unwrap();
    assert!(first != former.incarnation() && first != server.incarnation());
    assert_eq!((former.unique_id(), heard(&mut former)), (None, Vec::new()));
    let sent = former.send_on(Target::All, RELIABLE, "x".into());
    assert_eq!(sent, Err(SendError::NotInitialized));
    assert!(!former.disconnect_peer(id(5), true));
    drop(former);
    assert_eq!(heard(&mut server), [Event::PeerConnected(id(5))]);
    heard(&mut client);
    assert_eq!(client.connection_status(), ConnectionStatus::Connected);
}

/// Section 6 of reference/godot.md, with the sticky settings.
#[test]
fn godots_habits() {
    let (_table, mut server, client, mut other) = star();
    let mut peer = PacketPeer::new(client);
    peer.poll();
    assert_eq!(peer.take_event(), Some(Event::PeerConnected(id(1))));
    assert_eq!(peer.take_event(), None);
    heard(&mut server);
    heard(&mut other);

    peer.set_transfer_mode(TransferMode::UnreliableOrdered);
    peer.set_target_peer(id(1));
    assert_eq!(peer.put_packet("a").unwrap().accepted, 1);
    peer.set_transfer_channel(1);
    assert_eq!(peer.put_packet("b").unwrap().accepted, 1);
    peer.set_target_peer(Target::AllExcept(id(1)));
    assert_eq!(peer.put_packet("c").unwrap().accepted, 0);
    peer.set_target_peer(id(7));
    let stranger = SendError::UnknownPeer { peer: id(7) };
    assert_eq!(peer.put_packet("d"), Err(stranger));
    peer.set_transfer_channel(2);
    peer.set_target_peer(Target::All);
    let channel = SendError::UnknownChannel { channel: 4 };
    assert_eq!(peer.put_packet("e"), Err(channel));

    let mut server = PacketPeer::new(server);
    server.poll();
    assert_eq!(server.available_packet_count(), 2);
    assert_eq!(server.packet_peer(), Some(id(5)));
    assert_eq!(server.packet_mode(), Some(TransferMode::UnreliableOrdered));
    assert_eq!(server.packet_channel(), Some(0));
    assert_eq!(server.take_packet().unwrap().payload, "a".into());
    // Of the packet that comes next, not of the last one; the mode is the channel's, not what was set.
    assert_eq!(server.packet_mode(), Some(TransferMode::Unreliable));
    assert_eq!(server.packet_channel(), Some(1));
    assert_eq!(server.take_packet().unwrap().payload, "b".into());
    assert_eq!(server.take_packet(), None);
    assert_eq!((server.packet_peer(), server.packet_mode()), (None, None));

    peer.set_target_peer(id(1));
    peer.close();
    assert_eq!(peer.target_peer(), Target::All);
    assert_eq!(peer.transfer_mode(), TransferMode::UnreliableOrdered);
    assert_eq!(peer.transfer_channel(), 2);
    assert_eq!(peer.put_packet("f"), Err(SendError::NotInitialized));
}

#[test]
fn packets_that_are_not_taken_stop_the_reading_ahead() {
    let table = Table::new();
    let (mut a, b) = (table.mesh(id(2)).unwrap(), table.mesh(id(3)).unwrap());
    heard(&mut a);
    let payload: Vec<u8> = alloc::vec![0; 256 * 1024];
    for _ in 0..10 {
        let sent = a.send_on(Target::All, RELIABLE, payload.clone().into());
        assert!(sent.is_ok_and(|sent| sent.is_complete()));
    }
    let mut b = PacketPeer::new(b);
    b.poll();
    b.poll();
    assert_eq!(b.available_packet_count(), 4);
    let mut taken = 0;
    while b.take_packet().is_some() {
        taken += 1;
        b.poll();
    }
    assert_eq!(taken, 10);
}
