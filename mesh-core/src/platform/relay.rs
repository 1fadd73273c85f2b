//! The TURN servers of a link, and why a link that needs one cannot be.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::{ConnectFailure, IceTransportPolicy, LinkConfig};

/// What a link has to do with TURN servers. What each server said is the platform's to hear.
#[derive(Debug)]
pub struct Relay {
    urls: Vec<String>,
    only: bool,
    found: bool,
}

impl Relay {
    /// For a link with these settings.
    #[must_use]
    pub fn new(config: &LinkConfig) -> Self {
        let urls = config.ice_servers.iter().flat_map(|server| &server.urls);
        Self {
            urls: urls.filter(|url| Self::is_turn(url)).cloned().collect(),
            only: config.ice_transport_policy == IceTransportPolicy::Relay,
            found: false,
        }
    }

    /// Whether this is the address of a TURN server (RFC 7065).
    #[must_use]
    pub fn is_turn(url: &str) -> bool {
        url.starts_with("turn")
    }

    /// Whether nothing but a relay may be used ([`IceTransportPolicy::Relay`]).
    #[must_use]
    pub const fn is_only(&self) -> bool {
        self.only
    }

    /// A server gave an address.
    pub const fn found(&mut self) {
        self.found = true;
    }

    /// Why the link cannot be, once no more addresses come: it needs one of a relay and has none. `said` gives the words of
    /// the servers, with their addresses, and nothing where none answered.
    #[must_use]
    pub fn failure(&self, said: impl FnOnce() -> String) -> Option<ConnectFailure> {
        if !self.only || self.found {
            return None;
        }
        let cause = self.cause(said);
        Some(ConnectFailure::NoRelay { cause })
    }

    /// What became of the servers, for a player: empty where one gave an address, or where there is none. `said` gives the
    /// words of the servers, with their addresses, and nothing where none answered.
    #[must_use]
    pub fn trouble(&self, said: impl FnOnce() -> String) -> String {
        if self.found || self.urls.is_empty() {
            return String::new();
        }
        self.cause(said)
    }

    fn cause(&self, said: impl FnOnce() -> String) -> String {
        if self.urls.is_empty() {
            return String::from("only relays may be used, and no TURN server is set");
        }
        match said() {
            said if said.is_empty() => format!("{}: no answer", self.urls.join(", ")),
            said => said,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::IceServer;

    use super::*;

    const URL: &str = "turn:turn.example.org:3478";

    fn relay(server: IceServer, policy: IceTransportPolicy) -> Relay {
        Relay::new(&LinkConfig {
            ice_servers: alloc::vec![server],
            ice_transport_policy: policy,
        })
    }

    fn cause(relay: &Relay, said: &str) -> String {
        match relay.failure(|| said.into()) {
            Some(ConnectFailure::NoRelay { cause }) => cause,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_link_that_may_go_straight_needs_no_relay() {
        let relay = relay(
            IceServer::turn(URL, "user", "secret"),
            IceTransportPolicy::All,
        );
        assert_eq!(relay.failure(String::new), None);
    }

    #[test]
    fn the_cause_is_what_the_servers_said() {
        let server = IceServer::turn(URL, "user", "wrong");
        let mut relay = relay(server, IceTransportPolicy::Relay);
        assert_eq!(cause(&relay, ""), format!("{URL}: no answer"));
        assert_eq!(cause(&relay, "401"), "401");
        relay.found();
        assert_eq!(relay.failure(String::new), None, "an address is enough");
    }

    #[test]
    fn no_server_is_a_cause_of_its_own() {
        let stun = IceServer::stun("stun:stun.example.org");
        let relay = relay(stun, IceTransportPolicy::Relay);
        assert!(cause(&relay, "").contains("no TURN server is set"));
        assert_eq!(relay.trouble(|| "401".into()), "");
        assert!(relay.is_only());
    }

    #[test]
    fn servers_that_give_no_address_are_told_of_where_none_is_needed_too() {
        let server = IceServer::turn(URL, "user", "wrong");
        let mut relay = relay(server, IceTransportPolicy::All);
        assert!(!relay.is_only());
        assert_eq!(relay.trouble(|| "401".into()), "401");
        relay.found();
        assert_eq!(relay.trouble(|| "401".into()), "");
    }
}
