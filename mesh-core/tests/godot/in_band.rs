//! Section 8.1, `data_channel_received`: the channels that the far side makes of its own.

use std::time::Duration;

use mesh_core::{
    ChannelIndex, ChannelParameters, ChannelState, ConnectionState, DisconnectReason, Event,
    LinkEvent, LinkStats, MeshConfig, Reliability, Target, TransferMode,
};

use crate::rig::{Rig, Setup, peer};

/// Section 8.1, `data_channel_received`: told, usable, and no part of the plan.
#[test]
fn a_channel_of_the_far_sides_own_comes_and_goes() {
    let mut rig = Rig::set_up(Setup::Mesh(2));
    let link = rig.connect(3);
    rig.connect(4);
    assert_eq!(rig.told(), "+3 +4");
    let channel = ChannelIndex(3);
    let actual = ChannelParameters {
        id: 11,
        ordered: false,
        reliability: Reliability::Retransmits(2),
    };
    let opened = LinkEvent::ChannelOpened {
        link,
        channel,
        remote: true,
        actual,
    };
    rig.happens(opened.clone());
    rig.says(3, 3, "aside");
    let received = Event::ChannelReceived {
        peer: peer(3),
        channel,
    };
    let events = rig.events();
    assert_eq!(events[0], received);
    assert!(
        matches!(&events[1], Event::Packet(packet) if packet.channel == channel && packet.mode == TransferMode::Unreliable)
    );
    let seen = rig.mesh.peer(peer(3)).unwrap().channels[3].clone();
    assert_eq!(seen.parameters, actual);
    assert!(!seen.negotiated);
    // Its own peer is reached over it, and nobody is meant by it.
    assert_eq!(rig.reached(Target::One(peer(3)), channel), Ok(vec![3]));
    assert!(rig.reached(Target::One(peer(4)), channel).is_err());
    assert!(rig.reached(Target::All, channel).is_err());
    rig.mesh
        .set_custom_channels(&[TransferMode::Reliable])
        .unwrap();
    assert_eq!(rig.reached(Target::All, channel), Ok(vec![]));
    // It closes, and comes again, without effect on the peer.
    rig.happens(LinkEvent::ChannelClosed { link, channel });
    assert_eq!(rig.told(), "");
    rig.happens(opened);
    assert_eq!(rig.events(), [received]);
    assert!(rig.mesh.close_channel(rig.now, peer(3), channel));
    rig.passes(Duration::from_secs(1));
    assert_eq!(rig.told(), "");
    assert!(rig.mesh.peer(peer(3)).unwrap().connected);
}

/// A backend may give the place of a closed channel to the next one, which need not be of its kind.
#[test]
fn a_channel_in_a_place_used_before_has_its_own_mode() {
    let mut rig = Rig::set_up(Setup::Mesh(2));
    let link = rig.connect(3);
    let channel = ChannelIndex(3);
    let opened = |id, ordered, reliability| LinkEvent::ChannelOpened {
        link,
        channel,
        remote: true,
        actual: ChannelParameters {
            id,
            ordered,
            reliability,
        },
    };
    rig.happens(opened(11, false, Reliability::Retransmits(2)));
    rig.happens(LinkEvent::ChannelClosed { link, channel });
    rig.events();
    rig.happens(opened(13, true, Reliability::Reliable));
    rig.events();
    rig.says(3, 3, "again");
    assert_eq!(rig.told(), "3r1:again");
    // A reliable channel loses nothing to a full inbox: the link goes first.
    let half = MeshConfig::default().inbox_bytes / 2;
    rig.says(3, 3, vec![0; half]);
    rig.says(3, 3, vec![0; half]);
    let events = rig.events();
    assert_eq!(events.len(), 2);
    let end = Event::PeerDisconnected {
        peer: peer(3),
        reason: DisconnectReason::InboxFull,
    };
    assert_eq!(events[1], end);
}

/// A backend gives no place twice while there is a channel in it.
#[test]
fn a_channel_in_a_place_that_is_taken_is_none() {
    let mut rig = Rig::set_up(Setup::Mesh(2));
    let link = rig.connect(3);
    let planned = ChannelIndex(0);
    let opened = |channel| LinkEvent::ChannelOpened {
        link,
        channel,
        remote: true,
        actual: ChannelParameters {
            id: 11,
            ordered: true,
            reliability: Reliability::Reliable,
        },
    };
    rig.happens(opened(ChannelIndex(3)));
    assert_eq!(rig.events().len(), 2);
    for channel in [planned, ChannelIndex(3)] {
        rig.happens(opened(channel));
        assert_eq!(rig.events(), [], "{channel:?}");
    }
    rig.happens(LinkEvent::ChannelClosed {
        link,
        channel: planned,
    });
    rig.happens(opened(planned));
    assert_eq!(rig.events(), [], "one of the plan does not come again");
}

/// One too many, or one that closed before it opened, has its place all the same: a backend says nothing of it.
#[test]
fn a_channel_that_never_opened_hides_none_of_those_after_it() {
    let mut rig = Rig::set_up(Setup::Mesh(2));
    let link = rig.connect(3);
    assert_eq!(rig.told(), "+3");
    let received = |rig: &mut Rig, index| {
        let channel = ChannelIndex(index);
        rig.happens(LinkEvent::ChannelOpened {
            link,
            channel,
            remote: true,
            actual: ChannelParameters {
                id: 2 * index + 1,
                ordered: true,
                reliability: Reliability::Reliable,
            },
        });
        rig.says(3, index, "hi");
        let events = rig.events();
        let received = Event::ChannelReceived {
            peer: peer(3),
            channel,
        };
        assert_eq!(events[0], received);
        assert!(matches!(&events[1], Event::Packet(packet) if packet.channel == channel));
        assert_eq!(events.len(), 2);
    };
    received(&mut rig, 5);
    let states = |rig: &Rig| -> Vec<_> {
        let channels = rig.mesh.peer(peer(3)).unwrap().channels;
        channels[3..].iter().map(|channel| channel.state).collect()
    };
    let (open, closed) = (ChannelState::Open, ChannelState::Closed);
    assert_eq!(states(&rig), [closed, closed, open]);
    // It may only have been slower.
    received(&mut rig, 4);
    assert_eq!(states(&rig), [closed, open, open]);
}

fn opened(link: mesh_core::LinkId) -> LinkEvent {
    LinkEvent::ChannelOpened {
        link,
        channel: ChannelIndex(3),
        remote: true,
        actual: ChannelParameters {
            id: 11,
            ordered: true,
            reliability: Reliability::Reliable,
        },
    }
}

fn received() -> Event {
    Event::ChannelReceived {
        peer: peer(3),
        channel: ChannelIndex(3),
    }
}

#[test]
fn a_channel_received_before_its_peer_is_announced_is_told_with_the_announcement() {
    let mut rig = Rig::set_up(Setup::Mesh(2));
    let link = rig.add(3);
    rig.happens(opened(link));
    // A frame in between.
    assert_eq!(rig.events(), []);
    rig.says(3, 3, "aside");
    rig.open(3);
    let events = rig.events();
    assert_eq!(events[..2], [Event::PeerConnected(peer(3)), received()]);
    assert!(matches!(events[2..], [Event::Packet(_)]), "{events:?}");
}

#[test]
fn a_channel_received_from_a_peer_that_leaves_is_told_before_its_end() {
    for polls_between in [false, true] {
        let mut rig = Rig::set_up(Setup::Mesh(2));
        let link = rig.connect(3);
        if polls_between {
            assert_eq!(rig.told(), "+3");
        }
        rig.happens(opened(link));
        rig.says(3, 3, "aside");
        rig.goes(3);
        let mut events = rig.events();
        if !polls_between {
            assert_eq!(events.remove(0), Event::PeerConnected(peer(3)));
        }
        assert_eq!(events[0], received());
        assert!(
            matches!(
                events[1..],
                [Event::Packet(_), Event::PeerDisconnected { .. }]
            ),
            "{events:?}"
        );
    }
}

#[test]
fn a_channel_received_from_a_peer_that_leaves_while_it_is_announced_is_told() {
    let mut rig = Rig::set_up(Setup::Mesh(2));
    let link = rig.add(3);
    rig.happens(opened(link));
    rig.open(3);
    assert_eq!(rig.mesh.poll_event(), Some(Event::PeerConnected(peer(3))));
    rig.goes(3);
    let events = rig.events();
    assert_eq!(events[0], received());
    assert_eq!(events.len(), 2, "{events:?}");
}

/// What was dropped, or that it does not answer, is no less true for having happened before the announcement.
#[test]
fn what_happened_before_an_announcement_is_told_with_it() {
    let mut rig = Rig::set_up(Setup::Compatible(2));
    let link = rig.connect(3);
    rig.happens(LinkEvent::InboxDropped {
        link,
        channel: ChannelIndex(2),
        messages: 5,
    });
    let state = ConnectionState::Disconnected;
    rig.happens(LinkEvent::State { link, state });
    assert_eq!(rig.events(), [], "withheld until the server is there");
    rig.connect(1);
    let dropped = Event::PacketsDropped {
        peer: peer(3),
        channel: ChannelIndex(2),
        packets: 5,
    };
    let expected = [
        Event::PeerConnected(peer(1)),
        Event::ConnectionSucceeded,
        Event::PeerConnected(peer(3)),
        dropped,
        Event::PeerInterrupted(peer(3)),
    ];
    assert_eq!(rig.events(), expected);
}

#[test]
fn what_was_dropped_on_a_channel_that_comes_again_is_told() {
    let mut rig = Rig::set_up(Setup::Compatible(2));
    let link = rig.connect(3);
    let channel = ChannelIndex(3);
    rig.happens(opened(link));
    rig.happens(LinkEvent::InboxDropped {
        link,
        channel,
        messages: 5,
    });
    rig.happens(LinkEvent::ChannelClosed { link, channel });
    rig.happens(opened(link));
    rig.connect(1);
    let dropped = Event::PacketsDropped {
        peer: peer(3),
        channel,
        packets: 5,
    };
    let events = rig.events();
    assert!(events.contains(&dropped), "{events:?}");
}

#[test]
fn figures_are_promised_of_connected_peers_alone_and_given_even_if_they_leave() {
    let mut rig = Rig::set_up(Setup::Mesh(2));
    rig.add(3);
    assert!(!rig.mesh.request_stats(peer(3)), "it is not connected");
    assert!(!rig.mesh.request_stats(peer(9)), "nobody");
    let link = rig.connect(4);
    assert_eq!(rig.told(), "+4");
    assert!(rig.mesh.request_stats(peer(4)));
    let stats = LinkStats::default();
    rig.happens(LinkEvent::Stats { link, stats });
    rig.goes(4);
    let events = rig.events();
    assert_eq!(
        events[0],
        Event::Stats {
            peer: peer(4),
            stats
        }
    );
    assert_eq!(events.len(), 2);
}
