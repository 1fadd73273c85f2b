//! What peers of ours say of an end, in addition to all that Godot knows.

use std::time::Duration;

use mesh_core::{Command, DisconnectReason, Event, GivenReason, Goodbye, LinkEvent};

use crate::rig::{Rig, Setup, peer};

fn connected(ids: &[u32]) -> Rig {
    let mut rig = Rig::set_up(Setup::Mesh(2));
    for id in ids {
        rig.connect(*id);
    }
    rig.events();
    rig.commands();
    rig
}

fn disconnected(id: u32, reason: DisconnectReason) -> Event {
    Event::PeerDisconnected {
        peer: peer(id),
        reason,
    }
}

#[test]
fn a_goodbye_is_the_reason_of_the_end_that_follows() {
    let reason = GivenReason::new(7, "the end");
    let cases = [
        (
            Goodbye::Left(reason.clone()),
            DisconnectReason::Left(reason.clone()),
        ),
        (
            Goodbye::Kicked(reason.clone()),
            DisconnectReason::Kicked(reason),
        ),
        (Goodbye::PageLeft, DisconnectReason::PageLeft),
        (Goodbye::InboxFull, DisconnectReason::PeerInboxFull),
        (
            Goodbye::Protocol("why".into()),
            DisconnectReason::PeerProtocol("why".into()),
        ),
    ];
    for (goodbye, reason) in cases {
        let mut rig = connected(&[3]);
        let link = rig.links[&3];
        rig.happens(LinkEvent::Goodbye { link, goodbye });
        assert_eq!(rig.told(), "");
        rig.says(3, 0, "last");
        rig.goes(3);
        let events = rig.events();
        let [Event::Packet(_), end] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(*end, disconnected(3, reason));
    }
}

#[test]
fn a_goodbye_ends_the_peer_even_if_the_close_is_lost() {
    let mut rig = connected(&[3]);
    let link = rig.links[&3];
    let goodbye = Goodbye::PageLeft;
    rig.happens(LinkEvent::Goodbye { link, goodbye });
    rig.passes(Duration::from_millis(99));
    assert_eq!(rig.events(), []);
    rig.passes(Duration::from_millis(1));
    let end = disconnected(3, DisconnectReason::PageLeft);
    assert_eq!(rig.events(), [end]);
    let close = rig.commands();
    assert!(matches!(close[..], [Command::Close { .. }]), "{close:?}");
}

#[test]
fn a_goodbye_before_the_peer_is_there_is_why_it_failed() {
    let mut rig = Rig::set_up(Setup::Mesh(2));
    let link = rig.add(3);
    let reason = GivenReason::from("full");
    let goodbye = Goodbye::Kicked(reason.clone());
    rig.happens(LinkEvent::Goodbye { link, goodbye });
    rig.goes(3);
    let failed = Event::PeerFailed {
        peer: peer(3),
        reason: DisconnectReason::Kicked(reason),
    };
    assert_eq!(rig.events(), [failed]);
}

#[test]
fn a_peer_that_we_remove_meanwhile_is_removed() {
    let mut rig = connected(&[3]);
    let link = rig.links[&3];
    let goodbye = Goodbye::PageLeft;
    rig.happens(LinkEvent::Goodbye { link, goodbye });
    rig.mesh.remove_peer(peer(3));
    let end = disconnected(3, DisconnectReason::Removed);
    assert_eq!(rig.events(), [end]);
}

#[test]
fn a_kick_is_told_to_the_kicked_and_to_the_others() {
    let mut rig = connected(&[3, 4]);
    rig.add(5);
    rig.commands();
    let (kicked, other) = (rig.links[&3], rig.links[&4]);
    let reason = GivenReason::new(9, "idle");
    assert!(rig.mesh.kick(peer(3), reason.clone()));
    let commands = rig.commands();
    let [tell, goodbye, Command::Close { link, .. }] = &commands[..] else {
        panic!("{commands:?}");
    };
    let told = Command::TellKick {
        link: other,
        peer: peer(3),
        reason: reason.clone(),
    };
    assert_eq!(*tell, told);
    let said = Command::Goodbye {
        link: kicked,
        goodbye: Goodbye::Kicked(reason),
    };
    assert_eq!((goodbye, *link), (&said, kicked));
    assert!(!rig.mesh.kick(peer(9), ""), "nobody");
    assert_eq!(rig.commands(), []);
}

#[test]
fn a_kick_of_another_is_heard_also_if_the_one_who_did_it_leaves() {
    let mut rig = connected(&[3, 4]);
    let link = rig.links[&3];
    let reason = GivenReason::from("idle");
    // What it says of us, we hear when it does it.
    for id in [2, 4] {
        rig.happens(LinkEvent::Kicked {
            link,
            peer: peer(id),
            reason: reason.clone(),
        });
    }
    rig.goes(3);
    let kicked = Event::PeerKicked {
        peer: peer(4),
        by: peer(3),
        reason,
    };
    let end = disconnected(3, DisconnectReason::Closed);
    assert_eq!(rig.events(), [kicked, end]);
    assert!(rig.mesh.is_connected(peer(4)));
}

#[test]
fn a_leave_says_why_on_every_link() {
    let mut rig = connected(&[3, 4]);
    rig.mesh.leave(Duration::ZERO, (7, "the end"));
    let goodbye = Goodbye::Left(GivenReason::new(7, "the end"));
    let words = rig.commands().into_iter().filter_map(|command| {
        let Command::Goodbye { goodbye, .. } = command else {
            return None;
        };
        Some(goodbye)
    });
    let words: Vec<_> = words.collect();
    assert_eq!(words, [goodbye.clone(), goodbye]);
}

#[test]
fn a_close_and_a_removal_say_nothing() {
    let mut rig = connected(&[3, 4]);
    rig.mesh.remove_peer(peer(3));
    rig.mesh.close(Duration::ZERO);
    let commands = rig.commands();
    assert!(
        matches!(commands[..], [Command::Close { .. }, Command::Close { .. }]),
        "{commands:?}"
    );
}
