//! Sections 4 and 8: the channels of a peer, what is told of them, and their closing.

use std::time::Duration;

use mesh_core::{
    ChannelIndex, ChannelParameters, ChannelState, Command, ConnectFailure, ConnectionState,
    DisconnectReason, Event, GatheringState, IceCandidate, LinkConfig, LinkEvent, Missing,
    Reliability, SdpType, SessionDescription, SignalingState, Target, TransferMode,
};

use mesh_core::platform::TRANSFER_STREAM;

use crate::rig::{Rig, Setup, peer};

const CUSTOM: [TransferMode; 4] = [
    TransferMode::Unreliable,
    TransferMode::Reliable,
    TransferMode::UnreliableOrdered,
    TransferMode::Reliable,
];

fn with_custom() -> Rig {
    let mut rig = Rig::new();
    rig.mesh.create_mesh(peer(2), &CUSTOM).unwrap();
    rig
}

/// The table of section 4, with the custom channels of the example above.
#[test]
fn the_channels_are_godots() {
    let mut rig = with_custom();
    let link = rig.mesh.create_connection(LinkConfig::default());
    rig.mesh.add_peer(rig.now, link, peer(3), Some(40)).unwrap();
    let made: Vec<_> = rig
        .commands()
        .into_iter()
        .filter_map(|command| match command {
            Command::CreateChannel { channel, spec, .. } => Some((channel, spec)),
            _ => None,
        })
        .filter(|(_, spec)| spec.parameters.id != TRANSFER_STREAM)
        .collect();
    let brief = Reliability::Lifetime(40);
    let expected = [
        (0, "reliable", 1, true, Reliability::Reliable),
        (1, "ordered", 2, true, brief),
        (2, "unreliable", 3, false, brief),
        (3, "4", 4, false, brief),
        (4, "5", 5, true, Reliability::Reliable),
        (5, "6", 6, true, brief),
        (6, "7", 7, true, Reliability::Reliable),
    ];
    assert_eq!(made.len(), expected.len());
    for ((index, spec), (at, label, id, ordered, reliability)) in made.into_iter().zip(expected) {
        assert_eq!(index, ChannelIndex(at));
        assert_eq!(spec.label, label);
        let parameters = ChannelParameters {
            id,
            ordered,
            reliability,
        };
        assert_eq!(spec.parameters, parameters);
    }
}

#[test]
fn a_peer_is_described_from_the_beginning() {
    let mut rig = with_custom();
    rig.add(3);
    let info = rig.mesh.peer(peer(3)).unwrap();
    assert!(!info.connected);
    assert_eq!(info.channels.len(), 3 + CUSTOM.len());
    let modes: Vec<_> = info.channels.iter().map(|channel| channel.mode).collect();
    assert_eq!(modes, rig.mesh.channel_modes());
    for channel in &info.channels {
        assert_eq!(channel.state, ChannelState::Connecting);
        assert!(channel.negotiated);
        assert_eq!(channel.protocol(), "");
    }
    rig.open(3);
    let info = rig.mesh.peer(peer(3)).unwrap();
    assert!(info.connected);
    let open = |channel: &mesh_core::ChannelInfo| channel.state == ChannelState::Open;
    assert!(info.channels.iter().all(open));
    assert_eq!(rig.mesh.peers().collect::<Vec<_>>(), [info]);
}

/// A peer with custom channels is connected when those are open, too.
#[test]
fn every_channel_counts() {
    let mut rig = with_custom();
    let link = rig.add(3);
    let state = ConnectionState::Connected;
    rig.happens(LinkEvent::State { link, state });
    let channels = rig.mesh.peer(peer(3)).unwrap().channels;
    for (index, channel) in (0..).map(ChannelIndex).zip(channels) {
        assert_eq!(rig.told(), "");
        rig.happens(LinkEvent::ChannelOpened {
            link,
            channel: index,
            remote: false,
            actual: channel.parameters,
        });
    }
    assert_eq!(rig.told(), "+3");
}

#[test]
fn the_channels_can_be_changed_for_those_who_come_later() {
    let mut rig = Rig::set_up(Setup::Mesh(2));
    rig.connect(3);
    rig.mesh
        .set_custom_channels(&[TransferMode::UnreliableOrdered])
        .unwrap();
    rig.connect(4);
    assert_eq!(rig.told(), "+3 +4");
    let count = |id| rig.mesh.peer(peer(id)).unwrap().channels.len();
    assert_eq!((count(3), count(4)), (3, 4));
    let custom = ChannelIndex::for_transfer(TransferMode::Reliable, 1);
    let sent = rig.mesh.send(rig.now, Target::All, custom, "hello".into());
    let refused = mesh_core::Refused {
        peer: peer(3),
        reason: mesh_core::RefusedReason::NoSuchChannel,
    };
    let expected = mesh_core::Sent {
        accepted: 1,
        refused: vec![refused],
    };
    assert_eq!(sent, Ok(expected));
}

/// Section 10.4: closing any one of the channels is leaving.
#[test]
fn closing_one_channel_removes_the_peer() {
    for index in 0..3 {
        let channel = ChannelIndex(index);
        let mut rig = Rig::set_up(Setup::Client(2));
        let link = rig.connect(1);
        assert_eq!(rig.told(), "+1");
        rig.commands();
        assert!(rig.mesh.close_channel(rig.now, peer(1), channel));
        assert!(!rig.mesh.close_channel(rig.now, peer(1), channel));
        assert_eq!(rig.commands(), [Command::CloseChannel { link, channel }]);
        let info = rig.mesh.peer(peer(1)).unwrap();
        assert!(!info.connected);
        assert_eq!(
            info.channels[usize::from(index)].state,
            ChannelState::Closing
        );
        // What is on its way still comes.
        rig.says(1, 0, "bye");
        rig.happens(LinkEvent::ChannelClosed { link, channel });
        rig.passes(Duration::from_millis(100));
        let events = rig.events();
        assert!(matches!(events[0], Event::Packet(_)), "{events:?}");
        let gone = Event::PeerDisconnected {
            peer: peer(1),
            reason: DisconnectReason::Removed,
        };
        assert_eq!(events[1..], [gone]);
        let status = rig.mesh.connection_status();
        assert_eq!(status, mesh_core::ConnectionStatus::Disconnected);
    }
}

#[test]
fn closing_a_channel_before_it_opened_takes_the_peer_back() {
    let mut rig = Rig::set_up(Setup::Client(2));
    rig.add(1);
    assert!(rig.mesh.close_channel(rig.now, peer(1), ChannelIndex(2)));
    assert_eq!(rig.told(), "");
    assert!(!rig.mesh.has_peer(peer(1)));
    assert!(!rig.mesh.close_channel(rig.now, peer(1), ChannelIndex(2)));
    assert!(!rig.mesh.close_channel(rig.now, peer(9), ChannelIndex(0)));
}

/// Section 8.1: the three states of a connection, through both sides of a handshake.
#[test]
fn a_connection_tells_where_it_is() {
    let offer = |sdp_type| SessionDescription {
        sdp_type,
        sdp: String::from("v=0\r\n"),
    };
    let mut rig = Rig::set_up(Setup::Mesh(2));
    let stray = rig.mesh.create_connection(LinkConfig::default());
    assert_eq!(rig.mesh.connection_state(stray), Some(ConnectionState::New));
    rig.mesh.close_connection(stray);
    assert_eq!(rig.mesh.connection_state(stray), None);

    let states = |rig: &Rig, link| {
        (
            rig.mesh.connection_state(link).unwrap(),
            rig.mesh.gathering_state(link).unwrap(),
            rig.mesh.signaling_state(link).unwrap(),
        )
    };
    let calling = rig.add(3);
    let new = (
        ConnectionState::New,
        GatheringState::New,
        SignalingState::Stable,
    );
    assert_eq!(states(&rig, calling), new);
    rig.mesh.create_offer(calling).unwrap();
    // As in a browser: connecting at once, whatever the platform has said so far.
    assert_eq!(states(&rig, calling).0, ConnectionState::Connecting);
    assert_eq!(states(&rig, calling).2, SignalingState::HaveLocalOffer);
    rig.happens(LinkEvent::Description {
        link: calling,
        description: offer(SdpType::Offer),
    });
    assert_eq!(states(&rig, calling).1, GatheringState::Gathering);
    rig.mesh
        .set_remote_description(calling, offer(SdpType::Answer))
        .unwrap();
    assert_eq!(states(&rig, calling).2, SignalingState::Stable);

    let called = rig.add(4);
    rig.mesh
        .set_remote_description(called, offer(SdpType::Offer))
        .unwrap();
    assert_eq!(states(&rig, called).2, SignalingState::HaveRemoteOffer);
    rig.happens(LinkEvent::Description {
        link: called,
        description: offer(SdpType::Answer),
    });
    assert_eq!(states(&rig, called).2, SignalingState::Stable);
    rig.happens(LinkEvent::Candidate {
        link: called,
        candidate: IceCandidate {
            sdp_mid: String::from("0"),
            sdp_m_line_index: 0,
            candidate: String::from("candidate:1"),
        },
    });
    rig.happens(LinkEvent::Gathered {
        link: called,
        trouble: String::new(),
    });
    assert_eq!(states(&rig, called).1, GatheringState::Complete);
}

/// Events of different channels have no order: the first channel's end can overtake the others' beginning.
#[test]
fn a_peer_that_came_and_went_is_told_with_what_it_said() {
    let mut rig = Rig::set_up(Setup::Plain(1));
    let link = rig.add(3);
    let channels = rig.mesh.peer(peer(3)).unwrap().channels;
    let opened = |index: u16| LinkEvent::ChannelOpened {
        link,
        channel: ChannelIndex(index),
        remote: false,
        actual: channels[usize::from(index)].parameters,
    };
    let closed = |index: u16| LinkEvent::ChannelClosed {
        link,
        channel: ChannelIndex(index),
    };
    rig.happens(opened(0));
    rig.says(3, 0, "bye");
    rig.happens(closed(0));
    assert_eq!(rig.told(), "");
    for index in [1, 2] {
        rig.happens(opened(index));
        rig.happens(closed(index));
    }
    assert_eq!(rig.told(), "+3 3r0:bye -3");
}

/// A peer whose channels were not all there has not been there.
#[test]
fn a_peer_that_closes_half_way_has_failed() {
    let mut rig = Rig::set_up(Setup::Plain(1));
    let link = rig.add(3);
    let parameters = rig.mesh.peer(peer(3)).unwrap().channels[0].parameters;
    let channel = ChannelIndex(0);
    rig.happens(LinkEvent::ChannelOpened {
        link,
        channel,
        remote: false,
        actual: parameters,
    });
    rig.happens(LinkEvent::ChannelClosed { link, channel });
    rig.passes(Duration::from_millis(99));
    assert_eq!(rig.told(), "");
    rig.passes(Duration::from_millis(1));
    let reason = DisconnectReason::ConnectFailed(ConnectFailure::Closed);
    let failed = Event::PeerFailed {
        peer: peer(3),
        reason,
    };
    assert_eq!(rig.events(), [failed]);
}

/// A player is told what the platform found out, whether the platform gives up or the deadline does.
#[test]
fn what_stood_in_the_way_of_a_route_is_the_cause() {
    let description = |sdp_type| SessionDescription {
        sdp_type,
        sdp: String::from("v=0\r\n"),
    };
    let words = "turn:example.org: 401 Unauthorized";
    for trouble in [words, ""] {
        for gives_up in [true, false] {
            let mut rig = Rig::set_up(Setup::Mesh(2));
            let link = rig.add(3);
            rig.mesh.create_offer(link).unwrap();
            rig.happens(LinkEvent::Description {
                link,
                description: description(SdpType::Offer),
            });
            let answer = description(SdpType::Answer);
            rig.mesh.set_remote_description(link, answer).unwrap();
            rig.happens(LinkEvent::Gathered {
                link,
                trouble: trouble.into(),
            });
            if gives_up {
                let state = ConnectionState::Failed;
                rig.happens(LinkEvent::State { link, state });
            } else {
                rig.passes(Duration::from_secs(16));
            }
            let cause = match (trouble, gives_up) {
                ("", true) => ConnectFailure::NoRoute,
                ("", false) => ConnectFailure::Deadline {
                    missing: Missing::Route,
                },
                (cause, _) => ConnectFailure::NoRelay {
                    cause: cause.into(),
                },
            };
            let failed = Event::PeerFailed {
                peer: peer(3),
                reason: DisconnectReason::ConnectFailed(cause),
            };
            assert!(rig.events().contains(&failed), "{trouble:?} {gives_up}");
        }
    }
}
