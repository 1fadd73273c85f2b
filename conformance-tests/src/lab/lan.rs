//! Hosts on one local network, whose cables end at the switch.

use super::netns::{Namespace, Run, ip};
use super::players::reach;
use super::switch::{Path, Switch};
use crate::Outcome;

/// The switch's chance is the same in each run.
const SEED: u64 = 20_261_127;

/// The network. Fields end in this order: no cable outlives the switch.
pub(super) struct Lan {
    pub(super) switch: Switch,
    pub(super) hosts: Vec<Namespace>,
}

/// A host of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Host {
    /// Its addresses with their prefixes. Without one of IPv6 it has none at all.
    pub(super) addresses: &'static [&'static str],
    /// Whether it has a way to anywhere, which nobody is at the other end of.
    pub(super) has_default_route: bool,
    /// The longest packet of its interface.
    pub(super) mtu: u32,
}

impl Host {
    /// An ordinary one.
    pub(super) const fn at(addresses: &'static [&'static str]) -> Self {
        Self {
            addresses,
            has_default_route: true,
            mtu: 1500,
        }
    }
}

impl Lan {
    /// Lays one with these hosts, which may reach the suite.
    pub(super) async fn lay(run: &Run, hosts: &[Host]) -> Outcome<Self> {
        let mut namespaces = Vec::new();
        for _ in hosts {
            namespaces.push(run.namespace("lan")?);
        }
        let switch = Switch::between(&namespaces.iter().collect::<Vec<_>>(), SEED)?;
        for (namespace, host) in namespaces.iter().zip(hosts) {
            host.set_up(namespace)?;
            reach(namespace).await?;
        }
        Ok(Self {
            switch,
            hosts: namespaces,
        })
    }

    /// The same over a path like this.
    pub(super) async fn over(run: &Run, hosts: &[Host], path: Path) -> Outcome<Self> {
        let lan = Self::lay(run, hosts).await?;
        lan.switch.be(path);
        Ok(lan)
    }
}

impl Host {
    fn set_up(&self, namespace: &Namespace) -> Outcome {
        let has_v6 = self.addresses.iter().any(|address| address.contains(':'));
        let has_v4 = self.addresses.iter().any(|address| address.contains('.'));
        if !has_v6 {
            namespace.set("ipv6/conf/all/disable_ipv6", "1")?;
        }
        let mut lines = format!("link set dev eth0 mtu {} up\n", self.mtu);
        for address in self.addresses {
            let no_wait = if address.contains(':') { " nodad" } else { "" };
            lines.push_str(&format!("addr add {address} dev eth0{no_wait}\n"));
        }
        namespace.ip_all(&lines)?;
        for (has, family) in [(has_v4, "-4"), (has_v6, "-6")] {
            if has && self.has_default_route {
                let name = namespace.name();
                ip(&format!("{family} -n {name} route add default dev eth0"))?;
            }
        }
        Ok(())
    }
}
