//! What stands between a player and the rest: address translators and firewalls, as rules for nftables.

use serde::Serialize;

/// How a router treats UDP. Named as RFC 4787's predecessors do; what it maps and what it lets in is beside each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Nat {
    /// None: the player has an address that everybody reaches.
    Open,
    /// One port outside for each port inside; everybody may write to it.
    FullCone,
    /// The same; only addresses that the player has written to may.
    Address,
    /// The same; only addresses with the port that the player has written to may.
    Port,
    /// A port of its own for each destination, at random; only that destination may write to it.
    Symmetric,
    /// No UDP at all, in either direction.
    Blocked,
}

/// The five of the matrix.
pub(super) const FIVE: [Nat; 5] = [
    Nat::FullCone,
    Nat::Address,
    Nat::Port,
    Nat::Symmetric,
    Nat::Blocked,
];

impl Nat {
    /// In a table.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::FullCone => "full cone",
            Self::Address => "address-restricted",
            Self::Port => "port-restricted",
            Self::Symmetric => "symmetric",
            Self::Blocked => "UDP blocked",
        }
    }

    /// The rules of a router whose outer interface is `wan`, with this address.
    pub(super) fn rules(self, address: &str) -> String {
        match self {
            Self::Open => String::new(),
            Self::FullCone => cone(address),
            Self::Address => format!("{}{ADDRESS_FILTER}", cone(address)),
            Self::Port => format!("{}{STATEFUL_FILTER}", masquerade("")),
            Self::Symmetric => format!("{}{STATEFUL_FILTER}", masquerade("random,fully-random")),
            Self::Blocked => format!("{}{NO_UDP}", masquerade("")),
        }
    }
}

/// Whether a hole can be punched between two of them: where one side's port outside is known to the other, or where the other
/// lets every port of a known address in.
pub(super) const fn is_punchable(one: Nat, other: Nat) -> bool {
    !matches!(
        (one, other),
        (Nat::Blocked, _)
            | (_, Nat::Blocked)
            | (Nat::Symmetric, Nat::Symmetric | Nat::Port)
            | (Nat::Port, Nat::Symmetric)
    )
}

/// Each port inside is the same one outside (the kernel keeps it where it is free), and a map remembers whose it is.
fn cone(address: &str) -> String {
    format!(
        "table ip nat {{
 map inside {{ type inet_service : ipv4_addr . inet_service; flags dynamic,timeout; timeout 300s; size 65536; }}
 chain pre {{ type nat hook prerouting priority dstnat;
  iifname \"wan\" meta l4proto udp dnat to udp dport map @inside;
 }}
 chain post {{ type nat hook postrouting priority srcnat;
  oifname \"wan\" meta l4proto udp update @inside {{ udp sport timeout 300s : ip saddr . udp sport }}
  oifname \"wan\" snat to {address};
 }}
}}
"
    )
}

/// A full cone whose two inner networks see each other only through its outside ("hairpin", RFC 4787 section 6).
pub(super) fn turning_round(address: &str) -> String {
    format!(
        "table ip nat {{
 map inside {{ type inet_service : ipv4_addr . inet_service; flags dynamic,timeout; timeout 300s; size 65536; }}
 chain pre {{ type nat hook prerouting priority dstnat;
  ip daddr {address} meta l4proto udp dnat to udp dport map @inside;
 }}
 chain post {{ type nat hook postrouting priority srcnat;
  oifname \"wan\" meta l4proto udp update @inside {{ udp sport timeout 300s : ip saddr . udp sport }}
  oifname \"wan\" snat to {address};
  oifname != \"wan\" ip saddr != 203.0.113.0/24 ct status dnat snat to {address};
 }}
}}
table ip filter {{
 chain forward {{ type filter hook forward priority 0;
  ct status dnat accept;
  iifname != \"wan\" oifname != \"wan\" drop;
 }}
}}
"
    )
}

fn masquerade(how: &str) -> String {
    format!(
        "table ip nat {{
 chain post {{ type nat hook postrouting priority srcnat;
  oifname \"wan\" masquerade {how};
 }}
}}
"
    )
}

/// Lets in what comes from an address that the port inside has written to.
const ADDRESS_FILTER: &str = "table ip filter {
 set written { type ipv4_addr . inet_service; flags dynamic,timeout; timeout 300s; size 65536; }
 chain forward { type filter hook forward priority 0;
  oifname \"wan\" meta l4proto udp update @written { ip daddr . udp sport timeout 300s }
  iifname \"wan\" meta l4proto udp ip saddr . udp dport != @written drop;
 }
}
";

/// Lets in answers alone. What comes for the router itself must not begin a connection either: that would take the port.
const STATEFUL_FILTER: &str = "table ip filter {
 chain input { type filter hook input priority 0;
  iifname \"wan\" meta l4proto udp ct state new drop;
 }
 chain forward { type filter hook forward priority 0;
  iifname \"wan\" ct state new drop;
 }
}
";

const NO_UDP: &str = "table ip filter {
 chain forward { type filter hook forward priority 0;
  meta l4proto udp drop;
  iifname \"wan\" ct state new drop;
 }
}
";

/// A player's own firewall: answers come in, and multicast DNS, and nothing else. Desktop firewalls let multicast DNS in (ufw as
/// installed, firewalld in its zones for homes and workstations), because the kernel does not know such an answer as one.
pub(super) const FIREWALL: &str = "table inet filter {
 chain input { type filter hook input priority 0;
  iifname \"lo\" accept;
  ct state established,related accept;
  meta l4proto icmpv6 accept;
  ip daddr 224.0.0.251 udp dport 5353 accept;
  ip6 daddr ff02::fb udp dport 5353 accept;
  drop;
 }
}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_punched_from_either_side_or_from_none() {
        for one in FIVE {
            for other in FIVE {
                assert_eq!(is_punchable(one, other), is_punchable(other, one));
            }
        }
        let direct = |nat: Nat| {
            FIVE.into_iter()
                .filter(|far| is_punchable(nat, *far))
                .count()
        };
        assert_eq!(FIVE.map(direct), [4, 4, 3, 2, 0]);
    }
}
