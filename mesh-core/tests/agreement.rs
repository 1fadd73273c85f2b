//! Two sides that have set different custom channels are told what differs, and never become peers.
#![allow(clippy::unwrap_used, reason = "test code")]

use std::time::Duration;

use mesh_core::{
    Capabilities, ChannelIndex, Command, ConnectFailure, ConnectionId, ConnectionState,
    DisconnectReason, Event, Instant, LinkConfig, LinkEvent, Mesh, MeshConfig, Payload, PeerId,
    SdpType, SessionDescription, Signal, TransferMode,
};

const OURS: [TransferMode; 1] = [TransferMode::Reliable];

fn sdp(channels: &str) -> String {
    let line = match channels {
        "" => String::new(),
        modes => format!("a=webrtc-multiplayer-channels:{modes}\r\n"),
    };
    format!("v=0\r\n{line}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n")
}

fn description(sdp_type: SdpType, channels: &str) -> SessionDescription {
    let sdp = sdp(channels);
    SessionDescription { sdp_type, sdp }
}

fn at(millis: u64) -> Instant {
    Instant::from_micros(1 + millis * 1000)
}

fn id(id: u32) -> PeerId {
    PeerId::new(id).unwrap()
}

/// A mesh with a connection to peer 3.
fn mesh() -> (Mesh, ConnectionId) {
    let mut mesh = Mesh::new(MeshConfig::default(), Capabilities::default());
    mesh.create_mesh(id(2), &OURS).unwrap();
    let link = mesh.create_connection(LinkConfig::default());
    mesh.add_peer(at(0), link, id(3), None).unwrap();
    (mesh, link)
}

/// Takes an offer and gives the answer that the far side is sent.
fn answer(mesh: &mut Mesh, link: ConnectionId, channels: &str) -> String {
    mesh.set_remote_description(link, description(SdpType::Offer, channels))
        .unwrap();
    let made = description(SdpType::Answer, "");
    mesh.handle_event(
        at(10),
        LinkEvent::Description {
            link,
            description: made,
        },
    );
    match mesh.poll_signal() {
        Some((_, Signal::Description(description))) => description.sdp,
        other => unreachable!("{other:?}"),
    }
}

/// Everything that makes a peer, a message, and its end.
fn comes_and_goes(mesh: &mut Mesh, link: ConnectionId) {
    let state = ConnectionState::Connected;
    mesh.handle_event(at(20), LinkEvent::State { link, state });
    let commands: Vec<_> = std::iter::from_fn(|| mesh.poll_command()).collect();
    for command in commands {
        if let Command::CreateChannel { channel, spec, .. } = command {
            let opened = LinkEvent::ChannelOpened {
                link,
                channel,
                remote: false,
                actual: spec.parameters,
            };
            mesh.handle_event(at(30), opened);
        }
    }
    let (channel, payload) = (ChannelIndex(0), Payload::from("x"));
    let message = LinkEvent::Message {
        link,
        channel,
        payload,
    };
    mesh.handle_event(at(40), message);
    for channel in (0..4).map(ChannelIndex) {
        mesh.handle_event(at(50), LinkEvent::ChannelClosed { link, channel });
    }
}

fn events(mesh: &mut Mesh) -> Vec<Event> {
    std::iter::from_fn(|| mesh.poll_event()).collect()
}

fn refused(why: &str) -> Vec<Event> {
    let why = format!("the custom channels differ: the peer has {why}, this side has reliable");
    vec![Event::PeerFailed {
        peer: id(3),
        reason: DisconnectReason::ConnectFailed(ConnectFailure::Channel(why)),
    }]
}

#[test]
fn an_answer_that_differs_ends_the_attempt_at_once() {
    let (mut mesh, link) = mesh();
    mesh.create_offer(link).unwrap();
    let described = description(SdpType::Answer, "none");
    mesh.set_remote_description(link, described).unwrap();
    assert_eq!(events(&mut mesh), refused("none"));
}

#[test]
fn an_offer_that_differs_is_answered_so_that_the_far_side_can_see_it() {
    let (mut mesh, link) = mesh();
    let answer = answer(&mut mesh, link, "reliable unreliable");
    let transfers = "a=webrtc-multiplayer-transfers:16777216 4194304\r\n";
    let batches = "a=webrtc-multiplayer-batches:recvonly\r\n";
    assert!(answer.contains(transfers) && answer.contains(batches));
    let rest = answer.replace(transfers, "").replace(batches, "");
    assert_eq!(rest, sdp("reliable"));
    assert_eq!(events(&mut mesh), []);
    assert_eq!(mesh.poll_timeout(), Some(at(10) + Duration::from_secs(1)));
    mesh.handle_timeout(at(1010));
    assert_eq!(events(&mut mesh), refused("reliable unreliable"));
}

#[test]
fn who_was_refused_is_never_a_peer_whatever_it_does() {
    let (mut mesh, link) = mesh();
    answer(&mut mesh, link, "unreliable");
    comes_and_goes(&mut mesh, link);
    assert_eq!(events(&mut mesh), refused("unreliable"));
}

#[test]
fn equal_channels_and_a_far_side_that_says_nothing_are_let_in() {
    for channels in ["reliable", "", "a-mode-of-the-future"] {
        let (mut mesh, link) = mesh();
        answer(&mut mesh, link, channels);
        comes_and_goes(&mut mesh, link);
        let events = events(&mut mesh);
        assert_eq!(events.first(), Some(&Event::PeerConnected(id(3))));
    }
}

#[test]
fn the_words_stay_short_however_much_the_far_side_says() {
    let named = ["ordered"; 8].join(" ");
    for (count, why) in [
        (8, named.clone()),
        (9, format!("{named} and 1 more")),
        (255, format!("{named} and 247 more")),
    ] {
        let (mut mesh, link) = mesh();
        mesh.create_offer(link).unwrap();
        let many = vec!["ordered"; count].join(" ");
        let described = description(SdpType::Answer, &many);
        mesh.set_remote_description(link, described).unwrap();
        assert_eq!(events(&mut mesh), refused(&why));
    }
}
