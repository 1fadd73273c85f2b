//! An interface goes and another one stays. The ICE agent of the `webrtc` crate never leaves the pair of addresses that it has
//! selected.

use std::collections::BTreeSet;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use backend_native::testing::{AddressSource, Cures, SocketOptions, SocketSource};
use backend_native::{PlatformBackend, PlatformConfig};
use mesh_core::{Backend, ConnectionState, LinkEvent, Payload};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use crate::backends::{self, Pair, RELIABLE};
use crate::support::MemoryNetwork;

/// How often each side says something.
const PACE: Duration = Duration::from_millis(50);

/// How long it may take until another pair is used.
const SOON: Duration = Duration::from_millis(2500);

/// Two interfaces of one side, one that it gets later, and the only one of the other.
const OURS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)),
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3)),
];
const LATE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 4));
const THEIRS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Interfaces that can go down.
#[derive(Clone, Debug, Default)]
struct Interfaces {
    network: MemoryNetwork,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    down: BTreeSet<IpAddr>,
    /// From where we sent data last.
    used: Option<IpAddr>,
    /// What we have got since the connection was made.
    late: Vec<SocketAddr>,
}

impl AddressSource for Interfaces {
    fn addresses(&self) -> Vec<SocketAddr> {
        self.state().late.clone()
    }
}

impl Interfaces {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn sockets(&self) -> SocketOptions {
        SocketOptions {
            source: Some(Arc::new(self.clone())),
            addresses: Some(Arc::new(self.clone())),
            ..SocketOptions::default()
        }
    }
}

impl SocketSource for Interfaces {
    fn wrap(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let inner = self.network.wrap(socket)?;
        Ok(Arc::new(Interface {
            inner,
            interfaces: self.clone(),
        }))
    }
}

#[derive(Debug)]
struct Interface {
    inner: Arc<dyn AsyncUdpSocket>,
    interfaces: Interfaces,
}

impl AsyncUdpSocket for Interface {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let source = self.local_addr()?.ip();
        let mut state = self.interfaces.state();
        if state.down.contains(&source) {
            return Poll::Ready(Err(io::ErrorKind::NetworkUnreachable.into()));
        }
        if state.down.contains(&transmit.destination.ip()) {
            return Poll::Ready(Ok(transmit.contents.len()));
        }
        let is_data = matches!(transmit.contents.first(), Some(20..=63));
        if is_data && source != THEIRS {
            state.used = Some(source);
        }
        drop(state);
        self.inner.poll_send(cx, transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.inner.poll_recv(cx, bufs, meta)
    }
}

/// Two sides that talk all the time.
struct Talk {
    interfaces: Interfaces,
    pair: Pair,
    sent: u64,
}

impl Talk {
    /// One has both of [`OURS`].
    async fn begin(cures: Cures) -> Self {
        let interfaces = Interfaces::default();
        let peer = |addresses: &[IpAddr]| {
            let config = PlatformConfig {
                bind: addresses.iter().map(|ip| SocketAddr::new(*ip, 0)).collect(),
                ..PlatformConfig::default()
            };
            let mut backend = PlatformBackend::on_one_runtime(Handle::current(), config);
            backend.use_sockets(SocketOptions {
                cures,
                ..interfaces.sockets()
            });
            backends::Peer::new(backend)
        };
        let mut pair = Pair {
            a: peer(&OURS),
            b: peer(&[THEIRS]),
        };
        pair.open(&backends::specs());
        pair.connect_async().await;
        let mut talk = Self {
            interfaces,
            pair,
            sent: 0,
        };
        talk.go_on(Duration::from_secs(4)).await;
        talk
    }

    async fn go_on(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.say();
            let _ = timeout(PACE, self.pair.wait_async("nothing", |_| false)).await;
        }
    }

    fn say(&mut self) {
        let word = Payload::from(self.sent.to_be_bytes().to_vec());
        self.pair.a.send(RELIABLE, word.clone());
        self.pair.b.send(RELIABLE, word);
        self.sent += 1;
    }

    /// The interface that data goes by.
    fn used(&self) -> IpAddr {
        self.interfaces.state().used.unwrap()
    }

    fn down(&self, ip: IpAddr) {
        self.interfaces.state().down.insert(ip);
    }

    fn up(&self, ip: IpAddr) {
        self.interfaces.state().down.remove(&ip);
    }

    /// Goes on talking until all that was said is there, once. `None`: it is not.
    async fn is_all_there(&mut self) -> Option<Duration> {
        let begun = Instant::now();
        loop {
            self.say();
            let sent = usize::try_from(self.sent).unwrap();
            let is_there = |pair: &mut Pair| {
                [&pair.a, &pair.b].map(|peer| peer.messages(RELIABLE)) == [sent; 2]
            };
            if timeout(PACE, self.pair.wait_async("all there", is_there))
                .await
                .is_ok()
            {
                return Some(begun.elapsed());
            }
            if begun.elapsed() > Duration::from_secs(30) {
                return None;
            }
        }
    }

    /// How often each side has used another pair of addresses than before.
    fn pair_changes(&self) -> [u32; 2] {
        let changes = |peer: &backends::Peer| peer.backend.stats(peer.link).pair_changes;
        [changes(&self.pair.a), changes(&self.pair.b)]
    }

    /// What either side was told of the state of its connection since the last time.
    fn take_states(&mut self) -> Vec<ConnectionState> {
        let mut states = Vec::new();
        for peer in [&mut self.pair.a, &mut self.pair.b] {
            peer.log.retain(|event| {
                if let LinkEvent::State { state, .. } = event {
                    states.push(*state);
                    return false;
                }
                true
            });
        }
        states
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_link_goes_on_by_another_interface_when_the_one_in_use_goes() {
    let mut talk = Talk::begin(Cures::default()).await;
    talk.take_states();
    for round in 0..4 {
        let used = talk.used();
        talk.down(used);
        let time = talk.is_all_there().await;
        assert!(
            time.is_some_and(|time| time <= SOON),
            "{time:?} in round {round}"
        );
        // It stays usable for as long as that interface is away.
        talk.go_on(Duration::from_secs(40)).await;
        let time = talk.is_all_there().await;
        assert!(time.is_some_and(|time| time <= PACE), "{time:?}");
        assert_ne!(talk.used(), used);
        assert_eq!(talk.take_states(), [], "nobody need notice");
        talk.up(used);
        // Long enough for both to go back to it.
        talk.go_on(Duration::from_secs(6)).await;
        assert_eq!(talk.pair_changes(), [2 * (round + 1); 2], "there and back");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn an_address_that_a_machine_gets_later_is_used_when_the_others_are_gone() {
    let mut talk = Talk::begin(Cures::default()).await;
    for ip in OURS {
        talk.down(ip);
    }
    talk.go_on(Duration::from_secs(6)).await;
    talk.interfaces.state().late = vec![SocketAddr::new(LATE, 0)];
    let time = talk.is_all_there().await;
    assert!(time.is_some_and(|time| time <= SOON), "{time:?}");
    assert_eq!(talk.used(), LATE);
    talk.go_on(Duration::from_secs(40)).await;
    let time = talk.is_all_there().await;
    assert!(time.is_some_and(|time| time <= PACE), "{time:?}");
    // And back to an old one, which is there at once: the timer of SCTP has doubled once when the late one is given up.
    talk.up(OURS[0]);
    talk.up(OURS[1]);
    talk.down(LATE);
    let time = talk.is_all_there().await;
    assert!(time.is_some_and(|time| time <= SOON * 2), "{time:?}");
    assert_eq!(talk.pair.a.closed, None);
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn without_the_cure_a_link_stays_on_an_interface_that_is_gone() {
    let cures = Cures {
        late_paths: false,
        ..Cures::default()
    };
    let mut talk = Talk::begin(cures).await;
    talk.down(talk.used());
    assert_eq!(talk.is_all_there().await, None);
}
