//! Sections 5 and 6: who is sent to, on which channel, and in which order things are told.

use mesh_core::{ChannelIndex, Event, SendError, Target, TransferMode};

use crate::rig::{Rig, Setup, peer};

fn reached(rig: &mut Rig, target: Target, channel: u8) -> Result<Vec<u32>, SendError> {
    let channel = ChannelIndex::for_transfer(TransferMode::Reliable, channel);
    rig.reached(target, channel)
}

/// Section 6.1 steps 2 to 5, with Godot's signed targets.
#[test]
fn targets_and_channels() {
    let mut rig = Rig::new();
    let godot = |target| Target::from_godot(target).unwrap();
    assert_eq!(
        reached(&mut rig, godot(0), 0),
        Err(SendError::NotInitialized),
        "DISCONNECTED"
    );
    rig.mesh
        .create_mesh(peer(2), &[TransferMode::UnreliableOrdered])
        .unwrap();
    assert_eq!(
        reached(&mut rig, godot(0), 0),
        Ok(vec![]),
        "nobody is there"
    );
    rig.connect(3);
    rig.connect(5);
    rig.add(9);
    let rows = [
        (0, 0, Ok(vec![3, 5])),
        (3, 0, Ok(vec![3])),
        (-3, 0, Ok(vec![5])),
        (-77, 0, Ok(vec![3, 5])),
        // Known, and not connected yet: refused by name, not an error.
        (9, 0, Ok(vec![])),
        (77, 0, Err(SendError::UnknownPeer { peer: peer(77) })),
        // Oneself.
        (2, 0, Err(SendError::UnknownPeer { peer: peer(2) })),
        (-2, 0, Ok(vec![3, 5])),
        (0, 1, Ok(vec![3, 5])),
        (3, 1, Ok(vec![3])),
        (3, 2, Err(SendError::UnknownChannel { channel: 4 })),
        (0, 2, Err(SendError::UnknownChannel { channel: 4 })),
    ];
    for (target, channel, expected) in rows {
        let got = reached(&mut rig, godot(target), channel);
        assert_eq!(got, expected, "target {target}, channel {channel}");
    }
}

#[test]
fn a_client_reaches_nobody_but_the_server() {
    let mut rig = Rig::set_up(Setup::Client(2));
    rig.add(1);
    assert_eq!(reached(&mut rig, Target::All, 0), Ok(vec![]), "CONNECTING");
    rig.open(1);
    assert_eq!(reached(&mut rig, Target::All, 0), Ok(vec![1]));
    assert_eq!(reached(&mut rig, Target::AllExcept(peer(1)), 0), Ok(vec![]));
    let other = reached(&mut rig, Target::One(peer(3)), 0);
    assert_eq!(other, Err(SendError::UnknownPeer { peer: peer(3) }));
}

/// Section 5: those who go, then those who come, then packets; nothing of a peer before its "connected".
#[test]
fn the_order_of_one_poll() {
    let mut rig = Rig::set_up(Setup::Mesh(2));
    rig.connect(3);
    rig.connect(4);
    assert_eq!(rig.told(), "+3 +4");
    rig.says(4, 0, "a");
    rig.add(5);
    rig.says(5, 0, "early");
    rig.open(5);
    rig.says(3, 0, "last");
    rig.says(5, 2, "soon");
    rig.goes(3);
    assert_eq!(rig.told(), "3r0:last -3 +5 5r0:early 5u0:soon 4r0:a");
}

/// Section 6.2: one packet a peer in turn; within a peer as they came, so no channel starves another.
#[test]
fn fairness() {
    let mut rig = Rig::new();
    rig.mesh
        .create_mesh(
            peer(2),
            &[TransferMode::UnreliableOrdered, TransferMode::Unreliable],
        )
        .unwrap();
    for id in [3, 4, 5] {
        rig.connect(id);
    }
    assert_eq!(rig.told(), "+3 +4 +5");
    for (id, channel, text) in [
        (3, 2, "1"),
        (3, 0, "2"),
        (3, 3, "3"),
        (4, 0, "1"),
        (3, 4, "4"),
        (5, 1, "1"),
        (5, 0, "2"),
    ] {
        rig.says(id, channel, text);
    }
    assert_eq!(
        rig.told(),
        "3u0:1 4r0:1 5o0:1 3r0:2 5r0:2 3o1:3 3u2:4",
        "mode and transfer channel are those of the packet itself"
    );
}

/// Section 6.2: after losing the server, what others have sent can still be read.
#[test]
fn packets_outlive_the_server() {
    let mut rig = Rig::set_up(Setup::Compatible(2));
    rig.connect(1);
    rig.connect(3);
    assert_eq!(rig.told(), "+1 succeeded +3");
    rig.says(3, 0, "x");
    rig.goes(1);
    rig.says(3, 0, "y");
    assert_eq!(rig.told(), "-1 server-gone 3r0:x 3r0:y");
}

/// A peer that is gone by force takes its packets along; one that is removed leaves them.
#[test]
fn force_forgets_what_was_not_taken() {
    let mut rig = Rig::set_up(Setup::Mesh(2));
    for (id, force, told) in [(3, true, ""), (4, false, "4r0:last -4")] {
        rig.connect(id);
        assert_eq!(rig.told(), format!("+{id}"));
        rig.says(id, 0, "last");
        assert!(rig.mesh.disconnect_peer(peer(id), force));
        assert!(!rig.mesh.disconnect_peer(peer(id), force));
        assert_eq!(rig.told(), told);
    }
}

/// Also when the game is in the middle of hearing of it.
#[test]
fn force_silences_what_was_about_to_be_told() {
    let mut rig = Rig::set_up(Setup::Compatible(2));
    rig.connect(3);
    rig.connect(1);
    rig.says(1, 0, "early");
    let first = rig.mesh.poll_event();
    assert_eq!(first, Some(Event::PeerConnected(peer(1))));
    assert!(rig.mesh.disconnect_peer(peer(1), true));
    assert_eq!(rig.told(), "");
    assert!(rig.mesh.has_peer(peer(3)));
}
