//! A socket that receives what a test tells it to, and keeps what it was given to send.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

/// A socket whose reads are scripted: one answer a call, and `Pending` when there is none left.
#[derive(Debug, Default)]
pub struct Script {
    /// Bytes and stride.
    reads: Mutex<VecDeque<(Vec<u8>, usize)>>,
    wakers: Mutex<Vec<Waker>>,
    sent: Mutex<Vec<String>>,
}

impl Script {
    /// The next read gives this datagram. Wakes who waits for one.
    pub fn arrives(&self, bytes: &[u8]) {
        self.arrives_coalesced(bytes, bytes.len());
    }

    /// The next read gives these bytes, which are datagrams of `stride` bytes each (GRO). Wakes who waits for one.
    pub fn arrives_coalesced(&self, bytes: &[u8], stride: usize) {
        lock(&self.reads).push_back((bytes.to_vec(), stride));
        lock(&self.wakers).drain(..).for_each(Waker::wake);
    }

    /// Drops the wakers of those who wait for a datagram.
    pub fn forget_wakers(&self) {
        lock(&self.wakers).clear();
    }

    /// What it was given to send so far, read as UTF-8.
    #[must_use]
    pub fn sent(&self) -> Vec<String> {
        lock(&self.sent).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AsyncUdpSocket for Script {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(SocketAddr::from(([127, 0, 0, 1], 1)))
    }

    fn poll_send(&self, _: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let text = String::from_utf8_lossy(transmit.contents).into_owned();
        lock(&self.sent).push(text);
        Poll::Ready(Ok(transmit.contents.len()))
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let Some((bytes, stride)) = lock(&self.reads).pop_front() else {
            lock(&self.wakers).push(cx.waker().clone());
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
