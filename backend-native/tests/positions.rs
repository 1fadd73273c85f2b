//! A game that sends more positions than the path carries: what arrives is not old.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "test code"
)]

use std::ops::Range;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use backend_native::testing::{SocketOptions, SocketSource};
use backend_native::{PlatformBackend, PlatformConfig};
use mesh_core::{Event, LinkConfig, MeshConfig, Multiplayer, PeerId, Target, TransferMode};
use socket_faults::{Fate, Faults, Judge, TokioSockets, Weather};

/// A frame at 60 Hz.
const FRAME: Duration = Duration::from_micros(16_667);

/// 240,000 bytes a second, where the path carries 125,000.
const POSITIONS: usize = 4000;

const FRAMES: u64 = 240;

/// One megabit a second each way, 10 ms away, with a queue of 120 ms before it; what does not fit is lost.
///
/// A queue so short that it loses some of the first messages costs those behind them a second, which is the least time after
/// which the crate sends again: no matter of what waits before the path.
fn one_megabit() -> Judge {
    const NANOS_PER_BYTE: u64 = 8000;
    const QUEUE: Duration = Duration::from_millis(120);
    const AWAY: Duration = Duration::from_millis(10);
    let mut free_at = Instant::now();
    Box::new(move |datagram: &[u8]| {
        let now = Instant::now();
        free_at = free_at.max(now);
        if free_at - now > QUEUE {
            return Fate::Lose;
        }
        free_at += Duration::from_nanos(NANOS_PER_BYTE * datagram.len() as u64);
        Fate::Delay(free_at - now + AWAY)
    })
}

/// The frames during which nothing arrives: 1.5 s, or longer on a busy machine.
const OUTAGE: Range<u64> = 60..150;

/// Those frames of the outage that are given up before its end. A message may wait 150 ms in the mesh and 150 ms in the queue
/// before SCTP, and lives for [`LIFETIME`] in SCTP: 600 ms in all.
const TOO_OLD: Range<u64> = 60..110;

/// In milliseconds.
const LIFETIME: u16 = 300;

fn end(id: u32, sockets: Option<Arc<dyn SocketSource>>) -> Multiplayer<PlatformBackend> {
    let mut backend = PlatformBackend::new(PlatformConfig::loopback()).expect("a runtime");
    if sockets.is_some() {
        backend.use_sockets(SocketOptions {
            source: sockets,
            ..SocketOptions::default()
        });
    }
    let mut end = Multiplayer::new(backend, MeshConfig::default());
    end.initialize(PeerId::new(id).unwrap(), false).unwrap();
    end
}

#[test]
fn half_of_the_positions_over_one_megabit_are_younger_than_250_ms() {
    for mode in [TransferMode::Unreliable, TransferMode::UnreliableOrdered] {
        let sockets = Faults::both_ways(Arc::new(TokioSockets), one_megabit);
        let arrived = play(sockets, mode, (None, POSITIONS), |frame, _| frame < FRAMES);
        let mut ages = Vec::from_iter(arrived.iter().map(|arrival| arrival.age));
        ages.sort_unstable();
        let at = |part: usize| ages[(ages.len() - 1) * part / 100];
        let (p50, p95, max) = (at(50), at(95), at(100));
        println!(
            "{mode:?}: {} of {FRAMES} arrived; age p50 {p50:?}, p95 {p95:?}, max {max:?}",
            ages.len()
        );
        // The oldest is printed alone: a busy machine adds to it what it lets the frames wait. What queues up shows in all.
        assert!(p50 < Duration::from_millis(250), "{p50:?}");
        // Half of what is sent fits.
        assert!(ages.len() as u64 > FRAMES / 5, "{} arrived", ages.len());
    }
}

#[test]
fn positions_sent_once_do_not_wait_out_an_outage() {
    let frames = outage(None);
    let old = frames.iter().filter(|frame| TOO_OLD.contains(frame));
    // What SCTP holds already cannot be taken back.
    assert!(old.count() <= 8, "{frames:?}");
}

#[test]
fn positions_that_outlived_their_lifetime_during_an_outage_are_not_sent() {
    let frames = outage(Some(LIFETIME));
    let is_too_old = |frame: &u64| TOO_OLD.contains(frame);
    assert!(!frames.iter().any(is_too_old), "{frames:?}");
}

/// Plays through an [`OUTAGE`]; the frames that arrived.
fn outage(lifetime: Option<u16>) -> Vec<u64> {
    let weather = Weather::seeded(1);
    let arrived = play(
        weather.sockets(),
        TransferMode::Unreliable,
        (lifetime, 1000),
        |frame, arrived| {
            let loss = if OUTAGE.contains(&frame) { 1.0 } else { 0.0 };
            weather.set(|chance| chance.loss(loss));
            let is_after = |arrival: &Arrival| arrival.frame >= OUTAGE.end;
            !arrived.iter().any(is_after)
        },
    );
    Vec::from_iter(arrived.iter().map(|arrival| arrival.frame))
}

/// A message that came.
struct Arrival {
    frame: u64,
    age: Duration,
}

/// Plays as long as `goes_on` says, which is asked before each frame; what arrived.
fn play(
    sockets: Arc<dyn SocketSource>,
    mode: TransferMode,
    (lifetime, bytes): (Option<u16>, usize),
    mut goes_on: impl FnMut(u64, &[Arrival]) -> bool,
) -> Vec<Arrival> {
    let start = Instant::now();
    let ids = [1, 2].map(|id| PeerId::new(id).unwrap());
    let mut ends = [end(1, Some(sockets)), end(2, None)];
    let links = [0, 1].map(|near: usize| {
        let link = ends[near].create_connection(LinkConfig::default());
        ends[near].add_peer(link, ids[1 - near], lifetime).unwrap();
        link
    });
    ends[0].create_offer(links[0]).unwrap();
    let (mut arrived, mut sent, mut connected) = (Vec::new(), 0_u64, 0);
    let mut next_frame = start;
    loop {
        // The receiver looks more often than it draws: the age on arrival is asked for.
        thread::sleep(Duration::from_millis(1));
        assert!(start.elapsed() < Duration::from_secs(60), "it stands still");
        let is_frame = Instant::now() >= next_frame;
        if is_frame {
            next_frame = Instant::now() + FRAME;
        }
        if is_frame && connected == 2 {
            if !goes_on(sent, &arrived) {
                break;
            }
            let now = u64::try_from(start.elapsed().as_micros()).unwrap();
            let mut positions = [sent, now].map(u64::to_be_bytes).concat();
            positions.resize(bytes, 0);
            ends[0].send(Target::All, mode, positions).unwrap();
            sent += 1;
        }
        for near in [0, 1] {
            if near == 0 && !is_frame {
                continue;
            }
            while let Some(event) = ends[near].poll() {
                let far = &mut ends[1 - near];
                match event {
                    Event::Description { description, .. } => {
                        let link = links[1 - near];
                        far.set_remote_description(link, description).unwrap();
                    }
                    Event::Candidate { candidate, .. } => {
                        far.add_ice_candidate(links[1 - near], candidate).unwrap();
                    }
                    Event::PeerConnected(_) => connected += 1,
                    Event::PeerInterrupted(_) | Event::PeerResumed(_) => {}
                    Event::Packet(packet) => {
                        let (frame, rest) = packet.payload.bytes().split_first_chunk().unwrap();
                        let (at, _) = rest.split_first_chunk().unwrap();
                        let at = Duration::from_micros(u64::from_be_bytes(*at));
                        arrived.push(Arrival {
                            frame: u64::from_be_bytes(*frame),
                            age: start.elapsed() - at,
                        });
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    let info = ends[0].peer(ids[1]).unwrap();
    let dropped = info.channels[usize::from(mode.channel().0)].messages_dropped;
    println!("{mode:?}: {dropped} were dropped before they were sent");
    assert!(dropped > 0);
    arrived
}
