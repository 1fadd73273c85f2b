//! Sections 2.1, 2.2, 2.4 and 7: the ways to set up, what a mesh is then, and what its end leaves.

use std::time::Duration;

use mesh_core::{
    ChannelIndex, ConnectionStatus, InitializeError, MAX_CUSTOM_CHANNELS, PeerId, SendError,
    Target, TransferMode,
};

use crate::rig::Setup::{Client, Compatible, Mesh, Plain, Server};
use crate::rig::{Rig, peer};

#[test]
fn a_client_is_never_peer_1() {
    let mut rig = Rig::new();
    let refused = rig.mesh.create_client(PeerId::SERVER, &[]);
    assert_eq!(refused, Err(InitializeError::ServerId));
    assert_eq!(rig.mesh.unique_id(), None);
    assert_eq!(rig.mesh.connection_status(), ConnectionStatus::Disconnected);
}

#[test]
fn too_many_channels_change_nothing() {
    let mut rig = Rig::new();
    let given = usize::from(MAX_CUSTOM_CHANNELS) + 1;
    let channels = vec![TransferMode::Reliable; given];
    let refused = Err(InitializeError::TooManyChannels { given });
    assert_eq!(rig.mesh.create_mesh(peer(2), &channels), refused);
    assert_eq!(rig.mesh.create_server(&channels), refused);
    assert_eq!(rig.mesh.create_client(peer(2), &channels), refused);
    assert_eq!(rig.mesh.unique_id(), None);
    assert_eq!(rig.mesh.channel_modes(), TransferMode::ALL);
    assert_eq!(rig.mesh.create_mesh(peer(2), &channels[1..]), Ok(()));
}

/// Sections 2.2 and 2.4.
#[test]
fn identity_and_relay() {
    let cases = [
        (Plain(2), 2, false, false),
        (Compatible(2), 2, false, false),
        (Compatible(1), 1, true, false),
        (Mesh(2), 2, false, false),
        (Mesh(1), 1, true, false),
        (Client(2), 2, false, true),
        (Server, 1, true, true),
    ];
    for (setup, id, is_server, relays) in cases {
        let mut rig = Rig::set_up(setup);
        assert_eq!(rig.mesh.unique_id(), Some(peer(id)), "{setup:?}");
        assert_eq!(rig.mesh.is_server(), is_server, "{setup:?}");
        assert_eq!(rig.mesh.is_server_relay_supported(), relays, "{setup:?}");
        rig.mesh.close(Duration::ZERO);
        assert_eq!(rig.mesh.unique_id(), None, "{setup:?} closed");
        assert!(!rig.mesh.is_server(), "{setup:?} closed");
        assert!(!rig.mesh.is_server_relay_supported(), "{setup:?} closed");
    }
}

/// Section 2.4 against godot#98802: a client that has lost its server is no server.
#[test]
fn a_client_without_its_server_keeps_its_id_and_cannot_send() {
    let mut rig = Rig::set_up(Client(2));
    rig.connect(1);
    rig.goes(1);
    assert_eq!(rig.mesh.unique_id(), Some(peer(2)));
    assert!(!rig.mesh.is_server());
    let sent = rig.reached(Target::All, ChannelIndex(0));
    assert_eq!(sent, Err(SendError::NotInitialized));
}

/// Section 2.1 step 5.
#[test]
fn without_the_server_nobody_can_be_sent_to() {
    let mut rig = Rig::set_up(Compatible(2));
    rig.connect(3);
    rig.connect(1);
    let reached = |rig: &mut Rig| rig.reached(Target::One(peer(3)), ChannelIndex(0));
    assert_eq!(reached(&mut rig), Ok(vec![3]));
    rig.goes(1);
    assert_eq!(reached(&mut rig), Err(SendError::NotInitialized));
    rig.connect(1);
    assert_eq!(reached(&mut rig), Ok(vec![3]));
}

/// Section 7: what `close` resets, and what it leaves.
#[test]
fn close_resets_what_godots_does() {
    let mut rig = Rig::new();
    rig.mesh
        .create_mesh(peer(2), &[TransferMode::UnreliableOrdered])
        .unwrap();
    rig.mesh.set_refuse_new_connections(true);
    let closes = rig.mesh.closes();
    rig.mesh.close(Duration::ZERO);
    assert_eq!(rig.mesh.closes(), closes + 1);
    assert_eq!(rig.mesh.channel_modes(), TransferMode::ALL);
    assert!(rig.mesh.refuses_new_connections());
    assert_eq!(rig.mesh.peers().count(), 0);
}
