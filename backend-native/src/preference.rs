//! The priorities of our candidates, as the far side is told (RFC 8445, 5.1.2).
//!
//! The `webrtc` crate gives all candidates of a type the same one (docs/upstream.md, "candidates of one priority"), so a far side
//! cannot know which we prefer, and takes whichever answers first.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

/// The position of the priority in a candidate (RFC 8839, section 5.1), and of its address.
const PRIORITY: usize = 3;
const ADDRESS: usize = 4;

/// The priorities of one link.
#[derive(Debug)]
pub(crate) struct Preferences {
    /// What is bound, the most preferred one first.
    addresses: Vec<IpAddr>,
    given: BTreeSet<u32>,
}

impl Preferences {
    pub(crate) fn new(addresses: &[SocketAddr]) -> Self {
        Self {
            addresses: addresses.iter().map(SocketAddr::ip).collect(),
            given: BTreeSet::new(),
        }
    }

    /// The candidate with a priority of its own: of its type, then by the preference of the address it belongs to.
    pub(crate) fn apply(&mut self, candidate: String) -> String {
        let words: Vec<&str> = candidate.split(' ').collect();
        let priority = words.get(PRIORITY).and_then(|word| word.parse().ok());
        let Some(priority) = priority.map(|told| self.priority(told, &words)) else {
            return candidate;
        };
        let priority = priority.to_string();
        let words = words.iter().enumerate();
        let words = words.map(|(at, word)| if at == PRIORITY { &*priority } else { word });
        words.collect::<Vec<_>>().join(" ")
    }

    fn priority(&mut self, told: u32, words: &[&str]) -> u32 {
        let rank = self.base(words).unwrap_or(self.addresses.len());
        let rank = u16::try_from(rank).unwrap_or(u16::MAX);
        // Type and component are the crate's.
        let with = |preference: u16| (told & 0xff00_00ff) | (u32::from(preference) << 8);
        let mut preference = u16::MAX - rank;
        while preference > 0 && self.given.contains(&with(preference)) {
            preference -= 1;
        }
        self.given.insert(with(preference));
        with(preference)
    }

    /// The position of the address that it is sent from: its own, or the related one.
    fn base(&self, words: &[&str]) -> Option<usize> {
        let related = words.iter().position(|word| *word == "raddr");
        let at = related.map_or(ADDRESS, |at| at + 1);
        let base: IpAddr = words.get(at)?.parse().ok()?;
        self.addresses.iter().position(|address| *address == base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: u32 = 126;
    const REFLEXIVE: u32 = 100;

    fn candidate(kind: u32, rest: &str) -> String {
        let priority = (kind << 24) | (65535 << 8) | 255;
        format!("candidate:1 1 udp {priority} {rest}")
    }

    /// Type, local preference and component.
    fn priority(candidate: &str) -> (u32, u32, u32) {
        let word = candidate.split(' ').nth(PRIORITY).expect("a priority");
        let priority: u32 = word.parse().expect("a number");
        (priority >> 24, (priority >> 8) & 0xffff, priority & 255)
    }

    fn preferences() -> Preferences {
        let addresses = ["[2001:db8::1]:0", "10.0.0.1:0", "[2001:db8::2]:0"];
        Preferences::new(&addresses.map(|address| address.parse().expect("an address")))
    }

    #[test]
    fn each_candidate_has_a_priority_of_its_own_in_the_order_of_the_addresses() {
        let mut preferences = preferences();
        let mut apply = |kind, rest| priority(&preferences.apply(candidate(kind, rest)));
        // Whatever order they come in.
        assert_eq!(apply(HOST, "10.0.0.1 5 typ host"), (HOST, 65534, 255));
        assert_eq!(apply(HOST, "2001:db8::2 5 typ host"), (HOST, 65533, 255));
        assert_eq!(apply(HOST, "2001:db8::1 5 typ host"), (HOST, 65535, 255));
        let reflexive = "192.0.2.1 7 typ srflx raddr 10.0.0.1 rport 5";
        assert_eq!(apply(REFLEXIVE, reflexive), (REFLEXIVE, 65534, 255));
        let of_another_server = "192.0.2.1 8 typ srflx raddr 10.0.0.1 rport 5";
        assert_eq!(apply(REFLEXIVE, of_another_server), (REFLEXIVE, 65533, 255));
        assert_eq!(
            apply(0, "198.51.100.1 9 typ relay raddr 0.0.0.0 rport 0"),
            (0, 65532, 255)
        );
    }

    #[test]
    fn nothing_else_of_a_candidate_is_changed() {
        let told = "candidate:1 1 udp 2130706431 10.0.0.1 5 typ host generation 0";
        let applied = preferences().apply(String::from(told));
        assert_eq!(
            applied.replace(
                &((126 << 24) | (65534 << 8) | 255u32).to_string(),
                "2130706431"
            ),
            told
        );
        for other in ["", "candidate:1 1 udp high 10.0.0.1 5 typ host", "a b c"] {
            assert_eq!(preferences().apply(String::from(other)), other);
        }
    }
}
