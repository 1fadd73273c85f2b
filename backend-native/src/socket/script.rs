//! A socket for tests that says what it is told to say.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

/// What the kernel would say, one answer a call; `Pending` when it is used up.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// Bytes and stride.
    reads: Mutex<VecDeque<(Vec<u8>, usize)>>,
    pub(super) wakers: Mutex<Vec<Waker>>,
    /// What it was given to send.
    pub(super) sent: Mutex<Vec<String>>,
}

impl Script {
    pub(super) fn arrives(&self, bytes: &[u8]) {
        self.arrives_coalesced(bytes, bytes.len());
    }

    pub(super) fn arrives_coalesced(&self, bytes: &[u8], stride: usize) {
        self.reads
            .lock()
            .unwrap()
            .push_back((bytes.to_vec(), stride));
        self.wakers.lock().unwrap().drain(..).for_each(Waker::wake);
    }
}

impl AsyncUdpSocket for Script {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(SocketAddr::from(([127, 0, 0, 1], 1)))
    }

    fn poll_send(&self, _: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let text = String::from_utf8_lossy(transmit.contents).into_owned();
        self.sent.lock().unwrap().push(text);
        Poll::Ready(Ok(transmit.contents.len()))
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let Some((bytes, stride)) = self.reads.lock().unwrap().pop_front() else {
            self.wakers.lock().unwrap().push(cx.waker().clone());
            return Poll::Pending;
        };
        bufs[0][..bytes.len()].copy_from_slice(&bytes);
        meta[0] = RecvMeta::default();
        (meta[0].len, meta[0].stride) = (bytes.len(), stride);
        Poll::Ready(Ok(1))
    }

    fn max_gro_segments(&self) -> usize {
        64
    }
}
