//! The far side's addresses at TURN servers, as it has named them.
//!
//! A browser that hears a check from an address before the candidate that names it calls the address peer-reflexive. Firefox
//! goes on to call it so, whatever the candidate says (RFC 8445, section 7.3.1.3).

use std::cell::RefCell;
use std::net::SocketAddr;

/// How many are kept. A far side could name any number.
const MAX_RELAYS: usize = 32;

/// Those of one connection.
#[derive(Debug, Default)]
pub(crate) struct FarRelays(RefCell<Vec<SocketAddr>>);

impl FarRelays {
    /// A candidate of the far side.
    pub(crate) fn add(&self, candidate: &str) {
        let mut relays = self.0.borrow_mut();
        if let Some(relay) = relay(candidate)
            && relays.len() < MAX_RELAYS
            && !relays.contains(&relay)
        {
            relays.push(relay);
        }
    }

    /// The far side's description, which may hold candidates.
    pub(crate) fn add_all(&self, sdp: &str) {
        let lines = sdp.lines().filter_map(|line| line.strip_prefix("a="));
        lines.for_each(|line| self.add(line));
    }

    /// Whether the far side has named this.
    pub(crate) fn contains(&self, address: SocketAddr) -> bool {
        self.0.borrow().contains(&address)
    }
}

/// The address of a candidate over UDP, if it is a relay's (RFC 8839, section 5.1).
fn relay(candidate: &str) -> Option<SocketAddr> {
    let words = candidate.strip_prefix("candidate:")?;
    let mut words = words.split_ascii_whitespace();
    // After the foundation and the component.
    let is_udp = words.nth(2)?.eq_ignore_ascii_case("udp");
    // After the priority.
    let ip = words.nth(1)?.parse().ok()?;
    let port = words.next()?.parse().ok()?;
    let is_relay = words.next()? == "typ" && words.next()? == "relay";
    (is_udp && is_relay).then(|| SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn relays_alone_are_kept() {
        let relays = FarRelays::default();
        relays.add_all(
            "v=0\r\na=candidate:1 1 UDP 1 192.0.2.1 1 typ srflx raddr 10.0.0.1 rport 1\r\n\
             a=candidate:2 1 udp 1 192.0.2.2 2 typ relay raddr 0.0.0.0 rport 0\r\na=mid:0\r\n",
        );
        relays.add("candidate:3 1 udp 1 2001:db8::1 3 typ relay raddr :: rport 0");
        for no_relay in [
            "",
            "candidate:",
            "candidate:4 1 tcp 1 192.0.2.4 4 typ relay",
            "candidate:4 1 udp 1 d2f5.local 4 typ host",
            "candidate:4 1 udp 1 192.0.2.4 70000 typ relay",
            "candidate:4 1 udp 1 192.0.2.4 4 typ",
        ] {
            relays.add(no_relay);
        }
        assert!(relays.contains(address("192.0.2.2:2")));
        assert!(relays.contains(address("[2001:db8::1]:3")));
        assert_eq!(relays.0.borrow().len(), 2);
    }

    #[test]
    fn a_far_side_may_name_any_number() {
        let relays = FarRelays::default();
        for port in 1..=100 {
            relays.add(&format!("candidate:1 1 udp 1 192.0.2.1 {port} typ relay"));
        }
        assert_eq!(relays.0.borrow().len(), MAX_RELAYS);
    }
}
