//! The pair of addresses that a connection uses.

use std::net::SocketAddr;

use mesh_core::platform::{self, PairEnd};
use mesh_core::{CandidateType, TransportProtocol};

use super::Connection;
use crate::relay::Relay;
use crate::translate;

/// The pair of addresses that the crate sends from and to, or another one that was found since.
#[derive(Clone, Debug, Default)]
pub(crate) struct SelectedPair {
    /// What kind our own address is.
    pub(crate) local: Option<CandidateType>,
    /// What kind the far side's is.
    pub(crate) remote: Option<CandidateType>,
    /// Where our socket is bound, and where it sends. `None`: through a TURN server of ours.
    pub(crate) addresses: Option<(SocketAddr, SocketAddr)>,
    /// The same addresses; of a relay of ours, the address that the server has given us.
    ends: [Option<SocketAddr>; 2],
    /// The TURN server of ours, as the crate was told.
    server: Option<String>,
}

impl SelectedPair {
    /// Whether it goes through a TURN server of either side.
    pub(crate) fn is_relayed(&self) -> bool {
        let relay = Some(CandidateType::Relay);
        self.local == relay || self.remote == relay
    }

    /// As the core is told.
    pub(crate) fn as_told(&self, relay: &Relay) -> platform::SelectedPair {
        let end = |kind, address| PairEnd {
            kind,
            address,
            name: String::new(),
        };
        let [near, far] = self.ends;
        let protocol = match self.local {
            Some(CandidateType::Relay) => relay.protocol(self.server.as_deref()),
            // The crate has no others.
            Some(_) => Some(TransportProtocol::Udp),
            None => None,
        };
        platform::SelectedPair {
            local: end(self.local, near),
            remote: end(self.remote, far),
            protocol,
        }
    }
}

impl Connection {
    /// The pair that the crate sends from and to. docs/upstream.md, "a relay is taken for a peer-reflexive address".
    pub(crate) async fn selected_pair(&self) -> Option<SelectedPair> {
        let ice = self.inner.sctp().await?.transport().ice_transport();
        let pair = ice.get_selected_candidate_pair().await.ok()??;
        let (local, remote) = (pair.local(), pair.remote());
        let address = |ip: &str, port| Some(SocketAddr::new(ip.parse().ok()?, port));
        let destination = address(&remote.address, remote.port);
        let kind = translate::candidate_type(local.typ);
        // What the far side, or a server, sees of us is sent from the address it is related to.
        let source = match kind {
            Some(CandidateType::Host) => address(&local.address, local.port),
            Some(CandidateType::ServerReflexive | CandidateType::PeerReflexive) => {
                address(&local.related_address, local.related_port)
            }
            Some(CandidateType::Relay) | None => None,
        };
        // A check that comes from the far side's relay before the candidate makes the crate take it for peer-reflexive.
        let is_relay = destination.is_some_and(|remote| self.direct.is_relay(remote));
        Some(SelectedPair {
            local: kind,
            remote: if is_relay {
                Some(CandidateType::Relay)
            } else {
                translate::candidate_type(remote.typ)
            },
            addresses: source.zip(destination),
            ends: [
                source.or_else(|| address(&local.address, local.port)),
                destination,
            ],
            server: local.url.clone(),
        })
    }

    /// The pair in use: the one that was found since, or else the crate's.
    pub(crate) async fn pair_in_use(&self) -> Option<SelectedPair> {
        let Some(path) = self.direct.path() else {
            return self.selected_pair().await;
        };
        Some(SelectedPair {
            local: Some(path.local_kind),
            remote: Some(path.remote_kind),
            addresses: Some((path.local, path.remote)),
            ends: [Some(path.local), Some(path.remote)],
            server: None,
        })
    }
}
