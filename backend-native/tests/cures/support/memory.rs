//! A network in memory: a datagram is in the receiver's mailbox when `poll_send` returns, and no I/O driver is involved, so a
//! paused clock stands still while anything is under way.

use std::collections::{HashMap, VecDeque};
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use backend_native::testing::SocketSource;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

/// Where sockets of one test meet.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryNetwork(Arc<Mutex<HashMap<SocketAddr, Mailbox>>>);

#[derive(Debug, Default)]
struct Mailbox {
    datagrams: VecDeque<(SocketAddr, Vec<u8>)>,
    waker: Option<Waker>,
}

impl MemoryNetwork {
    /// How many sockets there are.
    pub(crate) fn sockets(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl SocketSource for MemoryNetwork {
    fn wrap(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let address = socket.local_addr()?;
        self.0.lock().unwrap().insert(address, Mailbox::default());
        Ok(Arc::new(MemorySocket {
            network: self.clone(),
            address,
            _keeps_the_port: socket,
        }))
    }
}

#[derive(Debug)]
struct MemorySocket {
    network: MemoryNetwork,
    address: SocketAddr,
    _keeps_the_port: UdpSocket,
}

impl AsyncUdpSocket for MemorySocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }

    fn poll_send(&self, _: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        assert_eq!(transmit.segment_size, None, "we reported one segment");
        let waker = self
            .network
            .0
            .lock()
            .unwrap()
            .get_mut(&transmit.destination)
            .and_then(|mailbox| {
                let datagram = (self.address, transmit.contents.to_vec());
                mailbox.datagrams.push_back(datagram);
                mailbox.waker.take()
            });
        waker.into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(transmit.contents.len()))
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut network = self.network.0.lock().unwrap();
        let mailbox = network.get_mut(&self.address).unwrap();
        let Some((from, bytes)) = mailbox.datagrams.pop_front() else {
            mailbox.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        bufs[0][..bytes.len()].copy_from_slice(&bytes);
        meta[0] = RecvMeta::default();
        (meta[0].addr, meta[0].len, meta[0].stride) = (from, bytes.len(), bytes.len().max(1));
        Poll::Ready(Ok(1))
    }
}

impl Drop for MemorySocket {
    fn drop(&mut self) {
        self.network.0.lock().unwrap().remove(&self.address);
    }
}
