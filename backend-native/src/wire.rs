//! A socket for tests that hands over what is sent and receives what a test wants.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use crate::socket::SocketSource;

/// The address of every one of them.
pub(crate) const LOCAL: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 1000);

/// Takes what is sent, and says what the test wants.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) sent: Mutex<Vec<(SocketAddr, Vec<u8>)>>,
    pub(crate) arriving: Mutex<VecDeque<(SocketAddr, Vec<u8>)>>,
    /// Where nothing can be sent.
    pub(crate) unreachable: Mutex<Option<SocketAddr>>,
}

impl AsyncUdpSocket for Wire {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(LOCAL)
    }

    fn poll_send(&self, _: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        if *self.unreachable.lock().expect("not poisoned") == Some(transmit.destination) {
            return Poll::Ready(Err(io::ErrorKind::NetworkUnreachable.into()));
        }
        let mut sent = self.sent.lock().expect("not poisoned");
        sent.push((transmit.destination, transmit.contents.to_vec()));
        Poll::Ready(Ok(transmit.contents.len()))
    }

    fn poll_recv(
        &self,
        _: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let Some((from, bytes)) = self.arriving.lock().expect("not poisoned").pop_front() else {
            return Poll::Pending;
        };
        bufs[0][..bytes.len()].copy_from_slice(&bytes);
        meta[0] = RecvMeta::default();
        (meta[0].addr, meta[0].len, meta[0].stride) = (from, bytes.len(), bytes.len());
        Poll::Ready(Ok(1))
    }
}

/// Makes this socket.
#[derive(Debug)]
pub(crate) struct OneWire(pub(crate) Arc<Wire>);

impl SocketSource for OneWire {
    fn wrap(&self, _: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let wire: Arc<Wire> = Arc::clone(&self.0);
        Ok(wire)
    }
}
