//! Section 3: the checks of `add_peer`, in Godot's order.

use std::time::Duration;

use mesh_core::{
    AddPeerError, CloseReason, Command, ConnectFailure, ConnectionState, Event, LinkConfig,
    LinkEvent, LinkId, PeerId, Reliability, SignalingState,
};

use mesh_core::platform::TRANSFER_STREAM;

use crate::rig::{Rig, Setup, peer};

const NOBODY: LinkId = LinkId {
    slot: 99,
    generation: 0,
};

/// Each row fails by the check it names and by as many of the later ones as it can: the first one counts.
#[test]
fn the_first_check_that_fails_counts() {
    let own = |id| AddPeerError::OwnId { id: peer(id) };
    let rows = [
        (None, 1, NOBODY, AddPeerError::NotInitialized),
        (
            Some(Setup::Client(2)),
            2,
            NOBODY,
            AddPeerError::NotTheServer { id: peer(2) },
        ),
        (
            Some(Setup::Client(2)),
            3,
            NOBODY,
            AddPeerError::NotTheServer { id: peer(3) },
        ),
        (Some(Setup::Server), 1, NOBODY, own(1)),
        (Some(Setup::Mesh(2)), 2, NOBODY, own(2)),
        (Some(Setup::Plain(2)), 2, NOBODY, own(2)),
        (Some(Setup::Server), 3, NOBODY, AddPeerError::Refused),
        (Some(Setup::Mesh(2)), 3, NOBODY, AddPeerError::Refused),
        (Some(Setup::Client(2)), 1, NOBODY, AddPeerError::Refused),
    ];
    for (setup, id, connection, expected) in rows {
        let mut rig = Rig::new();
        if let Some(setup) = setup {
            rig.start(setup).unwrap();
        }
        rig.mesh.set_refuse_new_connections(true);
        let refused = rig.mesh.add_peer(rig.now, connection, peer(id), None);
        assert_eq!(refused, Err(expected), "{setup:?} adds {id}");
        assert_eq!(rig.mesh.peers().count(), 0);
        assert_eq!(rig.commands(), []);
    }
}

#[test]
fn the_connection_must_be_there_and_new() {
    let mut rig = Rig::set_up(Setup::Mesh(2));
    let used = rig.connect(3);
    rig.commands();
    let unknown = rig.mesh.add_peer(rig.now, NOBODY, peer(3), None);
    assert_eq!(unknown, Err(AddPeerError::UnknownConnection));
    // Taken already, and the id as well.
    let again = rig.mesh.add_peer(rig.now, used, peer(3), None);
    assert_eq!(again, Err(AddPeerError::NotNew));
    let closed = rig.mesh.create_connection(LinkConfig::default());
    assert!(rig.mesh.close_connection(closed));
    let gone = rig.mesh.add_peer(rig.now, closed, peer(4), None);
    assert_eq!(gone, Err(AddPeerError::UnknownConnection));
    let fresh = rig.mesh.create_connection(LinkConfig::default());
    let duplicate = rig.mesh.add_peer(rig.now, fresh, peer(3), None);
    assert_eq!(duplicate, Err(AddPeerError::Duplicate { id: peer(3) }));
    // A connection that was refused is as good as new.
    assert_eq!(rig.mesh.add_peer(rig.now, fresh, peer(4), None), Ok(()));
    assert_eq!(rig.told(), "+3");
}

#[test]
fn refusing_touches_only_those_who_come_later() {
    let mut rig = Rig::set_up(Setup::Mesh(2));
    rig.add(3);
    rig.mesh.set_refuse_new_connections(true);
    assert_eq!(rig.try_add(4), Err(AddPeerError::Refused));
    rig.open(3);
    assert_eq!(rig.told(), "+3");
    rig.mesh.set_refuse_new_connections(false);
    rig.connect(4);
    assert_eq!(rig.told(), "+4");
}

/// Row 9: in Godot the call fails at once; here the backend reports it, and the peer fails with the cause.
#[test]
fn a_connection_that_could_not_be_made_fails_its_peer() {
    let mut rig = Rig::set_up(Setup::Client(2));
    let link = rig.mesh.create_connection(LinkConfig::default());
    let cause = ConnectFailure::Config(String::from("no such server"));
    rig.happens(LinkEvent::Closed {
        link,
        reason: CloseReason::Failed(cause.clone()),
    });
    let state = rig.mesh.connection_state(link);
    assert_eq!(state, Some(ConnectionState::Failed));
    let signaling = rig.mesh.signaling_state(link);
    assert_eq!(signaling, Some(SignalingState::Closed));
    rig.mesh
        .add_peer(rig.now, link, PeerId::SERVER, None)
        .unwrap();
    let events = rig.events();
    assert!(
        matches!(
            &events[..],
            [Event::PeerFailed { .. }, Event::ConnectionFailed(_)]
        ),
        "{events:?}"
    );
}

#[test]
fn a_peer_whose_link_ends_before_it_is_complete_fails_with_the_cause() {
    for (reason, cause) in [
        (CloseReason::Local, ConnectFailure::Closed),
        (CloseReason::Remote, ConnectFailure::Closed),
        (
            CloseReason::Failed(ConnectFailure::NoRoute),
            ConnectFailure::NoRoute,
        ),
    ] {
        let mut rig = Rig::set_up(Setup::Mesh(2));
        let link = rig.add(3);
        rig.happens(LinkEvent::Closed { link, reason });
        let failed = Event::PeerFailed {
            peer: peer(3),
            reason: cause.into(),
        };
        assert_eq!(rig.events(), [failed]);
    }
}

#[test]
fn the_lifetime_is_that_of_the_two_unreliable_channels() {
    let rows = [
        (None, Reliability::Retransmits(0)),
        (Some(0), Reliability::Retransmits(0)),
        (Some(1), Reliability::Retransmits(0)),
        (Some(2), Reliability::Lifetime(2)),
        (Some(u16::MAX), Reliability::Lifetime(u16::MAX)),
    ];
    for (lifetime, expected) in rows {
        let mut rig = Rig::set_up(Setup::Mesh(2));
        let link = rig.mesh.create_connection(LinkConfig::default());
        rig.mesh.add_peer(rig.now, link, peer(3), lifetime).unwrap();
        let made: Vec<_> = rig
            .commands()
            .into_iter()
            .filter_map(|command| match command {
                Command::CreateChannel { spec, .. } => Some(spec.parameters),
                _ => None,
            })
            .filter(|parameters| parameters.id != TRANSFER_STREAM)
            .map(|parameters| parameters.reliability)
            .collect();
        assert_eq!(
            made,
            [Reliability::Reliable, expected, expected],
            "{lifetime:?}"
        );
    }
}

#[test]
fn add_peer_makes_channels_and_nothing_else() {
    let mut rig = Rig::set_up(Setup::Mesh(2));
    rig.add(3);
    let commands = rig.commands();
    assert!(matches!(commands[0], Command::Open { .. }));
    assert_eq!(commands.len(), 1 + 3 + 1, "and one that is not Godot's");
    rig.passes(Duration::from_secs(1));
    assert_eq!(rig.commands(), []);
}
