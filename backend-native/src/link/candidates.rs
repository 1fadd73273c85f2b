//! The far side's candidates, some of which hide their address behind a name.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mesh_core::IceCandidate;

use super::Link;
use crate::connection::Connection;
use crate::mdns;
use crate::note::Note;

/// How many names of the far side's candidates are asked for at a time.
const MAX_NAMES: usize = 16;

impl Link {
    pub(super) async fn add_candidate(&mut self, connection: &Connection, candidate: IceCandidate) {
        if let Some(name) = mdns::hidden(&candidate.candidate) {
            self.reveal(name.to_owned(), candidate);
            return;
        }
        // One that cannot be used is left out: others may do, and if none does, the deadline tells.
        let _ = connection.add_candidate(candidate).await;
        connection.sockets().check_often();
        if self.has_connected {
            // It may name the relay that the far side is at.
            self.check_route(connection).await;
        }
    }

    /// Asks for the address behind a name. More names than a browser has interfaces are not asked for.
    fn reveal(&mut self, name: String, candidate: IceCandidate) {
        while self.revealing.try_join_next().is_some() {}
        if self.revealing.len() >= MAX_NAMES {
            return;
        }
        let (interfaces, notes) = (self.interfaces.clone(), self.notes.clone());
        self.revealing.spawn(async move {
            if let Some(address) = mdns::find(&name, &interfaces).await {
                let candidate = IceCandidate {
                    candidate: mdns::revealed(&candidate.candidate, address),
                    ..candidate
                };
                // Fails once the link has ended.
                let _ = notes.try_send(Note::Revealed(candidate));
            }
        });
    }
}

/// The IPv4 interfaces that have these addresses.
pub(super) fn interfaces(addresses: &[SocketAddr]) -> Vec<Ipv4Addr> {
    let ipv4 = |address: &SocketAddr| match address.ip() {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    };
    addresses.iter().filter_map(ipv4).collect()
}
