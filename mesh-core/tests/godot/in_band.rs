//! Section 8.1, `data_channel_received`: the channels that the far side makes of its own.

use std::time::Duration;

use mesh_core::{
    ChannelIndex, ChannelParameters, ChannelState, DisconnectReason, Event, LinkEvent, MeshConfig,
    Reliability, Target, TransferMode,
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
    let route = |rig: &Rig, target| {
        rig.mesh
            .route(target, channel, &"back".into())
            .map(|recipients| recipients.filter(|to| to.refused.is_none()).count())
    };
    assert_eq!(route(&rig, Target::One(peer(3))), Ok(1));
    assert!(route(&rig, Target::One(peer(4))).is_err());
    assert!(route(&rig, Target::All).is_err());
    rig.mesh
        .set_custom_channels(&[TransferMode::Reliable])
        .unwrap();
    assert_eq!(route(&rig, Target::All), Ok(0));
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
