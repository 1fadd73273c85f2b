//! Relayed links against coturn. Without a `turnserver` (apt-get install coturn) it says in one line that it does not run.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "the lints' exceptions for tests do not reach the helpers of a test file"
)]

mod coturn;
mod given;
mod late;
mod stream;
#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use backend_native::testing::{Cures, SocketOptions};
use backend_native::{PlatformBackend, PlatformConfig};
use mesh_core::{
    Backend, CandidateType, ChannelIndex, CloseReason, Command, ConnectFailure, IceServer,
    IceTransportPolicy, LinkConfig, LinkEvent, LinkStats, Payload, TransportProtocol,
};

use coturn::Coturn;
use libtest_mimic::{Arguments, Trial};
use support::{INBOX, ORDERED, Pair, Peer, RELIABLE, UNRELIABLE, link, specs};

macro_rules! trials {
    ($($($part:ident)::+),+ $(,)?) => {
        vec![$(Trial::test(stringify!($($part)::+), || {
            $($part)::+();
            Ok(())
        })),+]
    };
}

fn main() -> ExitCode {
    let is_required = std::env::var_os("RELAY_REQUIRED").is_some();
    if !is_required && !coturn::is_installed() {
        eprintln!(
            "relay: not run, there is no turnserver; `sudo apt-get install coturn` brings it"
        );
        return ExitCode::SUCCESS;
    }
    let trials = trials![
        relay_only_on_both_sides_connects_and_carries,
        without_the_cures_each_message_waits_for_the_next_wake_up,
        a_close_is_seen_by_the_far_side,
        a_drop_is_seen_by_the_far_side,
        a_wrong_password_is_no_relay_at_once,
        given::a_credential_of_the_signaling_server_is_taken,
        stream::peers_without_udp_play_over_tcp,
        stream::peers_without_udp_play_over_tls,
        stream::one_without_udp_meets_one_that_has_it,
        stream::a_certificate_nobody_knows_is_told,
        stream::a_server_that_refuses_tcp_is_told,
        stream::a_wrong_password_is_told_over_tcp,
        late::a_direct_path_that_comes_after_400_ms_is_preferred,
        late::a_direct_path_that_opens_is_used_and_left_again_when_it_breaks,
        late::a_server_that_dies_under_a_direct_path_ends_no_link,
        late::what_is_lost_on_a_quiet_direct_path_is_repeated_though_the_turn_server_is_dead,
        late::without_the_cure_a_relayed_link_stays_relayed,
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

const CHANNELS: [ChannelIndex; 3] = [RELIABLE, ORDERED, UNRELIABLE];

fn relay_only(server: IceServer) -> LinkConfig {
    LinkConfig {
        ice_servers: vec![server],
        ice_transport_policy: IceTransportPolicy::Relay,
    }
}

fn peer(cures: Cures) -> Peer {
    let mut backend = PlatformBackend::new(PlatformConfig::loopback()).expect("threads");
    backend.use_sockets(SocketOptions {
        cures,
        ..SocketOptions::default()
    });
    Peer::new(backend)
}

/// Two links that use nothing but the server's relay, and how long it took until all channels were open.
fn relayed(server: &Coturn, cures: Cures) -> (Pair, Duration) {
    relayed_by(&server.server(), cures)
}

fn relayed_by(server: &IceServer, cures: Cures) -> (Pair, Duration) {
    let mut pair = Pair {
        a: peer(cures),
        b: peer(cures),
    };
    let start = Instant::now();
    for peer in [&mut pair.a, &mut pair.b] {
        peer.open(link(0), relay_only(server.clone()), INBOX, &specs());
    }
    pair.connect();
    (pair, start.elapsed())
}

fn stats(pair: &mut Pair, of: fn(&mut Pair) -> &mut Peer) -> LinkStats {
    let peer = of(pair);
    let link = peer.link;
    // Earlier figures.
    peer.log
        .retain(|event| !matches!(event, LinkEvent::Stats { .. }));
    peer.backend.execute(Command::RequestStats { link });
    let mut found = None;
    pair.wait("figures", |pair| {
        found = of(pair).log.iter().rev().find_map(|event| {
            if let LinkEvent::Stats { stats, .. } = event {
                Some(*stats)
            } else {
                None
            }
        });
        found.is_some()
    });
    found.expect("just waited for")
}

/// Ping and pong so many times, one after the other; the median.
fn round_trip(pair: &mut Pair, channel: ChannelIndex, times: usize) -> Duration {
    let mut trips: Vec<_> = (0..times)
        .map(|n| {
            let start = Instant::now();
            let (ping, pong) = (
                Payload::from(format!("ping {n}")),
                Payload::from(format!("pong {n}")),
            );
            pair.a.send(channel, ping.clone());
            pair.wait("the ping", |pair| {
                pair.b.take_messages(channel).contains(&ping)
            });
            pair.b.send(channel, pong.clone());
            pair.wait("the pong", |pair| {
                pair.a.take_messages(channel).contains(&pong)
            });
            start.elapsed()
        })
        .collect();
    trips.sort();
    trips[times / 2]
}

fn relay_only_on_both_sides_connects_and_carries() {
    let server = Coturn::start();
    let (mut pair, _) = relayed(&server, Cures::default());
    let sides: [fn(&mut Pair) -> &mut Peer; 2] = [|pair| &mut pair.a, |pair| &mut pair.b];
    for side in sides {
        let stats = stats(&mut pair, side);
        assert_eq!(stats.local, Some(CandidateType::Relay));
        assert_eq!(stats.remote, Some(CandidateType::Relay));
        assert_eq!(stats.protocol, Some(TransportProtocol::Udp));
    }
    for channel in CHANNELS {
        round_trip(&mut pair, channel, 10);
    }
    let large: Vec<Payload> = (0..20).map(|n| Payload::from(vec![n; 64 * 1024])).collect();
    for message in &large {
        pair.wait("room", |pair| {
            let link = pair.a.link;
            pair.a.backend.buffered_amount(link, RELIABLE) < 512 * 1024
        });
        pair.a.send(RELIABLE, message.clone());
    }
    pair.wait("20 large messages", |pair| {
        pair.b.messages(RELIABLE) == large.len()
    });
    assert!(
        pair.b.take_messages(RELIABLE) == large,
        "changed on the way"
    );
}

/// native.md §7 measured 52 ms against 0.7 ms, and 2.4 s against 0.2 s to open.
fn without_the_cures_each_message_waits_for_the_next_wake_up() {
    let server = Coturn::start();
    let (mut pair, cured_open) = relayed(&server, Cures::default());
    let cured = round_trip(&mut pair, UNRELIABLE, 7);
    let (mut pair, open) = relayed(&server, Cures::NONE);
    // Reliable: one that is lost would wait for ever on the other channels.
    let bare = round_trip(&mut pair, RELIABLE, 7);
    assert!(cured * 5 < bare, "{cured:?} against {bare:?}");
    assert!(
        cured_open * 2 < open,
        "{cured_open:?} against {open:?} to open"
    );
}

fn a_close_is_seen_by_the_far_side() {
    let server = Coturn::start();
    let (mut pair, _) = relayed(&server, Cures::default());
    pair.a.send(RELIABLE, "goodbye");
    let start = Instant::now();
    pair.a.close(Duration::from_secs(5));
    pair.wait("the close", |pair| pair.b.has_closed_channel(RELIABLE));
    assert_eq!(pair.b.take_messages(RELIABLE), [Payload::from("goodbye")]);
    // Long before ICE gives the silent peer up, after 5 s.
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
}

fn a_drop_is_seen_by_the_far_side() {
    let server = Coturn::start();
    let (pair, _) = relayed(&server, Cures::default());
    let Pair { a, mut b } = pair;
    let start = Instant::now();
    drop(a);
    b.wait("the close", |b| b.has_closed_channel(RELIABLE));
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
}

/// Why a link that may use nothing but this server's relay comes to nothing, and after which time.
fn no_relay(server: IceServer) -> (String, Duration) {
    no_relay_of(peer(Cures::default()), server)
}

fn no_relay_of(mut peer: Peer, server: IceServer) -> (String, Duration) {
    let start = Instant::now();
    peer.open(link(0), relay_only(server), INBOX, &specs());
    peer.offer();
    peer.wait("the end", |peer| peer.closed.is_some());
    let reason = peer.closed.expect("just waited for");
    let CloseReason::Failed(ConnectFailure::NoRelay { cause }) = reason else {
        panic!("{reason:?}");
    };
    (cause, start.elapsed())
}

fn a_wrong_password_is_no_relay_at_once() {
    let server = Coturn::start();
    let (cause, time) = no_relay(server.server_with_a_wrong_password());
    assert!(cause.contains(&server.url()), "{cause}");
    assert!(time < Duration::from_secs(4), "{time:?}");
}
