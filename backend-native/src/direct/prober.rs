//! Looks for a direct path beside a relayed or a silent one: which pairs of addresses are checked when, and which one is used.
//!
//! No I/O and no clock: time is an argument, and the caller sends what [`Prober::poll_probe`] gives.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mesh_core::CandidateType;
use tokio::time::Instant;

/// Tells a check's answer from others.
pub(super) type TransactionId = [u8; 12];

/// How many pairs are checked. A far side could name any number of addresses.
const MAX_PAIRS: usize = 32;

/// How many addresses of the far side are kept, and how many of its relays.
const MAX_REMOTES: usize = 32;

/// How long the search goes on in earnest: addresses trickle in, and routers must be opened from both sides.
const EAGER: Duration = Duration::from_secs(10);

/// How long it then goes on at a moderate rate.
const MODERATE: Duration = Duration::from_secs(120);

/// How often a pair is checked at first, after [`EAGER`], and after [`MODERATE`].
const INTERVALS: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_secs(2),
    Duration::from_secs(10),
];

/// How often the path in use is checked. Six answers in a row must be lost before it is given up.
const KEEPALIVE: Duration = Duration::from_millis(250);

/// How long the path in use may be without an answer.
const PATIENCE: Duration = Duration::from_millis(1500);

/// The least time between two checks of a pair, however often the far side checks it.
const SPACING: Duration = Duration::from_millis(50);

/// How many checks of a pair may be without an answer and still get one.
const UNANSWERED: usize = 8;

/// The search of one link.
#[derive(Debug, Default)]
pub(super) struct Prober {
    /// The addresses of our sockets.
    locals: Vec<SocketAddr>,
    remotes: Vec<(SocketAddr, CandidateType)>,
    /// The far side's addresses at TURN servers.
    relays: Vec<SocketAddr>,
    pairs: Vec<Pair>,
    /// Since when it has been looking for a path. `None`: it is not, because the agent's pair is good enough.
    searching: Option<Instant>,
    path: Option<Path>,
}

#[derive(Debug)]
struct Pair {
    local: SocketAddr,
    remote: SocketAddr,
    kind: CandidateType,
    due: Option<Instant>,
    asked: VecDeque<(TransactionId, Instant)>,
}

/// A pair that has answered and is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) local_kind: CandidateType,
    pub(crate) remote_kind: CandidateType,
    pub(crate) round_trip: Duration,
    answered: Instant,
}

/// A check to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Probe {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) id: TransactionId,
    /// It is for the path in use.
    pub(super) is_path: bool,
}

impl Prober {
    /// One of our sockets.
    pub(super) fn add_local(&mut self, local: SocketAddr) {
        if !self.locals.contains(&local) {
            self.locals.push(local);
            self.pair_up();
        }
    }

    /// An address that the far side has named.
    pub(super) fn add_remote(&mut self, remote: SocketAddr, kind: CandidateType) {
        if kind == CandidateType::Relay {
            if self.relays.len() < MAX_REMOTES && !self.relays.contains(&remote) {
                self.relays.push(remote);
            }
            // It was taken for an address of the far side's own.
            self.remotes.retain(|(at, _)| *at != remote);
            self.pairs.retain(|pair| pair.remote != remote);
            self.path = self.path.filter(|path| path.remote != remote);
        } else if self.remotes.len() < MAX_REMOTES
            && is_usable(remote)
            && !self.relays.contains(&remote)
            && self.remotes.iter().all(|(at, _)| *at != remote)
        {
            self.remotes.push((remote, kind));
            self.pair_up();
        }
    }

    /// Whether the far side has named this as its address at a TURN server.
    pub(super) fn is_relay(&self, remote: SocketAddr) -> bool {
        self.relays.contains(&remote)
    }

    /// The addresses that the far side has named as its own, and what kind they are.
    pub(super) fn remotes(&self) -> impl Iterator<Item = (SocketAddr, CandidateType)> {
        self.remotes.iter().copied()
    }

    /// Whether a path is looked for or in use.
    pub(super) const fn is_searching(&self) -> bool {
        self.searching.is_some()
    }

    /// The agent's pair is relayed or silent, so a better path is looked for.
    pub(super) fn start(&mut self, now: Instant) {
        if self.searching.is_none() {
            self.restart(now);
        }
    }

    /// The agent's pair is good enough, or it is another session of ICE.
    pub(super) fn stop(&mut self) {
        self.searching = None;
        self.path = None;
        for pair in &mut self.pairs {
            pair.asked.clear();
        }
    }

    /// The path in use does not work. The search begins anew.
    pub(super) fn lose(&mut self, now: Instant) {
        if self.path.take().is_some() {
            self.restart(now);
        }
    }

    /// The path in use.
    pub(super) const fn path(&self) -> Option<Path> {
        self.path
    }

    /// When there is something to do.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.searching?;
        let due = self.checked().filter_map(|pair| pair.due).min();
        let lost = self.path.map(|path| path.answered + PATIENCE);
        [due, lost].into_iter().flatten().min()
    }

    /// Gives up a path that has not answered for too long.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self
            .path
            .is_some_and(|path| now >= path.answered + PATIENCE)
        {
            self.lose(now);
        }
    }

    /// The next check that is due. `fresh` makes an id that nobody can guess.
    pub(super) fn poll_probe(
        &mut self,
        now: Instant,
        fresh: impl FnOnce() -> TransactionId,
    ) -> Option<Probe> {
        let age = now.saturating_duration_since(self.searching?);
        let path = self.path;
        let interval = if path.is_some() {
            KEEPALIVE
        } else if age < EAGER {
            INTERVALS[0]
        } else if age < MODERATE {
            INTERVALS[1]
        } else {
            INTERVALS[2]
        };
        let mut pairs = self.pairs.iter_mut();
        let pair = pairs.find(|pair| {
            pair.is_checked(path.as_ref()) && pair.due.is_some_and(|due| due <= now)
        })?;
        let id = fresh();
        if pair.asked.len() >= UNANSWERED {
            pair.asked.pop_front();
        }
        pair.asked.push_back((id, now));
        pair.due = Some(now + interval);
        Some(Probe {
            local: pair.local,
            remote: pair.remote,
            id,
            is_path: path.is_some(),
        })
    }

    /// Whether somebody was asked this.
    pub(super) fn has_asked(&self, id: TransactionId) -> bool {
        let mut asked = self.pairs.iter().flat_map(|pair| &pair.asked);
        asked.any(|(asked, _)| *asked == id)
    }

    /// A genuine answer has come to this socket from there; `mapped` is how the far side sees us.
    pub(super) fn answered(
        &mut self,
        now: Instant,
        (local, remote): (SocketAddr, SocketAddr),
        id: TransactionId,
        mapped: Option<SocketAddr>,
    ) {
        let mut pairs = self.pairs.iter_mut();
        let Some(pair) = pairs.find(|pair| pair.is(local, remote)) else {
            return;
        };
        let Some(at) = pair.asked.iter().position(|(asked, _)| *asked == id) else {
            return;
        };
        // Those before it are lost or late.
        let sent = pair.asked.drain(..=at).next_back().map(|(_, sent)| sent);
        let round_trip = now.saturating_duration_since(sent.unwrap_or(now));
        let is_path = self
            .path
            .is_none_or(|path| pair.is(path.local, path.remote));
        if self.searching.is_none() || !is_path {
            return;
        }
        if self.path.is_none() {
            pair.due = Some(now + KEEPALIVE);
        }
        let local_kind = if mapped.is_none_or(|mapped| mapped == local) {
            CandidateType::Host
        } else {
            CandidateType::PeerReflexive
        };
        // The first one to answer is the shortest.
        self.path = Some(Path {
            local,
            remote,
            local_kind,
            remote_kind: pair.kind,
            round_trip,
            answered: now,
        });
    }

    /// A genuine check of the far side has come to this socket from there (RFC 8445, 7.3.1.3 and 7.3.1.4).
    pub(super) fn checked_by(&mut self, now: Instant, local: SocketAddr, remote: SocketAddr) {
        if self.searching.is_none() || self.path.is_some() || self.is_relay(remote) {
            return;
        }
        if let Some(pair) = self.pairs.iter_mut().find(|pair| pair.is(local, remote)) {
            let soon = pair.asked.back().map_or(now, |(_, sent)| *sent + SPACING);
            pair.due = Some(pair.due.map_or(soon, |due| due.min(soon)));
        } else {
            self.push(local, remote, CandidateType::PeerReflexive, Some(now));
        }
    }

    fn restart(&mut self, now: Instant) {
        self.searching = Some(now);
        for pair in &mut self.pairs {
            pair.due = Some(now);
        }
    }

    /// The pairs that are checked now.
    fn checked(&self) -> impl Iterator<Item = &Pair> {
        let pairs = self.pairs.iter();
        pairs.filter(|pair| pair.is_checked(self.path.as_ref()))
    }

    fn pair_up(&mut self) {
        let due = self.searching;
        for (remote, kind) in self.remotes.clone() {
            for local in self.locals.clone() {
                self.push(local, remote, kind, due);
            }
        }
    }

    fn push(
        &mut self,
        local: SocketAddr,
        remote: SocketAddr,
        kind: CandidateType,
        due: Option<Instant>,
    ) {
        let is_new = self.pairs.iter().all(|pair| !pair.is(local, remote));
        if is_new && self.pairs.len() < MAX_PAIRS && local.is_ipv4() == remote.is_ipv4() {
            self.pairs.push(Pair {
                local,
                remote,
                kind,
                due,
                asked: VecDeque::new(),
            });
        }
    }
}

impl Pair {
    fn is(&self, local: SocketAddr, remote: SocketAddr) -> bool {
        self.local == local && self.remote == remote
    }

    /// Once a path is in use no others are looked for.
    fn is_checked(&self, path: Option<&Path>) -> bool {
        path.is_none_or(|path| self.is(path.local, path.remote))
    }
}

/// Whether datagrams can be sent there. An IPv6 link-local address means nothing without its interface.
fn is_usable(remote: SocketAddr) -> bool {
    let ip = remote.ip();
    let is_link_local = matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    remote.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !is_link_local
}
