//! Keeps relays out of the first choice: as long as a direct path may come, no check passes a TURN server.
//!
//! Whoever nominates takes what has answered by then, and some never look at another pair again: Firefox ends its own checks,
//! and the agent of the `webrtc` crate nominates a relay that it does not know as one (docs/upstream.md, "a relay is taken for a
//! peer-reflexive address"). A check that does not arrive is sent again, so holding it back costs nothing but time. It is done
//! only where a hole may be punched: where both sides have named an address that others can reach. All else has nothing to
//! wait for.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mesh_core::CandidateType;
use tokio::time::Instant;

use super::prober::Prober;

/// Whether a TURN server that the link may use has this address.
pub(crate) type IsServer = Box<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// For how long the checks of one link are held back, and since when.
pub(super) struct Hold {
    /// How long a direct path may take.
    wait: Duration,
    is_server: IsServer,
    until: Option<Instant>,
    /// We have an address that others can reach.
    is_reachable: bool,
    /// Where our own relayed addresses are. A server may give them out on another address than its own.
    relays: BTreeSet<IpAddr>,
}

impl Hold {
    pub(super) const fn new(wait: Duration, is_server: IsServer) -> Self {
        Self {
            wait,
            is_server,
            until: None,
            is_reachable: false,
            relays: BTreeSet::new(),
        }
    }

    /// Both descriptions are known: checks can be sent from now on.
    pub(super) fn begin(&mut self, now: Instant) {
        self.until = (self.wait > Duration::ZERO).then(|| now + self.wait);
    }

    /// One of our own addresses.
    pub(super) fn add_local(&mut self, (at, kind): (SocketAddr, CandidateType)) {
        self.is_reachable |= is_outside(at.ip(), kind);
        if kind == CandidateType::Relay {
            self.relays.insert(at.ip());
        }
    }

    /// Ends it when its time is over. Whether it goes on.
    pub(super) fn goes_on(&mut self, now: Instant) -> bool {
        self.until = self.until.filter(|until| now < *until);
        self.until.is_some()
    }

    /// Whether a hole may be punched between the two sides, as far as is known.
    pub(super) fn is_useful(&self, far: &Prober) -> bool {
        let mut remotes = far.remotes();
        self.is_reachable && remotes.any(|(at, kind)| is_outside(at.ip(), kind))
    }

    /// Whether a check that comes from there has come through a relay: one that the far side has named, or one that it has not
    /// named yet, of a server that we know, too. Both sides of a game use the same servers as a rule.
    ///
    /// Anybody else is heard at once: a page on our network hides its address behind a name, and so may a neighbour behind the
    /// same provider's translator.
    pub(super) fn is_suspect(&self, far: &Prober, from: SocketAddr) -> bool {
        let ip = from.ip();
        let is_of_server = || (self.is_server)(ip) || self.relays.contains(&ip);
        let is_named = || far.remotes().any(|(at, _)| at == from);
        far.is_relay(from) || (is_of_server() && !is_named())
    }
}

/// Whether somebody elsewhere can reach this, once a hole is punched.
fn is_outside(ip: IpAddr, kind: CandidateType) -> bool {
    match kind {
        CandidateType::ServerReflexive | CandidateType::PeerReflexive => true,
        CandidateType::Host => is_public(ip),
        CandidateType::Relay => false,
    }
}

/// Whether the address means the same everywhere. That of a provider's translator does not (RFC 6598).
const fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            let is_shared = first == 100 && second & 0xc0 == 64;
            !ip.is_private() && !ip.is_loopback() && !ip.is_link_local() && !is_shared
        }
        IpAddr::V6(ip) => !ip.is_unique_local() && !ip.is_loopback() && !ip.is_unicast_link_local(),
    }
}
