//! Two bare connections and a network in memory.

mod memory;
mod peer;

pub(crate) use memory::MemoryNetwork;
pub(crate) use peer::{Peer, Settings, connect};

use std::sync::Arc;
use std::time::Duration;

use backend_native::testing::{Cures, SocketOptions};
use backend_native::{PlatformBackend, PlatformConfig};
use mesh_core::SendLimits;
use tokio::runtime::Handle;

use crate::backends::{self, Pair};

/// A network in memory, and sockets on it.
pub(crate) fn in_memory(cures: Cures) -> (MemoryNetwork, SocketOptions) {
    let network = MemoryNetwork::default();
    let options = SocketOptions {
        cures,
        source: Some(Arc::new(network.clone())),
        ..SocketOptions::default()
    };
    (network, options)
}

/// Two bare connections of the crate, connected.
pub(crate) async fn bare(settings: Settings, options: SocketOptions) -> (Peer, Peer, Duration) {
    let a = Peer::new(settings, options.clone()).await;
    let b = Peer::new(settings, options).await;
    connect(a, b).await
}

/// Two of our backends with all their links on this runtime, not connected, with three channels that refuse nothing.
pub(crate) fn backends(a: SocketOptions, b: SocketOptions) -> Pair {
    let peer = |sockets| {
        let mut backend =
            PlatformBackend::on_one_runtime(Handle::current(), PlatformConfig::loopback());
        backend.use_sockets(sockets);
        backends::Peer::new(backend)
    };
    let mut pair = Pair {
        a: peer(a),
        b: peer(b),
    };
    let specs = backends::specs_with(SendLimits {
        high_water: 64 * 1024 * 1024,
        low_water: 0,
        ..SendLimits::default()
    });
    pair.open(&specs);
    pair
}

/// The same, connected.
pub(crate) async fn connected_backends(a: SocketOptions, b: SocketOptions) -> Pair {
    connected(backends(a, b)).await
}

/// The same, and each takes the other for one of another make.
pub(crate) async fn connected_strangers(a: SocketOptions, b: SocketOptions) -> Pair {
    connected(strangers(backends(a, b))).await
}

/// Each takes the other for one of another make, so that nothing comes from there by itself.
pub(crate) fn strangers(mut pair: Pair) -> Pair {
    pair.a.is_among_strangers = true;
    pair.b.is_among_strangers = true;
    pair
}

async fn connected(mut pair: Pair) -> Pair {
    pair.a.offer();
    pair.wait_async("both connected", |pair| pair.is_connected())
        .await;
    pair
}

/// For what must happen; virtual where the clock is paused.
pub(crate) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(limit, future)
        .await
        .expect("nothing happened in time")
}
