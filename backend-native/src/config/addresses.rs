//! Which addresses a connection is bound to, and in which order they are preferred.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::PlatformConfig;

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) ip: IpAddr,
}

/// The addresses to bind, the most preferred one first.
pub(super) fn expand(config: &PlatformConfig, interfaces: &[Interface]) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for bind in &config.bind {
        if !bind.ip().is_unspecified() {
            push_unique(&mut addresses, *bind);
            continue;
        }
        let of_family = || {
            let found = interfaces.iter();
            found.filter(|found| found.ip.is_ipv4() == bind.is_ipv4())
        };
        let mut found: Vec<_> = of_family()
            .filter(|found| is_reachable(&found.ip) && !is_telltale(found, interfaces))
            .collect();
        if found.is_empty() {
            found.extend(of_family().filter(|found| is_link_local_ipv4(&found.ip)));
        }
        for found in found {
            push_unique(&mut addresses, SocketAddr::new(found.ip, bind.port()));
        }
    }
    if config.include_loopback || addresses.is_empty() {
        push_unique(&mut addresses, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    }
    interleave(&addresses)
}

/// IPv6 and IPv4 by turns, so that neither family has to wait for all of the other (RFC 8421, section 4).
fn interleave(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let of = |is_ipv4| {
        let addresses = addresses.iter().copied();
        addresses.filter(move |address| address.is_ipv4() == is_ipv4)
    };
    let (mut ipv6, mut ipv4) = (of(false), of(true));
    let mut mixed = Vec::with_capacity(addresses.len());
    while mixed.len() < addresses.len() {
        mixed.extend(ipv6.next());
        mixed.extend(ipv4.next());
    }
    mixed
}

/// Whether it tells the hardware's address, although the interface has another one in the same network: a temporary one
/// (RFC 8981) or a stable one that is opaque (RFC 7217).
fn is_telltale(interface: &Interface, interfaces: &[Interface]) -> bool {
    let IpAddr::V6(ip) = interface.ip else {
        return false;
    };
    is_eui_64(ip)
        && interfaces.iter().any(|other| match other.ip {
            IpAddr::V6(other_ip) => {
                other.name == interface.name
                    && other_ip.segments()[..4] == ip.segments()[..4]
                    && !is_eui_64(other_ip)
            }
            IpAddr::V4(_) => false,
        })
}

/// Whether the interface's part is a hardware address with `ff:fe` in the middle (RFC 4291, appendix A).
const fn is_eui_64(ip: Ipv6Addr) -> bool {
    let octets = ip.octets();
    octets[11] == 0xff && octets[12] == 0xfe
}

/// Whether a peer elsewhere could reach it. An IPv6 link-local address means nothing without its interface.
fn is_reachable(ip: &IpAddr) -> bool {
    let link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast() && !link_local
}

/// An address that a machine without a router gave itself (RFC 3927).
fn is_link_local_ipv4(ip: &IpAddr) -> bool {
    matches!(ip, IpAddr::V4(ip) if ip.is_link_local())
}

fn push_unique(addresses: &mut Vec<SocketAddr>, address: SocketAddr) {
    if !addresses.contains(&address) {
        addresses.push(address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of one interface.
    fn ips(list: &[&str]) -> Vec<Interface> {
        of(&list.iter().map(|ip| ("eth0", *ip)).collect::<Vec<_>>())
    }

    fn of(list: &[(&str, &str)]) -> Vec<Interface> {
        let interface = |(name, ip): &(&str, &str)| Interface {
            name: (*name).to_owned(),
            ip: ip.parse().expect("an address"),
        };
        list.iter().map(interface).collect()
    }

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter()
            .map(|a| a.parse().expect("an address"))
            .collect()
    }

    #[test]
    fn an_unspecified_address_is_every_reachable_interface() {
        let interfaces = ips(&[
            "127.0.0.1",
            "10.0.0.2",
            "169.254.1.1",
            "::1",
            "fe80::1",
            "2001:db8::2",
            "10.0.0.2",
        ]);
        assert_eq!(
            expand(&PlatformConfig::default(), &interfaces),
            addresses(&["[2001:db8::2]:0", "10.0.0.2:0"]),
        );
    }

    #[test]
    fn two_machines_on_a_cable_use_the_addresses_they_gave_themselves() {
        let config = PlatformConfig::default();
        assert_eq!(
            expand(&config, &ips(&["127.0.0.1", "169.254.7.1", "fe80::1"])),
            addresses(&["169.254.7.1:0"]),
        );
        assert_eq!(
            expand(&config, &ips(&["169.254.7.1", "2001:db8::1"])),
            addresses(&["[2001:db8::1]:0", "169.254.7.1:0"]),
        );
    }

    #[test]
    fn loopback_is_bound_where_there_is_nothing_else_or_by_option() {
        let config = PlatformConfig::default();
        let offline = expand(&config, &ips(&["127.0.0.1", "::1"]));
        assert_eq!(offline, addresses(&["127.0.0.1:0"]));
        assert!(config.is_offline(&offline));
        assert!(!config.is_offline(&addresses(&["127.0.0.1:0", "10.0.0.2:0"])));
        assert!(!PlatformConfig::loopback().is_offline(&offline));
        let config = PlatformConfig {
            include_loopback: true,
            ..PlatformConfig::default()
        };
        assert_eq!(
            expand(&config, &ips(&["127.0.0.1", "10.0.0.2"])),
            addresses(&["10.0.0.2:0", "127.0.0.1:0"]),
        );
    }

    #[test]
    fn a_concrete_address_stays_as_it_is() {
        assert_eq!(
            expand(&PlatformConfig::loopback(), &ips(&["10.0.0.2"])),
            addresses(&["127.0.0.1:0"]),
        );
    }

    #[test]
    fn the_families_take_turns() {
        let interfaces = ips(&[
            "10.0.0.1",
            "10.0.0.2",
            "10.0.0.3",
            "2001:db8::1",
            "2001:db8::2",
        ]);
        let expected = [
            "[2001:db8::1]:0",
            "10.0.0.1:0",
            "[2001:db8::2]:0",
            "10.0.0.2:0",
            "10.0.0.3:0",
        ];
        let config = PlatformConfig::default();
        assert_eq!(expand(&config, &interfaces), addresses(&expected));
    }

    #[test]
    fn the_address_of_the_hardware_is_not_told_where_there_is_another() {
        let interfaces = of(&[
            ("eth0", "2001:db8::5054:ff:fe12:3456"),
            ("eth0", "2001:db8::7c1d:9a2b:33c4:5e6f"),
            // The only one in its network.
            ("eth0", "fd00::5054:ff:fe12:3456"),
            // The only one of its interface.
            ("eth1", "2001:db8::5054:ff:fe12:3457"),
        ]);
        let expected = [
            "[2001:db8::7c1d:9a2b:33c4:5e6f]:0",
            "[fd00::5054:ff:fe12:3456]:0",
            "[2001:db8::5054:ff:fe12:3457]:0",
        ];
        let config = PlatformConfig::default();
        assert_eq!(expand(&config, &interfaces), addresses(&expected));
    }
}
