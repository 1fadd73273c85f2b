//! A socket that several tasks send through.
//!
//! When a socket has room again, tokio wakes one task alone: the one that asked last. A connection's driver and whoever sends
//! beside it would take that wake-up from each other, and the one without it waited forever. So a socket's own waker asks, and it
//! wakes everybody who waits.

use core::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Runtime, TokioRuntime, Transmit};

use super::SocketSource;

/// Makes sockets that several tasks can send through.
#[derive(Debug)]
pub(crate) struct SharedSockets {
    /// What makes the sockets underneath; tokio if `None`.
    pub(crate) source: Option<Arc<dyn SocketSource>>,
}

impl SocketSource for SharedSockets {
    fn wrap(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let inner = match &self.source {
            Some(source) => source.wrap(socket)?,
            None => TokioRuntime.wrap_udp_socket(socket)?,
        };
        let senders = Arc::<Senders>::default();
        Ok(Arc::new(SharedSocket {
            inner,
            waker: Arc::clone(&senders).into(),
            senders,
        }))
    }
}

struct SharedSocket {
    inner: Arc<dyn AsyncUdpSocket>,
    senders: Arc<Senders>,
    /// Wakes all senders.
    waker: Waker,
}

/// The tasks that wait for room.
#[derive(Default)]
struct Senders(Mutex<Vec<Waker>>);

impl Senders {
    fn add(&self, waker: &Waker) {
        let mut wakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !wakers.iter().any(|known| known.will_wake(waker)) {
            wakers.push(waker.clone());
        }
    }
}

impl Wake for Senders {
    fn wake(self: Arc<Self>) {
        let wakers = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for waker in wakers {
            waker.wake();
        }
    }
}

impl AsyncUdpSocket for SharedSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let mut everybody = Context::from_waker(&self.waker);
        let sent = self.inner.poll_send(&mut everybody, transmit);
        if sent.is_ready() {
            return sent;
        }
        self.senders.add(cx.waker());
        // There may be room since, and the wake-up for it may have come before the task was known.
        self.inner.poll_send(&mut everybody, transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.inner.poll_recv(cx, bufs, meta)
    }

    fn max_gso_segments(&self) -> usize {
        self.inner.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.inner.max_gro_segments()
    }
}

impl fmt::Debug for SharedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSocket")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    /// A new socket has no room until its runtime has looked at it, so every task of this test waits.
    #[tokio::test]
    async fn everybody_who_waits_for_room_sends() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        let destination = socket.local_addr().expect("an address");
        let sockets = SharedSockets { source: None };
        let socket = sockets.wrap(socket).expect("a socket");
        let send = |socket: Arc<dyn AsyncUdpSocket>| async move {
            let transmit = Transmit {
                destination,
                ecn: None,
                contents: b"hello",
                segment_size: None,
                src_ip: None,
            };
            poll_fn(|cx| socket.poll_send(cx, &transmit)).await
        };
        let senders: Vec<_> = (0..3)
            .map(|_| tokio::spawn(send(Arc::clone(&socket))))
            .collect();
        for sender in senders {
            let sent = timeout(Duration::from_secs(20), sender).await;
            let sent = sent.expect("woken").expect("no panic");
            assert_eq!(sent.expect("sent"), 5);
        }
    }
}
