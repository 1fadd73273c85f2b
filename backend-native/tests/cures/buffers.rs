//! Kernel buffers that overflow in a burst (native.md §2.5): 208 KiB where nothing is asked for.

use std::io;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};

use backend_native::testing::{Cures, SocketOptions, SocketSource};
use socket2::SockRef;
use webrtc::runtime::AsyncUdpSocket;

use crate::support::{MemoryNetwork, Peer, Settings};

/// Looks at each socket before it is used.
#[derive(Debug, Default)]
struct Looks {
    network: MemoryNetwork,
    sizes: Mutex<Vec<(usize, usize)>>,
}

impl SocketSource for Looks {
    fn wrap(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let looked_at = SockRef::from(&socket);
        let sizes = (looked_at.recv_buffer_size()?, looked_at.send_buffer_size()?);
        self.sizes.lock().unwrap().push(sizes);
        self.network.wrap(socket)
    }
}

/// Receive and send buffer, as the kernel has granted them.
async fn sizes(cures: Cures) -> (usize, usize) {
    let looks = Arc::new(Looks::default());
    let options = SocketOptions {
        cures,
        source: Some(looks.clone()),
        ..SocketOptions::default()
    };
    let peer = Peer::new(Settings::ALL, options).await;
    peer.connection.close().await.unwrap();
    let sizes = looks.sizes.lock().unwrap();
    assert_eq!(sizes.len(), 1);
    sizes[0]
}

#[tokio::test(start_paused = true)]
async fn with_the_cure_they_are_larger() {
    let (receive, send) = sizes(Cures::NONE).await;
    // How much the kernel grants is its own affair.
    let (more_receive, more_send) = sizes(Cures::default()).await;
    assert!(more_receive > receive, "{more_receive} and {receive}");
    assert!(more_send > send, "{more_send} and {send}");
}
