//! A direct path that comes a little later than the relayed one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backend_native::testing::SocketOptions;
use backend_native::{PlatformBackend, PlatformConfig};
use mesh_core::{CandidateType, LinkConfig};
use socket_faults::{Fate, Faults, TokioSockets};

use crate::coturn::Coturn;
use crate::stats;
use crate::support::{INBOX, Pair, Peer, link, specs};

/// A peer to which no other peer's checks come before this moment; what a server sends does.
fn direct_from(moment: Instant) -> Peer {
    let mut backend = PlatformBackend::new(PlatformConfig::loopback()).expect("threads");
    backend.use_sockets(SocketOptions {
        source: Some(Faults::by(Arc::new(TokioSockets), move || {
            Box::new(move |datagram: &[u8]| {
                let is_binding = matches!(datagram, [0x00 | 0x01, 0x01, ..]);
                if is_binding && Instant::now() < moment {
                    Fate::Lose
                } else {
                    Fate::Deliver
                }
            })
        })),
        ..SocketOptions::default()
    });
    Peer::new(backend)
}

#[test]
fn a_direct_path_that_comes_after_400_ms_is_preferred() {
    let server = Coturn::start();
    let moment = Instant::now() + Duration::from_millis(400);
    let mut pair = Pair {
        a: direct_from(moment),
        b: direct_from(moment),
    };
    let config = LinkConfig {
        ice_servers: vec![server.server()],
        ..LinkConfig::default()
    };
    for peer in [&mut pair.a, &mut pair.b] {
        peer.open(link(0), config.clone(), INBOX, &specs());
    }
    pair.connect();
    let figures = stats(&mut pair, |pair| &mut pair.a);
    assert_ne!(figures.local, Some(CandidateType::Relay));
    assert_ne!(figures.remote, Some(CandidateType::Relay));
}
