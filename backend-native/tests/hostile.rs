//! A member that connects as an honest one and then sends what the crates underneath do not expect.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "test code"
)]

mod support;

use std::task::Context;
use std::time::{Duration, Instant};

use backend_native::testing::{Cures, SocketOptions};
use backend_native::{PlatformBackend, PlatformConfig};
use hostile_member::{Attack, Chance};
use mesh_core::{Backend, CloseReason, Command, LinkEvent};
use support::member::{besiege, until_the_end};
use support::{Pair, Peer, RELIABLE, unpark_me};

/// What no honest peer sends, and what the crates underneath or this one cannot let pass.
const FATAL: [Attack; 9] = [
    Attack::EmptyDcep,
    Attack::ChunkLengths,
    Attack::ParameterLengths,
    Attack::ForwardTsn,
    Attack::FarForwardTsn,
    Attack::SmallForwardTsns,
    Attack::Associations,
    Attack::Control,
    Attack::Channels,
];

#[test]
fn who_sends_what_no_honest_peer_does_is_ended_as_at_fault() {
    let mut peer = Peer::loopback();
    for (number, attack) in (0..).zip(FATAL) {
        let mut member = besiege(&mut peer, number);
        let mut chance = Chance::new(number.into());
        let reason = until_the_end(&mut peer, &mut member, |member| {
            attack.burst(member, &mut chance);
        });
        let is_fault = matches!(reason, CloseReason::Protocol(_));
        assert!(is_fault, "{attack:?} ended as {reason:?}");
    }
}

/// What does no harm is ignored, or costs its sender the channels. The link goes on to serve the game.
#[test]
fn other_nonsense_neither_ends_a_link_nor_stops_it() {
    let mut peer = Peer::loopback();
    let others = Attack::ALL
        .into_iter()
        .filter(|attack| !FATAL.contains(attack));
    for (number, attack) in (0..).zip(others) {
        let mut member = besiege(&mut peer, number);
        let mut chance = Chance::new(number.into());
        for _ in 0..20 {
            attack.burst(&mut member, &mut chance);
            member.turn();
        }
        let link = peer.link;
        peer.backend.execute(Command::RequestStats { link });
        peer.wait("statistics, or the end", |peer| {
            let is_stats = |event: &LinkEvent| matches!(event, LinkEvent::Stats { .. });
            peer.closed.is_some() || peer.log.iter().any(is_stats)
        });
        // Chance may have made what is fatal.
        let is_fair = matches!(peer.closed, None | Some(CloseReason::Protocol(_)));
        assert!(is_fair, "{attack:?} ended as {:?}", peer.closed);
    }
}

#[test]
fn who_asks_on_the_control_channel_and_takes_no_answers_is_ended() {
    // The crate keeps this much for a far side that acknowledges nothing: fewer answers than one burst asks for. More bursts
    // could be too many requests at once, which is another fault.
    let config = PlatformConfig {
        sctp_send_limit: 256,
        ..PlatformConfig::loopback()
    };
    let mut peer = Peer::new(PlatformBackend::new(config).expect("threads"));
    let mut member = besiege(&mut peer, 0);
    member.take_no_more();
    Attack::Requests.burst(&mut member, &mut Chance::new(0));
    let reason = until_the_end(&mut peer, &mut member, |_| {});
    let is_fault = |why: &String| why.contains("asked for and not taken");
    assert!(
        matches!(&reason, CloseReason::Protocol(why) if is_fault(why)),
        "{reason:?}"
    );
}

/// Sends packets that skip many numbers until that is the end.
fn end_by_leaps(far_leaps: bool) -> CloseReason {
    let mut peer = Peer::loopback();
    peer.backend.use_sockets(SocketOptions {
        cures: Cures {
            far_leaps,
            ..Cures::default()
        },
        ..SocketOptions::default()
    });
    let mut member = besiege(&mut peer, 0);
    until_the_end(&mut peer, &mut member, |member| {
        Attack::SmallForwardTsns.burst(member, &mut Chance::new(0));
    })
}

#[test]
fn a_peer_that_skips_too_many_numbers_is_ended_before_they_cost_anything() {
    let reason = end_by_leaps(true);
    let is_leap = |why: &String| why.contains("skips more numbers");
    assert!(
        matches!(&reason, CloseReason::Protocol(why) if is_leap(why)),
        "{reason:?}"
    );
}

#[test]
fn a_peer_that_makes_the_crate_compute_for_long_is_ended() {
    let reason = end_by_leaps(false);
    let is_costly = |why: &String| why.contains("takes too long");
    assert!(
        matches!(&reason, CloseReason::Protocol(why) if is_costly(why)),
        "{reason:?}"
    );
}

#[test]
fn an_honest_link_outlives_every_attack_on_its_neighbour() {
    let mut pair = Pair::connected();
    let mut victim = Peer::loopback();
    for (number, attack) in (0..).zip(Attack::ALL) {
        let mut member = besiege(&mut victim, number);
        let mut chance = Chance::new(number.into());
        let waker = unpark_me();
        let mut cx = Context::from_waker(&waker);
        let end = Instant::now() + Duration::from_millis(300);
        while Instant::now() < end && victim.closed.is_none() {
            attack.burst(&mut member, &mut chance);
            member.turn();
            victim.poll(&mut cx);
        }
        pair.a.send(RELIABLE, "still here");
        pair.wait("a message", |pair| {
            pair.b.take_messages(RELIABLE).len() == 1
        });
    }
}
