//! Our side of a peer that goes on over another link.

mod rig;

use alloc::format;
use alloc::string::String;

use self::rig::{Rig, described};
use super::*;
use crate::{Event, GivenReason, Goodbye, LinkEvent, LinkStats, MeshConfig, PathKind};

const LIFE: &str = "a=webrtc-multiplayer-life:";
const BUILT_IN: ChannelIndex = ChannelIndex(0);
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_peer_outlives_its_link_if_it_may_have_gone_on_elsewhere() {
    type Before = fn(&mut Rig) -> LinkId;
    let cases: [(&str, bool, Before); 7] = [
        ("nothing", false, |rig| rig.first),
        ("it is broken", true, |rig| {
            rig.state(rig.first, ConnectionState::Disconnected);
            rig.first
        }),
        ("it is broken, and the far side leaves", false, |rig| {
            let link = rig.first;
            rig.state(link, ConnectionState::Disconnected);
            let goodbye = Goodbye::Left(GivenReason::default());
            rig.happens(LinkEvent::Goodbye { link, goodbye });
            link
        }),
        ("a replacement is agreed", true, |rig| {
            rig.answered();
            rig.first
        }),
        ("a successor starts anew", false, |rig| {
            rig.successor();
            rig.first
        }),
        ("a replacement was complete, and is gone", true, |rig| {
            let link = rig.opened();
            rig.closes(link);
            rig.first
        }),
        ("the far side may not have gone on", true, Rig::gone_on),
    ];
    for (before, outlives, prepare) in cases {
        let mut rig = Rig::new();
        let link = prepare(&mut rig);
        rig.closes(link);
        assert_eq!(rig.is_severed(), outlives, "{before}");
        let is_end = |event: &Event| matches!(event, Event::PeerDisconnected { .. });
        assert_eq!(rig.events().iter().any(is_end), !outlives, "{before}");
    }
}

#[test]
fn nobody_outlives_a_link_of_which_nothing_is_kept() {
    let mut rig = Rig::with(MeshConfig {
        resume_bytes: 0,
        ..MeshConfig::default()
    });
    rig.state(rig.first, ConnectionState::Disconnected);
    rig.closes(rig.first);
    assert!(!rig.mesh.has_peer(rig.peer));
}

#[test]
fn a_peer_whose_link_has_closed_resumes_over_another_one_alone() {
    let mut rig = Rig::new();
    rig.state(rig.first, ConnectionState::Disconnected);
    rig.state(rig.first, ConnectionState::Closed);
    rig.state(rig.first, ConnectionState::Connected);
    assert_eq!(rig.events(), [Event::PeerInterrupted(rig.peer)]);
    assert!(rig.is_severed());
    rig.gone_on();
    assert_eq!(rig.events(), [Event::PeerResumed(rig.peer)]);
    assert!(!rig.is_severed());
}

#[test]
fn a_path_does_not_heal_that_is_closed_or_breaks_again_within_six_seconds() {
    let mut rig = Rig::new();
    let link = rig.first;
    let peer = rig.peer;
    assert!(!rig.mesh.is_not_to_heal(peer));
    rig.state(link, ConnectionState::Disconnected);
    assert!(!rig.mesh.is_not_to_heal(peer), "for the first time");
    for (back_for, is_not_to_heal) in [(5, true), (6, false), (7, false)] {
        rig.state(link, ConnectionState::Connected);
        rig.now += SECOND * back_for;
        rig.state(link, ConnectionState::Disconnected);
        assert_eq!(
            rig.mesh.is_not_to_heal(peer),
            is_not_to_heal,
            "back for {back_for} s"
        );
    }
    rig.closes(link);
    assert!(rig.mesh.is_not_to_heal(peer), "closed");
}

#[test]
fn a_replacement_is_agreed_then_complete_then_the_peers_link() {
    let stage = |rig: &Rig, link| (rig.mesh.is_going_on(link), rig.mesh.is_taking_over(link));
    let mut rig = Rig::new();
    let link = rig.replacement();
    rig.offer(link);
    assert_eq!(stage(&rig, link), (false, false), "offered");
    let line = rig.line.clone();
    rig.answer(link, &line);
    assert_eq!(stage(&rig, link), (true, false), "answered");
    rig.open(link);
    assert_eq!(stage(&rig, link), (true, true), "open");
    rig.taken(link, 0);
    assert_eq!(stage(&rig, link), (false, false), "it has gone on");
    assert_eq!(rig.mesh.connection(rig.peer), Some(link));
    let link = rig.successor();
    assert_eq!(stage(&rig, link), (false, false), "it starts anew");
}

#[test]
fn a_replacement_whose_path_breaks_is_given_up_if_it_was_complete() {
    let mut rig = Rig::new();
    let link = rig.answered();
    rig.state(link, ConnectionState::Disconnected);
    assert_eq!(rig.mesh.successor(rig.peer), Some(link));
    rig.open(link);
    rig.state(link, ConnectionState::Disconnected);
    assert_eq!(rig.mesh.successor(rig.peer), None);
}

#[test]
fn what_has_not_been_taken_out_goes_over_the_new_link() {
    let mut rig = Rig::new();
    rig.send(ChannelIndex(3), "hi");
    let link = rig.gone_on();
    assert_eq!(rig.transmits(), [(link, ChannelIndex(3))]);
}

#[test]
fn a_link_that_goes_on_with_nothing_to_send_has_no_turn() {
    let mut rig = Rig::new();
    rig.gone_on();
    assert!(!rig.mesh.has_turns());
}

#[test]
fn an_interruption_is_told_though_it_was_over_before_anybody_listened() {
    let mut rig = Rig::new();
    rig.state(rig.first, ConnectionState::Disconnected);
    rig.gone_on();
    let (peer, told) = (rig.peer, rig.events());
    assert_eq!(
        told,
        [Event::PeerInterrupted(peer), Event::PeerResumed(peer)]
    );
}

#[test]
fn what_comes_over_both_links_is_told_and_counted_once() {
    let mut rig = Rig::new();
    let link = rig.opened();
    rig.says(rig.first, "one");
    rig.says(link, "one");
    rig.says(link, "two");
    rig.taken(link, 0);
    let packets = rig.events();
    let words = packets.iter().filter_map(|event| {
        let Event::Packet(packet) = event else {
            return None;
        };
        packet.payload.text()
    });
    assert_eq!(Vec::from_iter(words), ["one", "two"]);
    let member = rig.mesh.member(link).unwrap();
    assert_eq!(member.channels[0].received.packets, 2);
}

#[test]
fn another_way_than_before_is_told() {
    use PathKind::{Direct, Relayed};
    let select = |rig: &mut Rig, link, path| {
        if let Some(path) = path {
            rig.happens(LinkEvent::PairSelected { link, path });
        }
    };
    let cases = [
        (Some(Direct), Some(Relayed), true),
        (Some(Direct), Some(Direct), false),
        (None, Some(Relayed), false),
        (Some(Direct), None, false),
    ];
    for (before, after, is_news) in cases {
        let mut rig = Rig::new();
        let first = rig.first;
        select(&mut rig, first, before);
        let link = rig.opened();
        select(&mut rig, link, after);
        rig.taken(link, 0);
        let (peer, from, to) = (rig.peer, Direct, Relayed);
        let changed = Event::PeerPathChanged { peer, from, to };
        let told = is_news.then_some(changed.clone());
        assert_eq!(rig.events(), Vec::from_iter(told), "{before:?}, {after:?}");
        // Where the new one has not been told yet, it is compared with that of before.
        select(&mut rig, link, Some(Relayed));
        let is_late = after != Some(Relayed);
        assert_eq!(rig.events(), Vec::from_iter(is_late.then_some(changed)));
    }
}

#[test]
fn a_far_side_that_counts_wrong_is_told_so_on_every_link() {
    let mut rig = Rig::new();
    let (first, second) = (rig.first, rig.answered());
    rig.commands();
    rig.taken(first, 1);
    let what = String::from("it says that it has messages that were never sent");
    let end = rig.ended(DisconnectReason::Protocol(what.clone()));
    assert_eq!(rig.events(), [end]);
    let goodbye = Goodbye::Protocol(what);
    let said = [first, second].map(|link| Command::Goodbye {
        link,
        goodbye: goodbye.clone(),
    });
    let commands = rig.commands();
    assert!(
        said.iter().all(|said| commands.contains(said)),
        "{commands:?}"
    );
}

#[test]
fn a_replacement_ends_when_there_is_more_than_can_be_kept() {
    let mut rig = Rig::with(MeshConfig {
        resume_bytes: 1000,
        ..MeshConfig::default()
    });
    let link = rig.answered();
    for (bytes, successor) in [(100, Some(link)), (1000, None)] {
        rig.send(BUILT_IN, alloc::vec![0; bytes]);
        assert_eq!(rig.transmits(), [(rig.first, BUILT_IN)]);
        assert_eq!(rig.mesh.successor(rig.peer), successor);
    }
    assert_eq!(rig.events(), [], "the first link goes on");
}

#[test]
fn a_far_side_that_has_lost_what_it_knew_is_lost() {
    let other = format!("{LIFE}0123456789abcdef\r\n");
    for line in ["", &other] {
        let mut rig = Rig::new();
        let link = rig.replacement();
        rig.offer(link);
        rig.answer(link, line);
        assert_eq!(rig.events(), [rig.ended(DisconnectReason::Lost)]);
        assert!(!rig.mesh.has_peer(rig.peer));
    }
}

#[test]
fn an_answer_names_what_the_offer_named_if_that_is_known() {
    for (is_known, line) in [
        (true, None),
        (false, Some("")),
        (false, Some("0123456789abcdef")),
    ] {
        let mut rig = Rig::new();
        let line = line.map_or_else(|| rig.line.clone(), |name| format!("{LIFE}{name}\r\n"));
        let link = rig.replacement();
        let answer = rig.answers(link, &line);
        assert_eq!(answer.contains(LIFE), is_known, "{line}");
    }
}

#[test]
fn nothing_goes_on_over_a_link_that_does_not_take_the_same() {
    let transfers = "a=webrtc-multiplayer-transfers:16777216 4194304\r\n";
    for (line, fits) in [
        ("", true),
        (transfers, false),
        ("a=max-message-size:20000\r\n", false),
        ("a=max-message-size:100000\r\n", true),
    ] {
        let mut rig = Rig::new();
        let line = format!("{}{line}", rig.line);
        let link = rig.replacement();
        assert_eq!(rig.answers(link, &line).contains(LIFE), fits, "{line}");
    }
    let mut rig = Rig::new();
    rig.mesh.set_custom_channels(&[]).unwrap();
    let link = rig.replacement();
    assert!(!rig.offer(link).contains(LIFE), "a channel less");
}

#[test]
fn an_offer_replaces_what_is_kept_of_a_peer_that_stays() {
    let offers = |rig: &Rig| {
        rig.mesh
            .offers_replacement(rig.peer, &described(9, &rig.line))
    };
    let mut rig = Rig::new();
    assert!(offers(&rig));
    let goodbye = Goodbye::Left(GivenReason::default());
    let link = rig.first;
    rig.happens(LinkEvent::Goodbye { link, goodbye });
    assert!(!offers(&rig), "it leaves");
    let nothing = MeshConfig {
        resume_bytes: 0,
        ..MeshConfig::default()
    };
    assert!(!offers(&Rig::with(nothing)), "nothing is kept");
}

#[test]
fn what_an_interruption_drops_is_counted_among_what_was_dropped() {
    let mut rig = Rig::new();
    let link = rig.first;
    // The first one goes past the queue.
    rig.send(ChannelIndex(2), "one");
    rig.send(ChannelIndex(2), "two");
    rig.state(link, ConnectionState::Disconnected);
    rig.events();
    let stats = LinkStats {
        messages_dropped: 5,
        ..LinkStats::default()
    };
    rig.happens(LinkEvent::Stats { link, stats });
    let stats = LinkStats {
        messages_dropped: 6,
        ..stats
    };
    let peer = rig.peer;
    assert_eq!(rig.events(), [Event::Stats { peer, stats }]);
}
