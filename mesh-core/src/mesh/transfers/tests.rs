//! Transfers of a peer that the game does not know yet, and of one that goes meanwhile.

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::sdp::Identity;
use crate::{
    Capabilities, ChannelSpec, CloseReason, ConnectFailure, ConnectionState, Event, LinkConfig,
    LinkEvent, MeshConfig,
};

const LINE: &str = "a=webrtc-multiplayer-transfers:16777216 4194304";

pub(in crate::mesh) fn now() -> Instant {
    Instant::from_micros(1)
}

pub(in crate::mesh) fn peer(id: u32) -> PeerId {
    PeerId::new(id).unwrap()
}

/// Our id is 2.
pub(in crate::mesh) fn mesh(server_compatibility: bool) -> Mesh {
    let mut mesh = Mesh::new(MeshConfig::default(), Capabilities::default());
    mesh.initialize(peer(2), server_compatibility).unwrap();
    mesh
}

/// A peer that takes transfers, and has everything open.
pub(in crate::mesh) fn connect(mesh: &mut Mesh, id: u32) -> LinkId {
    let link = mesh.create_connection(LinkConfig::default());
    mesh.add_peer(now(), link, peer(id), None).unwrap();
    mesh.transfers_mut(link).unwrap().described(LINE);
    let state = ConnectionState::Connected;
    mesh.handle_event(now(), LinkEvent::State { link, state });
    let channels = TransferMode::ALL.map(|mode| {
        let spec = ChannelSpec::built_in(mode, Reliability::Retransmits(0), SendLimits::SHORT);
        (mode.channel(), spec.parameters)
    });
    let transfers = mesh.transfers_mut(link).unwrap();
    let own = (transfers.index, transfers.channel.spec.parameters);
    for (channel, actual) in channels.into_iter().chain([own]) {
        let remote = false;
        let opened = LinkEvent::ChannelOpened {
            link,
            channel,
            remote,
            actual,
        };
        mesh.handle_event(now(), opened);
    }
    link
}

/// Has both sides count their messages from now on.
pub(in crate::mesh) fn count(mesh: &mut Mesh, link: LinkId) {
    let member = mesh.member_mut(link).unwrap();
    let channels = (0..).map(ChannelIndex).zip(&member.channels);
    let own = (member.transfers.index, &member.transfers.channel);
    let life = Life::new(Identity::of("a life"), channels.chain([own]), 100_000);
    member.life = Some(life);
}

fn says(mesh: &mut Mesh, link: LinkId, payload: impl Into<Payload>) {
    let Some(transfers) = mesh.transfers_mut(link) else {
        return;
    };
    let message = LinkEvent::Message {
        link,
        channel: transfers.index,
        payload: payload.into(),
    };
    mesh.handle_event(now(), message);
}

/// A whole transfer of five bytes.
fn transfers(mesh: &mut Mesh, link: LinkId) {
    says(mesh, link, "begin 1 5 map");
    says(mesh, link, b"hello".to_vec());
}

pub(in crate::mesh) fn events(mesh: &mut Mesh) -> Vec<Event> {
    core::iter::from_fn(|| mesh.poll_event()).collect()
}

/// What is told of that transfer.
fn told(id: u32) -> [Event; 2] {
    let name = String::from("map");
    let begun = TransferEvent::Begun { name, bytes: 5 };
    let received = TransferEvent::Received(b"hello".to_vec().into());
    [begun, received].map(|event| Event::Transfer {
        peer: peer(id),
        transfer: TransferId(1),
        event,
    })
}

#[test]
fn what_a_peer_transfers_before_the_server_is_there_is_told_after_it_is() {
    let mut mesh = mesh(true);
    let link = connect(&mut mesh, 3);
    count(&mut mesh, link);
    transfers(&mut mesh, link);
    assert_eq!(events(&mut mesh), []);
    connect(&mut mesh, 1);
    let connected = [
        Event::PeerConnected(peer(1)),
        Event::ConnectionSucceeded,
        Event::PeerConnected(peer(3)),
    ];
    let expected: Vec<_> = connected.into_iter().chain(told(3)).collect();
    assert_eq!(events(&mut mesh), expected);
    // Nothing is held back any more.
    says(&mut mesh, link, "begin 2 0 empty");
    assert_eq!(events(&mut mesh).len(), 2);
}

#[test]
fn what_waits_for_the_server_is_bounded_and_not_told_if_its_peer_goes() {
    let mut mesh = mesh(true);
    let flood = connect(&mut mesh, 3);
    says(&mut mesh, flood, "begin 1 16777216 map");
    for _ in 0..=2 * MAX_WINDOW / 16384 {
        says(&mut mesh, flood, vec![7; 16384]);
    }
    assert!(!mesh.has_peer(peer(3)), "it does not heed our window");
    let leaves = connect(&mut mesh, 4);
    transfers(&mut mesh, leaves);
    let reason = CloseReason::Remote;
    let link = leaves;
    mesh.handle_event(now(), LinkEvent::Closed { link, reason });
    connect(&mut mesh, 1);
    let server = [Event::PeerConnected(peer(1)), Event::ConnectionSucceeded];
    assert_eq!(events(&mut mesh), server);
}

#[test]
fn a_peer_that_comes_transfers_and_goes_between_two_polls_is_heard() {
    let mut mesh = mesh(false);
    let link = connect(&mut mesh, 3);
    transfers(&mut mesh, link);
    let reason = CloseReason::Remote;
    mesh.handle_event(now(), LinkEvent::Closed { link, reason });
    let [begun, received] = told(3);
    let gone = Event::PeerDisconnected {
        peer: peer(3),
        reason: DisconnectReason::Closed,
    };
    let expected = [Event::PeerConnected(peer(3)), begun, received, gone];
    assert_eq!(events(&mut mesh), expected);
}

#[test]
fn what_a_peer_transfers_before_it_is_complete_is_not_read_if_it_goes() {
    for is_described in [false, true] {
        let mut mesh = mesh(false);
        let link = mesh.create_connection(LinkConfig::default());
        mesh.add_peer(now(), link, peer(3), None).unwrap();
        if is_described {
            mesh.transfers_mut(link).unwrap().described(LINE);
        }
        says(&mut mesh, link, "cancel");
        let reason = CloseReason::Remote;
        mesh.handle_event(now(), LinkEvent::Closed { link, reason });
        let failed = Event::PeerFailed {
            peer: peer(3),
            reason: ConnectFailure::Closed.into(),
        };
        assert_eq!(events(&mut mesh), [failed]);
    }
}

#[test]
fn a_liar_that_is_not_known_yet_is_found_out_when_it_is() {
    let mut mesh = mesh(true);
    let link = connect(&mut mesh, 3);
    for _ in 0..50_000 {
        says(&mut mesh, link, "cancel");
    }
    connect(&mut mesh, 1);
    let events = events(&mut mesh);
    let what = String::from("it gives up a transfer that it has not begun");
    let gone = Event::PeerDisconnected {
        peer: peer(3),
        reason: DisconnectReason::Protocol(what),
    };
    let expected = [Event::PeerConnected(peer(3)), gone];
    assert_eq!(events.get(2..), Some(&expected[..]));
}

#[test]
fn who_closes_the_channel_of_transfers_leaves() {
    let mut mesh = mesh(false);
    let link = connect(&mut mesh, 3);
    mesh.send_transfer(now(), peer(3), "map", vec![7; 100])
        .unwrap();
    assert_eq!(events(&mut mesh), [Event::PeerConnected(peer(3))]);
    let channel = mesh.transfers_mut(link).unwrap().index;
    mesh.handle_event(now(), LinkEvent::ChannelClosed { link, channel });
    assert!(!mesh.is_connected(peer(3)));
    let due = mesh.poll_timeout().unwrap();
    mesh.handle_timeout(due);
    let reason = DisconnectReason::Closed;
    let peer = peer(3);
    assert_eq!(
        events(&mut mesh),
        [Event::PeerDisconnected { peer, reason }]
    );
}

#[test]
fn who_takes_no_transfers_may_close_the_channel() {
    let mut mesh = mesh(false);
    let link = connect(&mut mesh, 3);
    mesh.transfers_mut(link).unwrap().described("v=0");
    let channel = mesh.transfers_mut(link).unwrap().index;
    mesh.handle_event(now(), LinkEvent::ChannelClosed { link, channel });
    assert!(mesh.is_connected(peer(3)));
    assert_eq!(mesh.poll_timeout(), None);
}

#[test]
fn a_peer_that_is_removed_need_not_wait_for_what_is_under_way() {
    let commands = |mesh: &mut Mesh| -> Vec<_> {
        let commands = core::iter::from_fn(|| mesh.poll_command());
        let of_the_end =
            |command: &Command| matches!(command, Command::Abandon { .. } | Command::Close { .. });
        commands.filter(of_the_end).collect()
    };
    for is_transferring in [true, false] {
        let mut mesh = mesh(false);
        let link = connect(&mut mesh, 3);
        let channel = mesh.transfers_mut(link).unwrap().index;
        if is_transferring {
            mesh.send_transfer(now(), peer(3), "map", vec![7; 100])
                .unwrap();
        }
        assert!(mesh.remove_peer(peer(3)));
        let linger = super::super::LINGER;
        let close = Command::Close { link, linger };
        let abandon = is_transferring.then_some(Command::Abandon { link, channel });
        let expected: Vec<_> = abandon.into_iter().chain([close]).collect();
        assert_eq!(commands(&mut mesh), expected);
    }
    // Who leaves of its own accord has it sent.
    let mut mesh = mesh(false);
    connect(&mut mesh, 3);
    mesh.send_transfer(now(), peer(3), "map", vec![7; 100])
        .unwrap();
    mesh.close(super::super::LINGER);
    assert_eq!(commands(&mut mesh).len(), 1);
}

#[test]
fn a_game_that_does_not_take_its_transfers_is_full() {
    let mut mesh = mesh(false);
    let link = connect(&mut mesh, 3);
    events(&mut mesh);
    says(&mut mesh, link, "begin 1 16777216 map");
    for _ in 0..1024 {
        assert!(!mesh.is_full());
        says(&mut mesh, link, vec![7; 16384]);
    }
    assert!(mesh.is_full());
    events(&mut mesh);
    assert!(!mesh.is_full());
}

#[test]
fn so_much_is_kept_of_a_peer_that_is_not_known_yet() {
    let mut mesh = mesh(true);
    let link = connect(&mut mesh, 3);
    let whole = 2 * MAX_WINDOW - cost(&Payload::from(""));
    says(&mut mesh, link, vec![7; whole]);
    assert!(mesh.has_peer(peer(3)));
    says(&mut mesh, link, "");
    assert!(!mesh.has_peer(peer(3)));
}

#[test]
fn a_transfer_may_be_as_large_as_the_smaller_limit() {
    let mut mesh = mesh(false);
    let link = connect(&mut mesh, 3);
    let line = "a=webrtc-multiplayer-transfers:100 32768";
    mesh.transfers_mut(link).unwrap().described(line);
    let send = |bytes| mesh.send_transfer(now(), peer(3), "map", vec![7; bytes]);
    let (size, limit) = (101, 100);
    let results = [100, 101].map(send);
    let too_large = TransferError::TooLarge { size, limit };
    assert_eq!(results, [Ok(TransferId(1)), Err(too_large)]);
}

#[test]
fn a_transfer_waits_until_its_channel_is_open() {
    let mut mesh = mesh(false);
    let link = connect(&mut mesh, 3);
    let transfers = mesh.transfers_mut(link).unwrap();
    transfers.channel.state = ChannelState::Connecting;
    let (channel, actual) = (transfers.index, transfers.channel.spec.parameters);
    mesh.send_transfer(now(), peer(3), "map", vec![7; 100])
        .unwrap();
    assert!(mesh.poll_transmit(now()).is_none());
    let remote = false;
    let opened = LinkEvent::ChannelOpened {
        link,
        channel,
        remote,
        actual,
    };
    mesh.handle_event(now(), opened);
    assert!(mesh.poll_transmit(now()).is_some());
}

#[test]
fn who_refuses_what_has_not_begun_leaves() {
    for word in ["refuse 0", "refuse 1"] {
        let mut mesh = mesh(false);
        let link = connect(&mut mesh, 3);
        events(&mut mesh);
        says(&mut mesh, link, word);
        assert!(!mesh.has_peer(peer(3)), "{word}");
    }
}

#[test]
fn transfers_go_on_only_where_both_sides_have_them_as_before() {
    let transfers = |sdp: Option<&str>| {
        let mut transfers = Transfers::new(3, Offer::of(&MeshConfig::default()));
        if let Some(sdp) = sdp {
            transfers.described(sdp);
        }
        transfers
    };
    let first = transfers(Some(LINE));
    let fit = [None, Some(LINE), Some("v=0")].map(|sdp| transfers(sdp).fit(&first));
    assert_eq!(fit, [true, true, false]);
}
