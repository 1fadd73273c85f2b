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
    /// The addresses of a second interface `eth1` to the same switch, if it has one.
    pub(super) second: &'static [&'static str],
}

impl Host {
    /// An ordinary one.
    pub(super) const fn at(addresses: &'static [&'static str]) -> Self {
        Self {
            addresses,
            has_default_route: true,
            mtu: 1500,
            second: &[],
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
        let mut cables: Vec<_> = namespaces.iter().map(|host| (host, "eth0")).collect();
        let seconds = namespaces.iter().zip(hosts);
        let seconds = seconds.filter(|(_, host)| !host.second.is_empty());
        cables.extend(seconds.map(|(namespace, _)| (namespace, "eth1")));
        let switch = Switch::between(&cables, SEED)?;
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
        if !self.second.is_empty() {
            lines.push_str("link set dev eth1 up\n");
            // Each interface answers for its own addresses alone.
            namespace.set("ipv4/conf/all/arp_ignore", "1")?;
            namespace.set("ipv4/conf/all/arp_announce", "2")?;
        }
        for address in self.second {
            lines.push_str(&format!("addr add {address} dev eth1\n"));
        }
        if !self.second.is_empty() {
            for (table, address) in (1..).zip(self.addresses.iter().chain(self.second)) {
                let address = address.split('/').next().unwrap_or_default();
                lines.push_str(&format!("rule add from {address} lookup {table}\n"));
            }
        }
        namespace.ip_all(&lines)?;
        if !self.second.is_empty() {
            lead_everywhere(namespace, "eth0")?;
            lead_everywhere(namespace, "eth1")?;
            return Ok(());
        }
        for (has, family) in [(has_v4, "-4"), (has_v6, "-6")] {
            if has && self.has_default_route {
                let name = namespace.name();
                ip(&format!("{family} -n {name} route add default dev eth0"))?;
            }
        }
        Ok(())
    }
}

/// What has the address of this interface leaves by it, wherever it goes: of a host with two.
pub(super) fn lead_everywhere(namespace: &Namespace, interface: &str) -> Outcome {
    let table = if interface == "eth0" { 1 } else { 2 };
    namespace.ip(&format!(
        "route replace default dev {interface} table {table}"
    ))
}
