//! `PacketPeer`: Godot's sticky settings and one packet at a time, over the mock network.

use mesh_core::mock::{MockBackend, MockSignaling, Network};
use mesh_core::{
    Duration, Event, PacketPeer, PeerId, SendError, Session, SessionConfig, Target, Topology,
    TransferMode,
};

type Peer = PacketPeer<Session<MockBackend, MockSignaling>>;

const RELIABLE: TransferMode = TransferMode::Reliable;

/// A server and a client in a star with one custom channel, connected and told.
fn pair(network: &Network) -> [Peer; 2] {
    let mut peers = [0, 1].map(|_| {
        let signaling = network.signaling_with("demo", Topology::ClientServer);
        let config = SessionConfig {
            custom_channels: vec![TransferMode::Unreliable],
            ..SessionConfig::default()
        };
        PacketPeer::new(Session::new(network.backend(), signaling, config))
    });
    let connected = run(network, &mut peers)
        .into_iter()
        .filter(|event| matches!(event, Event::PeerConnected(_)));
    assert_eq!(connected.count(), 2);
    peers
}

/// Two seconds of frames.
fn run(network: &Network, peers: &mut [Peer]) -> Vec<Event> {
    let mut events = Vec::new();
    for _ in 0..120 {
        network.advance(Duration::from_millis(16));
        for peer in &mut *peers {
            events.extend(std::iter::from_fn(|| peer.poll()));
        }
    }
    events
}

/// Section 6 of reference/godot.md, with the sticky settings.
#[test]
fn settings_stay_and_packets_are_described_before_they_are_taken() {
    let network = Network::new(1);
    let mut peers = pair(&network);
    let own = peers[1].peer().unique_id().unwrap();
    let client = &mut peers[1];
    client.set_transfer_mode(TransferMode::UnreliableOrdered);
    client.set_target_peer(PeerId::SERVER);
    assert_eq!(client.put_packet("a").unwrap().accepted, 1);
    client.set_transfer_channel(1);
    assert_eq!(client.put_packet("b").unwrap().accepted, 1);
    client.set_target_peer(Target::AllExcept(PeerId::SERVER));
    assert_eq!(client.put_packet("c").unwrap().accepted, 0);
    let stranger = PeerId::new(7).unwrap();
    client.set_target_peer(stranger);
    let unknown = SendError::UnknownPeer { peer: stranger };
    assert_eq!(client.put_packet("d"), Err(unknown));
    client.set_transfer_channel(2);
    client.set_target_peer(Target::All);
    let unknown = SendError::UnknownChannel { channel: 4 };
    assert_eq!(client.put_packet("e"), Err(unknown));

    assert_eq!(run(&network, &mut peers), []);
    let [server, client] = &mut peers;
    assert_eq!(server.available_packet_count(), 2);
    let mut taken = Vec::new();
    while let Some(from) = server.packet_peer() {
        assert_eq!(from, own);
        // Of the packet that comes next, not of the last one; the mode is the channel's, not what was set.
        let described = (
            server.packet_mode().unwrap(),
            server.packet_channel().unwrap(),
        );
        let packet = server.take_packet().unwrap();
        assert_eq!(described.0, packet.mode);
        taken.push((packet.payload, described));
    }
    taken.sort_by_key(|(_, (_, channel))| *channel);
    assert_eq!(
        taken,
        [
            ("a".into(), (TransferMode::UnreliableOrdered, 0)),
            ("b".into(), (TransferMode::Unreliable, 1)),
        ]
    );
    assert_eq!(server.take_packet(), None);
    assert_eq!((server.packet_peer(), server.packet_mode()), (None, None));

    client.set_target_peer(PeerId::SERVER);
    client.close();
    assert_eq!(client.target_peer(), Target::All);
    assert_eq!(client.transfer_mode(), TransferMode::UnreliableOrdered);
    assert_eq!(client.transfer_channel(), 2);
    assert_eq!(client.put_packet("f"), Err(SendError::NotInitialized));
}

#[test]
fn packets_that_are_not_taken_stop_the_reading_ahead() {
    let network = Network::new(2);
    let mut peers = pair(&network);
    let payload: Vec<u8> = vec![0; 200 * 1024];
    for _ in 0..10 {
        assert!(peers[0].put_packet(payload.clone()).unwrap().is_complete());
        run(&network, &mut peers);
    }
    assert_eq!(peers[1].available_packet_count(), 6);
    let mut taken = 0;
    while peers[1].take_packet().is_some() {
        taken += 1;
        assert_eq!(peers[1].poll(), None);
    }
    assert_eq!(taken, 10);
}

#[test]
fn a_sleeping_peer_wakes_for_a_packet() {
    let network = Network::new(3);
    let [mut server, mut client] = pair(&network);
    server.set_target_peer(Target::All);
    server.set_transfer_mode(RELIABLE);
    server.put_packet("wake up").unwrap();
    let woken = network.timeout(Duration::from_secs(1), client.ready());
    assert_eq!(network.block_on(woken), Ok(Ok(())));
    assert_eq!(client.poll(), None);
    assert_eq!(client.take_packet().unwrap().payload, "wake up".into());
    let idle = network.timeout(Duration::from_secs(1), client.ready());
    assert!(network.block_on(idle).unwrap().is_err());
}
