//! No fault of the crate: the pulse that our backend has beside it, on the same network and clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use backend_native::testing::{Cures, SocketOptions};
use mesh_core::{Backend, Command, ConnectionState, LinkEvent, LinkStats};
use socket_faults::{Fate, Faults, Judge};
use tokio::time::{Instant, sleep, timeout};

use crate::backends::{Pair, RELIABLE};
use crate::support::{MemoryNetwork, connected_backends, connected_strangers};

/// What is lost.
const NOTHING: u8 = 0;
const CHECKS: u8 = 1;
const ALL: u8 = 2;
const SOME: u8 = 3;

/// How a path is.
#[derive(Default)]
struct Path {
    lost: AtomicU8,
    /// Datagrams that carried data of SCTP.
    data: AtomicUsize,
    /// Checks of ICE, both ways.
    checks: AtomicUsize,
    /// Datagrams, both ways.
    datagrams: AtomicUsize,
}

impl Path {
    fn lose(&self, what: u8) {
        self.lost.store(what, Ordering::SeqCst);
    }
}

/// How long the path takes each way.
const WAY: Duration = Duration::from_millis(20);

/// The sockets of two backends.
fn sockets(path: &Arc<Path>) -> [SocketOptions; 2] {
    sockets_at(path, WAY)
}

fn sockets_at(path: &Arc<Path>, way: Duration) -> [SocketOptions; 2] {
    let network = MemoryNetwork::default();
    [(); 2].map(|()| {
        let path = Arc::clone(path);
        let judge = move || -> Judge {
            let path = Arc::clone(&path);
            Box::new(move |datagram: &[u8]| {
                let is_check = datagram.first().is_some_and(|first| *first < 4);
                if datagram.starts_with(&[0x00, 0x01]) {
                    path.checks.fetch_add(1, Ordering::SeqCst);
                }
                if datagram.first() == Some(&23) {
                    path.data.fetch_add(1, Ordering::SeqCst);
                }
                let number = path.datagrams.fetch_add(1, Ordering::SeqCst);
                match path.lost.load(Ordering::SeqCst) {
                    SOME if number % 53 == 52 => Fate::Lose,
                    ALL => Fate::Lose,
                    CHECKS if is_check => Fate::Lose,
                    _ => Fate::Delay(way),
                }
            })
        };
        SocketOptions {
            cures: Cures::default(),
            source: Some(Faults::by(Arc::new(network.clone()), judge)),
            ..SocketOptions::default()
        }
    })
}

/// Lets time pass, and takes events meanwhile.
async fn pass(pair: &mut Pair, seconds: u64) {
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        let step = Duration::from_millis(500);
        let _ = timeout(step, pair.wait_async("nothing", |_| false)).await;
    }
}

fn states(pair: &mut Pair) -> Vec<ConnectionState> {
    let mut states = Vec::new();
    for peer in [&mut pair.a, &mut pair.b] {
        peer.log.retain(|event| {
            if let LinkEvent::State { state, .. } = event {
                states.push(*state);
            }
            !matches!(event, LinkEvent::State { .. })
        });
    }
    states
}

async fn figures(pair: &mut Pair) -> LinkStats {
    let link = pair.a.link;
    pair.a.backend.execute(Command::RequestStats { link });
    let mut figures = None;
    pair.wait_async("the figures", |pair| {
        figures = pair.a.log.iter().find_map(|event| {
            if let LinkEvent::Stats { stats, .. } = event {
                return Some(*stats);
            }
            None
        });
        figures.is_some()
    })
    .await;
    figures.unwrap()
}

/// Two native peers that have said nothing for so long that their link is quiet.
async fn idle(path: &Arc<Path>, way: Duration) -> Pair {
    let [a, b] = sockets_at(path, way);
    let mut pair = connected_backends(a, b).await;
    pass(&mut pair, 12).await;
    states(&mut pair);
    pair
}

/// Loses everything until both sides say that the path is gone, which must be in time.
async fn cut(path: &Path, pair: &mut Pair) {
    path.lose(ALL);
    let gone = Instant::now();
    pair.wait_async("both say so", |pair| {
        [&pair.a, &pair.b].map(|peer| peer.state) == [ConnectionState::Disconnected; 2]
    })
    .await;
    let took = gone.elapsed();
    assert!(took <= Duration::from_millis(2500), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn checks_that_are_lost_are_no_interruption() {
    let path = Arc::new(Path::default());
    let mut pair = idle(&path, WAY).await;
    path.lose(CHECKS);
    pass(&mut pair, 8).await;
    assert_eq!(states(&mut pair), []);
    path.lose(NOTHING);
    pass(&mut pair, 5).await;
    assert_eq!(states(&mut pair), []);
}

/// Whoever is controlled answers each check with one of its own, and has a pace for its own as well.
#[tokio::test(start_paused = true)]
async fn each_side_checks_a_strangers_path_at_its_own_pace_and_no_more_often() {
    let path = Arc::new(Path::default());
    let [a, b] = sockets(&path);
    let mut pair = connected_strangers(a, b).await;
    pass(&mut pair, 10).await;
    let before = path.checks.load(Ordering::SeqCst);
    pass(&mut pair, 30).await;
    let checks = path.checks.load(Ordering::SeqCst) - before;
    // Every half second at most, and no less often than every second.
    assert!((2 * 30..=2 * 60).contains(&checks), "{checks}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_link_of_two_native_peers_says_little() {
    let path = Arc::new(Path::default());
    let mut pair = idle(&path, WAY).await;
    let said = || [&path.checks, &path.data].map(|count| count.load(Ordering::SeqCst));
    let before = said();
    pass(&mut pair, 60).await;
    let [checks, data] = [0, 1].map(|kind| said()[kind] - before[kind]);
    // They take turns, about every 0.6 s.
    assert!((85..=125).contains(&checks), "{checks}");
    // A ping in five seconds each way, its answer, and what acknowledges them.
    assert!((48..=100).contains(&data), "{data}");
    assert_eq!(states(&mut pair), []);
}

/// The farthest far side of which the checks speak, at many moments of their turns.
#[tokio::test(start_paused = true)]
async fn a_cut_of_a_second_on_an_idle_link_is_nothing_and_a_longer_one_is_told_of_in_time() {
    for step in 0..30 {
        let path = Arc::new(Path::default());
        let mut pair = idle(&path, Duration::from_millis(48)).await;
        sleep(Duration::from_millis(41) * step).await;
        path.lose(ALL);
        sleep(Duration::from_secs(1)).await;
        path.lose(NOTHING);
        pass(&mut pair, 8).await;
        assert_eq!(states(&mut pair), [], "{step}");
        cut(&path, &mut pair).await;
    }
}

/// Every fiftieth datagram.
#[tokio::test(start_paused = true)]
async fn a_little_loss_on_an_idle_link_is_nothing() {
    let path = Arc::new(Path::default());
    path.lose(SOME);
    let [a, b] = sockets(&path);
    let mut pair = connected_backends(a, b).await;
    pass(&mut pair, 5).await;
    states(&mut pair);
    pass(&mut pair, 600).await;
    assert_eq!(states(&mut pair), []);
    let changes = [&pair.a, &pair.b].map(|peer| peer.backend.stats(peer.link).pair_changes);
    assert_eq!(changes, [0; 2]);
}

#[tokio::test(start_paused = true)]
async fn where_checks_are_lost_pings_take_their_place() {
    let path = Arc::new(Path::default());
    let mut pair = idle(&path, WAY).await;
    path.lose(CHECKS);
    pass(&mut pair, 3).await;
    let before = path.data.load(Ordering::SeqCst);
    pass(&mut pair, 30).await;
    let data = path.data.load(Ordering::SeqCst) - before;
    assert!(data >= 4 * 55, "{data}");
    assert_eq!(states(&mut pair), []);
}

#[tokio::test(start_paused = true)]
async fn a_path_that_is_gone_is_told_of_in_time_and_so_is_its_return() {
    let path = Arc::new(Path::default());
    let mut pair = idle(&path, WAY).await;
    cut(&path, &mut pair).await;
    path.lose(NOTHING);
    pair.a.send(RELIABLE, "still there?");
    pair.wait_async("both are back", |pair| {
        [&pair.a, &pair.b].map(|peer| peer.state) == [ConnectionState::Connected; 2]
    })
    .await;
    pass(&mut pair, 20).await;
    assert_eq!(
        states(&mut pair).len(),
        4,
        "there and back, once on each side"
    );
}

#[tokio::test(start_paused = true)]
async fn a_quiet_link_is_measured() {
    let path = Arc::new(Path::default());
    let [a, b] = sockets(&path);
    let mut pair = connected_backends(a, b).await;
    pass(&mut pair, 10).await;
    let figures = figures(&mut pair).await;
    let round_trip = figures.round_trip.unwrap();
    assert!((40..45).contains(&round_trip.as_millis()), "{round_trip:?}");
    assert!(
        figures
            .jitter
            .is_some_and(|jitter| jitter < Duration::from_millis(5))
    );
    assert_eq!(
        (figures.loss_sent, figures.loss_received, figures.stalled),
        (Some(0), Some(0), false)
    );
    // The other side has not asked, and has them all the same.
    let unasked = pair.b.backend.stats(pair.b.link);
    assert_eq!(unasked.loss_sent, Some(0));
    assert!(unasked.round_trip.is_some() && unasked.local.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_peer_of_another_make_hears_nothing() {
    let path = Arc::new(Path::default());
    let [a, b] = sockets(&path);
    let mut pair = connected_strangers(a, b).await;
    // What is repeated of the handshake has come.
    pass(&mut pair, 5).await;
    let before = path.data.load(Ordering::SeqCst);
    pass(&mut pair, 15).await;
    assert_eq!(path.data.load(Ordering::SeqCst), before);
    assert_eq!(figures(&mut pair).await.jitter, None);
}
