//! Two players, each behind a router, and a wide network between them with a STUN and TURN server.
//!
//! ```text
//! a ── ra ──┐            ┌── rb ── b
//!           └── wide ────┘
//! ```

use super::coturn::Coturn;
use super::nat::{Nat, turning_round};
use super::netns::{Namespace, Run};
use crate::Outcome;

/// The address of the wide network's servers.
pub(super) const SERVER: &str = "203.0.113.1";

/// Where the rest of the Internet would be: nobody answers there. Without it the kernel would tell the TURN server at once
/// that a private address cannot be reached, and coturn ends an allocation for that.
const NOWHERE: &str = "203.0.113.254";

/// The way there, for whoever has an interface `wan`.
fn nowhere() -> String {
    format!(
        "neigh add {NOWHERE} lladdr 02:00:00:00:00:fe dev wan nud permanent\nroute add default via {NOWHERE}\n"
    )
}

/// Where a player is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    A,
    B,
}

/// One player's end.
pub(super) struct End {
    pub(super) host: Namespace,
    router: Namespace,
    /// The router's address outside.
    outside: String,
    /// The network inside, without the last number.
    inside: String,
}

/// The whole.
pub(super) struct Wide {
    pub(super) a: End,
    pub(super) b: End,
    pub(super) wide: Namespace,
    pub(super) coturn: Coturn,
}

impl Wide {
    /// Lays it, without any translation.
    pub(super) async fn lay(run: &Run) -> Outcome<Self> {
        let wide = run.namespace("wide")?;
        wide.ip_all(&format!(
            "link add name wan type bridge\naddr add {SERVER}/24 dev wan\nlink set wan up\n"
        ))?;
        wide.ip_all(&nowhere())?;
        let a = End::lay(run, &wide, "a", 1)?;
        let b = End::lay(run, &wide, "b", 2)?;
        let coturn = Coturn::start(run, &wide, SERVER).await?;
        Ok(Self { a, b, wide, coturn })
    }

    /// Puts these in the players' way, in place of whatever was there.
    pub(super) fn put(&self, a: Nat, b: Nat) -> Outcome {
        self.a.put(a)?;
        self.b.put(b)?;
        self.a.route(&self.wide, a)?;
        self.a.route(&self.b.router, a)?;
        self.b.route(&self.wide, b)?;
        self.b.route(&self.a.router, b)
    }

    pub(super) fn end(&self, side: Side) -> &End {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }
}

impl End {
    fn lay(run: &Run, wide: &Namespace, name: &str, number: u8) -> Outcome<Self> {
        let host = run.namespace(name)?;
        let router = run.namespace(&format!("r{name}"))?;
        let (outside, inside) = (
            format!("203.0.113.{}", 10 + number),
            format!("192.168.{number}"),
        );
        for namespace in [&host, &router] {
            namespace.set("ipv6/conf/all/disable_ipv6", "1")?;
        }
        wide.ip_all(&format!(
            "link add name to-{name} type veth peer name wan netns {}\nlink set dev to-{name} master wan up\n",
            router.name()
        ))?;
        router.ip_all(&format!(
            "addr add {outside}/24 dev wan\nlink set wan up\n\
             link add name lan type veth peer name eth0 netns {}\naddr add {inside}.1/24 dev lan\nlink set lan up\n",
            host.name()
        ))?;
        router.ip_all(&nowhere())?;
        router.set("ipv4/ip_forward", "1")?;
        host.ip_all(&format!(
            "addr add {inside}.2/24 dev eth0\nlink set eth0 up\nroute add default via {inside}.1\n"
        ))?;
        Ok(Self {
            host,
            router,
            outside,
            inside,
        })
    }

    /// Puts another router between the host and its router, with a network of its own.
    pub(super) fn nest(&self, run: &Run, nat: Nat) -> Outcome {
        let inner = run.namespace("inner")?;
        let inside = &self.inside;
        inner.set("ipv6/conf/all/disable_ipv6", "1")?;
        self.router.ip_all(&format!(
            "link del dev lan\nlink add name lan type veth peer name wan netns {}\n\
             addr add {inside}.1/24 dev lan\nlink set dev lan up\n",
            inner.name()
        ))?;
        inner.ip_all(&format!(
            "addr add {inside}.2/24 dev wan\nlink set dev wan up\nroute add default via {inside}.1\n\
             link add name lan type veth peer name eth0 netns {}\naddr add 10.7.0.1/24 dev lan\nlink set dev lan up\n",
            self.host.name()
        ))?;
        inner.set("ipv4/ip_forward", "1")?;
        inner.rules(&nat.rules(&format!("{inside}.2")))?;
        self.host.ip_all(
            "addr add 10.7.0.2/24 dev eth0\nlink set dev eth0 up\nroute add default via 10.7.0.1\n",
        )
    }

    /// Adds a neighbour in a second network of the router, which keeps the two apart but turns round what they write to its
    /// address outside.
    pub(super) fn turn_round(&self, run: &Run) -> Outcome<Namespace> {
        let neighbour = run.namespace("neighbour")?;
        neighbour.set("ipv6/conf/all/disable_ipv6", "1")?;
        self.router.ip_all(&format!(
            "link add name lan2 type veth peer name eth0 netns {}\naddr add 10.8.0.1/24 dev lan2\nlink set dev lan2 up\n",
            neighbour.name()
        ))?;
        neighbour.ip_all(
            "addr add 10.8.0.2/24 dev eth0\nlink set dev eth0 up\nroute add default via 10.8.0.1\n",
        )?;
        self.router.rules(&turning_round(&self.outside))?;
        Ok(neighbour)
    }

    fn put(&self, nat: Nat) -> Outcome {
        self.router.rules(&nat.rules(&self.outside))
    }

    /// Tells another where the network inside is, if that is no secret.
    fn route(&self, other: &Namespace, nat: Nat) -> Outcome {
        let via = if nat == Nat::Open {
            &self.outside
        } else {
            NOWHERE
        };
        other.ip(&format!("route replace {}.0/24 via {via}", self.inside))
    }
}
