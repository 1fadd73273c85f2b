//! Waits for a direct path before a relay is chosen (`hold`), leaves the relay for one that comes later, and leaves a pair of
//! addresses that does not answer any more for another one.
//!
//! The ICE agent of the `webrtc` crate never leaves the pair of addresses on which the connection was made: a relay that
//! answers before the direct path stays, and so does a pair whose interface is gone (docs/upstream.md, "a selected pair is never
//! replaced"). So, while the agent's pair is relayed or silent, checks of our own are sent beside it from every socket to every
//! address of the far side. When one is answered, datagrams of DTLS go there instead. The agent's own checks stay on its pair,
//! which is used again when the other path does not answer any more. Where none answers, the addresses that the machine has got
//! since are tried as well (`late`).
//!
//! The far side needs nothing for that: every ICE agent answers checks on any pair, and takes what is encrypted from any
//! address. It chooses its own way; a browser is asked to come along by a nomination.

mod candidate;
mod check;
pub(crate) mod fuzz;
mod hold;
mod late;
mod prober;
mod socket;
#[cfg(test)]
mod tests;

use core::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Waker};
use std::time::Duration;

use mesh_core::{SdpType, SessionDescription};
use rtc::crypto::RTCCryptoProvider;
use rtc::stun::message::TransactionId as StunId;
use tokio::sync::Notify;
use tokio::time::Instant;
use webrtc::runtime::{AsyncUdpSocket, Transmit};

use crate::socket::SocketSource;

use self::check::{Checks, Credentials, Kind};
use self::hold::Hold;
use self::prober::{Path, Prober};

pub(crate) use self::hold::IsServer;
pub(crate) use self::socket::DirectSockets;

/// The search for a direct path of one link, and the path. Cheap to clone; does not keep the sockets.
#[derive(Clone)]
pub(crate) struct Direct(Arc<Shared>);

struct Shared {
    /// Whether a direct path may be used.
    is_allowed: bool,
    /// The state is searching or has a path. Read without the lock on the way of every packet.
    is_searching: AtomicBool,
    /// The state has a path. Read without the lock on the way of every packet.
    is_in_use: AtomicBool,
    /// Checks may have to be held back. Read without the lock on the way of every packet.
    is_holding: AtomicBool,
    /// There are sockets that the crate does not know. Read without the lock whenever there is nothing to read.
    has_late: AtomicBool,
    changed: Notify,
    state: Mutex<State>,
}

struct State {
    prober: Prober,
    hold: Hold,
    sockets: Vec<(SocketAddr, Weak<dyn AsyncUdpSocket>)>,
    /// Those among them that the crate does not know, which nobody else keeps.
    late: Vec<(SocketAddr, Arc<dyn AsyncUdpSocket>)>,
    /// What makes sockets; tokio if `None`.
    source: Option<Arc<dyn SocketSource>>,
    ours: Option<Credentials>,
    theirs: Option<Credentials>,
    /// Whoever made the first offer nominates.
    is_controlling: Option<bool>,
    /// How many checks of the path in use were sent: every other one nominates it.
    keepalives: usize,
    tie_breaker: u64,
    crypto: Option<Arc<dyn RTCCryptoProvider>>,
}

impl Direct {
    /// `is_allowed`: no policy and no test stands against it. `relay_wait`: how long a direct path may take before a relay is
    /// chosen. `is_server`: which addresses are TURN servers'.
    pub(crate) fn new(is_allowed: bool, relay_wait: Duration, is_server: IsServer) -> Self {
        let wait = if is_allowed {
            relay_wait
        } else {
            Duration::ZERO
        };
        let [a, b, c, d, e, f, g, h, ..] = StunId::new().0;
        Self(Arc::new(Shared {
            is_allowed,
            is_searching: AtomicBool::new(false),
            is_in_use: AtomicBool::new(false),
            is_holding: AtomicBool::new(false),
            has_late: AtomicBool::new(false),
            changed: Notify::new(),
            state: Mutex::new(State {
                prober: Prober::default(),
                hold: Hold::new(wait, is_server),
                sockets: Vec::new(),
                late: Vec::new(),
                source: None,
                ours: None,
                theirs: None,
                is_controlling: None,
                keepalives: 0,
                tie_breaker: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
                crypto: rtc::crypto::default_provider().ok(),
            }),
        }))
    }

    /// Our description is applied.
    pub(crate) fn set_local(&self, description: &SessionDescription) {
        self.update(|state| {
            let is_offer = description.sdp_type == SdpType::Offer;
            state.is_controlling.get_or_insert(is_offer);
            let ours = Credentials::of(&description.sdp);
            if state.ours != ours {
                state.ours = ours;
                state.begin();
            }
        });
    }

    /// One of our addresses is known.
    pub(crate) fn add_local(&self, candidate: &str) {
        if let Some(local) = candidate::read(candidate) {
            self.update(|state| state.hold.add_local(local));
        }
    }

    /// The far side's description is applied.
    pub(crate) fn set_remote(&self, sdp: &str) {
        self.update(|state| {
            let theirs = Credentials::of(sdp);
            if state.theirs != theirs {
                state.theirs = theirs;
                state.begin();
            }
            for (remote, kind) in candidate::read_all(sdp) {
                state.prober.add_remote(remote, kind);
            }
        });
    }

    /// A candidate of the far side is applied.
    pub(crate) fn add_remote(&self, candidate: &str) {
        if let Some((remote, kind)) = candidate::read(candidate) {
            self.update(|state| state.prober.add_remote(remote, kind));
        }
    }

    /// Whether the far side has named this as its address at a TURN server.
    pub(crate) fn is_relay(&self, remote: SocketAddr) -> bool {
        self.state().prober.is_relay(remote)
    }

    /// Looks for another path from now on, because the agent's pair is relayed or silent, or does not, because it is neither.
    pub(crate) fn search(&self, is_wanted: bool) {
        self.update(|state| {
            if is_wanted && self.0.is_allowed {
                state.prober.start(Instant::now());
            } else {
                state.prober.stop();
            }
        });
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called; somebody must wait for [`changed`](Self::changed), too.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        if !self.is_searching() {
            return None;
        }
        self.state().prober.poll_timeout()
    }

    /// What [`poll_timeout`](Self::poll_timeout) says is another moment now. Cancel-safe.
    pub(crate) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// Sends the checks that are due.
    pub(crate) fn handle_timeout(&self) {
        let now = Instant::now();
        let checks = self.update(|state| {
            state.prober.handle_timeout(now);
            state.due(now)
        });
        for (socket, remote, check) in checks {
            let transmit = Transmit {
                destination: remote,
                ecn: None,
                contents: &check,
                segment_size: None,
                src_ip: None,
            };
            // It may be lost as others are.
            let _ = socket.poll_send(&mut Context::from_waker(Waker::noop()), &transmit);
        }
    }

    /// The path that is used instead of the relay.
    pub(crate) fn path(&self) -> Option<Path> {
        if !self.is_in_use() {
            return None;
        }
        self.state().prober.path()
    }

    fn is_searching(&self) -> bool {
        self.0.is_searching.load(Ordering::Relaxed)
    }

    fn is_in_use(&self) -> bool {
        self.0.is_in_use.load(Ordering::Relaxed)
    }

    fn is_holding(&self) -> bool {
        self.0.is_holding.load(Ordering::Relaxed)
    }

    /// Whether a check that goes there, or comes from there, must not yet. `is_forwarded`: by a TURN server of ours.
    fn holds_back(&self, far: SocketAddr, is_forwarded: bool) -> bool {
        self.update(|state| state.holds_back(far, is_forwarded))
    }

    /// The socket to use and where to send.
    fn way(&self) -> Option<(Arc<dyn AsyncUdpSocket>, SocketAddr)> {
        let state = self.state();
        let path = state.prober.path()?;
        Some((state.socket(path.local)?, path.remote))
    }

    /// The path in use cannot be sent on.
    fn lose(&self) {
        self.update(|state| state.prober.lose(Instant::now()));
    }

    /// A datagram has come. Whether it was an answer to a check of ours, which nobody else has asked for.
    fn hear(&self, local: SocketAddr, remote: SocketAddr, datagram: &[u8]) -> bool {
        let Some(kind) = Kind::of(datagram) else {
            return false;
        };
        self.update(|state| state.hear(local, remote, kind, datagram))
    }

    /// Changes the state, and what follows from it.
    fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let before = state.prober.poll_timeout();
        let output = change(&mut state);
        let after = state.prober.poll_timeout();
        let is_in_use = state.prober.path().is_some();
        self.0.is_in_use.store(is_in_use, Ordering::Relaxed);
        let is_searching = state.prober.is_searching();
        self.0.is_searching.store(is_searching, Ordering::Relaxed);
        let is_holding = state.hold.goes_on(Instant::now());
        self.0.is_holding.store(is_holding, Ordering::Relaxed);
        drop(state);
        if before != after {
            self.0.changed.notify_one();
        }
        output
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Another session of ICE begins, as soon as both sides have described it.
    fn begin(&mut self) {
        self.prober.stop();
        if self.ours.is_some() && self.theirs.is_some() {
            self.hold.begin(Instant::now());
        }
    }

    fn holds_back(&mut self, far: SocketAddr, is_forwarded: bool) -> bool {
        self.hold.goes_on(Instant::now())
            && self.hold.is_useful(&self.prober)
            && (is_forwarded || self.hold.is_suspect(&self.prober, far))
    }

    fn checks(&self) -> Option<Checks> {
        Some(Checks {
            ours: self.ours.clone()?,
            theirs: self.theirs.clone()?,
            is_controlling: self.is_controlling?,
            tie_breaker: self.tie_breaker,
            crypto: Arc::clone(self.crypto.as_ref()?),
        })
    }

    fn socket(&self, local: SocketAddr) -> Option<Arc<dyn AsyncUdpSocket>> {
        let mut sockets = self.sockets.iter();
        sockets.find(|(at, _)| *at == local)?.1.upgrade()
    }

    /// The checks that are due, and from where and to whom they go.
    fn due(&mut self, now: Instant) -> Vec<(Arc<dyn AsyncUdpSocket>, SocketAddr, Vec<u8>)> {
        let checks = self.checks();
        let mut due = Vec::new();
        while let Some(probe) = self.prober.poll_probe(now, || StunId::new().0) {
            let nominates = probe.is_path && self.keepalives.is_multiple_of(2);
            self.keepalives = self.keepalives.wrapping_add(usize::from(probe.is_path));
            if let Some(checks) = &checks
                && let Some(socket) = self.socket(probe.local)
                && let Ok(check) = checks.request(probe.id, nominates)
            {
                due.push((socket, probe.remote, check));
            }
        }
        due
    }

    fn hear(&mut self, local: SocketAddr, remote: SocketAddr, kind: Kind, datagram: &[u8]) -> bool {
        let now = Instant::now();
        match kind {
            Kind::Answer(id) if self.prober.has_asked(id) => {
                if let Some(checks) = self.checks()
                    && let Some(mapped) = checks.read_answer(datagram)
                {
                    self.prober.answered(now, (local, remote), id, mapped);
                }
                true
            }
            Kind::Answer(_) => false,
            // The agent answers it.
            Kind::Request => {
                if self.prober.path().is_none()
                    && let Some(checks) = self.checks()
                    && checks.is_request(datagram)
                {
                    self.prober.checked_by(now, local, remote);
                }
                false
            }
        }
    }
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direct")
            .field("is_allowed", &self.0.is_allowed)
            .field("prober", &self.state().prober)
            .finish_non_exhaustive()
    }
}
