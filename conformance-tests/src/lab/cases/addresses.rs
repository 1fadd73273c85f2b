//! Hosts with few addresses, odd ones, or too many, and slow paths.

use std::time::Duration;

use super::directly;
use super::talk::natives;
use crate::lab::lan::{Host, Lan};
use crate::lab::meet::{Met, Terms, Way, meet};
use crate::lab::netns::Run;
use crate::lab::switch::Path;
use crate::{Failure, Outcome};

/// On a LAN.
const SOON: Duration = Duration::from_secs(1);

/// Two machines on one cable, without anybody who gives addresses.
pub(super) async fn link_local_addresses_alone(run: &Run) -> Outcome<String> {
    let hosts = [Host::at(&["169.254.7.1/16"]), Host::at(&["169.254.7.2/16"])];
    directly(&two(run, &hosts, Path::default()).await?, SOON)
}

/// A LAN that leads nowhere.
pub(super) async fn no_default_route(run: &Run) -> Outcome<String> {
    let hosts = [&["10.9.0.1/24"][..], &["10.9.0.2/24"]].map(|addresses| Host {
        has_default_route: false,
        ..Host::at(addresses)
    });
    directly(&two(run, &hosts, Path::default()).await?, SOON)
}

/// No IPv4 but loopback's.
pub(super) async fn ipv6_alone(run: &Run) -> Outcome<String> {
    let hosts = [
        Host::at(&["2001:db8:9::1/64"]),
        Host::at(&["2001:db8:9::2/64"]),
    ];
    directly(&two(run, &hosts, Path::default()).await?, SOON)
}

/// Interfaces without addresses: the failure says so.
pub(super) async fn no_address_at_all(run: &Run) -> Outcome<String> {
    const WHY: &str = "this machine has no network address";
    let lan = Lan::lay(run, &[Host::at(&[]), Host::at(&[])]).await?;
    let [one, other] = natives(&lan).await?;
    let terms = Terms {
        deadline: Duration::from_secs(2),
        ..Terms::default()
    };
    let met = meet(&one, &other, &terms).await?;
    if met.way == Way::Not && met.how.contains(WHY) {
        return Ok(met.how);
    }
    let seen = format!("{:?} ({})", met.way, met.how);
    Err(Failure::new(format!(
        "{WHY:?} was expected, and it is {seen}"
    )))
}

/// A tunnel's interface: packets of 1280 bytes, and a path that loses longer ones without a word.
pub(super) async fn an_interface_with_1280_bytes(run: &Run) -> Outcome<String> {
    let hosts = [&["10.9.0.1/24"][..], &["10.9.0.2/24"]].map(|addresses| Host {
        mtu: 1280,
        ..Host::at(addresses)
    });
    let path = Path {
        longest: 1280,
        ..Path::default()
    };
    directly(&two(run, &hosts, path).await?, SOON)
}

/// Each has a second address in a network that the other one is not in.
pub(super) async fn two_interfaces_and_one_that_leads_nowhere(run: &Run) -> Outcome<String> {
    let hosts = [Host::at(&["10.9.0.1/24"]), Host::at(&["10.9.0.2/24"])];
    let lan = Lan::lay(run, &hosts).await?;
    for (host, address) in lan.hosts.iter().zip(["172.20.0.1/16", "172.21.0.1/16"]) {
        host.ip_all(&format!(
            "link add name vpn type veth peer name vpn-end\nlink set dev vpn mtu 1280 up\n\
             link set dev vpn-end up\naddr add {address} dev vpn\n"
        ))?;
    }
    let [one, other] = natives(&lan).await?;
    directly(&meet(&one, &other, &Terms::default()).await?, SOON)
}

/// A path round the world and a satellite's.
pub(super) async fn a_round_trip_of_two_seconds(run: &Run) -> Outcome<String> {
    let hosts = [Host::at(&["10.9.0.1/24"]), Host::at(&["10.9.0.2/24"])];
    let path = Path {
        delay: Duration::from_secs(1),
        ..Path::default()
    };
    let deadline = Terms::default().deadline;
    directly(&two(run, &hosts, path).await?, deadline)
}

/// Two natives on a LAN, without any server.
async fn two(run: &Run, hosts: &[Host; 2], path: Path) -> Outcome<Met> {
    let lan = Lan::over(run, hosts, path).await?;
    let [one, other] = natives(&lan).await?;
    meet(&one, &other, &Terms::default()).await
}
