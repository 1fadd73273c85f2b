//! Sockets at addresses that this machine has got since the connection was made.
//!
//! The crate binds its sockets once and knows no others. So what a far side encrypts and sends to such a socket is handed to the
//! crate as if it had come to one of its own, and the far side's checks are answered here.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Runtime, TokioRuntime, Transmit};

use super::Direct;
use super::check::Kind;
use super::socket::is_dtls;
use crate::socket::SocketSource;

/// How many such sockets a connection has at most.
const SOCKETS: usize = 8;

/// How many datagrams are read that nobody gets, before others have their turn.
const READS: usize = 64;

impl Direct {
    /// Binds those of these addresses at which no socket is. Whether there is one more; then somebody must poll the others.
    pub(crate) fn bind(&self, addresses: &[SocketAddr]) -> bool {
        if !self.0.is_allowed {
            return false;
        }
        let mut is_bound = false;
        for address in addresses {
            is_bound |= self.bind_one(*address).is_some();
        }
        is_bound
    }

    fn bind_one(&self, address: SocketAddr) -> Option<()> {
        let source = {
            let state = self.state();
            let is_known = |(at, _): &(SocketAddr, _)| at.ip() == address.ip();
            if state.late.len() >= SOCKETS || state.sockets.iter().any(is_known) {
                return None;
            }
            state.source.clone()
        };
        // It may be gone again, or not be ready yet.
        let socket = UdpSocket::bind(address).ok()?;
        socket.set_nonblocking(true).ok()?;
        let socket = wrap(source.as_ref(), socket).ok()?;
        let local = socket.local_addr().ok()?;
        self.update(|state| {
            state.sockets.push((local, Arc::downgrade(&socket)));
            state.late.push((local, socket));
            state.prober.add_local(local);
        });
        self.0.has_late.store(true, Ordering::Relaxed);
        Some(())
    }

    /// Closes them.
    pub(crate) fn unbind(&self) {
        self.0.has_late.store(false, Ordering::Relaxed);
        let late = core::mem::take(&mut self.state().late);
        drop(late);
    }

    /// What has come to one of them and is for the crate.
    pub(super) fn poll_late(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        if !self.0.has_late.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        let (Some(bufs), Some(meta)) = (bufs.get_mut(..1), meta.get_mut(..1)) else {
            return Poll::Pending;
        };
        let late = self.state().late.clone();
        let mut reads = 0;
        for (local, socket) in late {
            while let Poll::Ready(received) = socket.poll_recv(cx, bufs, meta) {
                let is_for_the_crate = received.is_ok()
                    && bufs.iter().zip(&*meta).any(|(buf, meta)| {
                        let datagrams = &buf[..meta.len.min(buf.len())];
                        let datagrams = datagrams.chunks(meta.stride.max(1));
                        self.sort(&*socket, local, meta.addr, datagrams)
                    });
                if is_for_the_crate {
                    return Poll::Ready(Ok(1));
                }
                reads += 1;
                if reads >= READS {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
        }
        Poll::Pending
    }

    /// Sees to what is ours. Whether there is something for the crate.
    fn sort<'a>(
        &self,
        socket: &dyn AsyncUdpSocket,
        local: SocketAddr,
        remote: SocketAddr,
        datagrams: impl Iterator<Item = &'a [u8]>,
    ) -> bool {
        let mut is_for_the_crate = false;
        for datagram in datagrams {
            is_for_the_crate |= is_dtls(datagram);
            self.hear(local, remote, datagram);
            if Kind::of(datagram) == Some(Kind::Request) {
                self.answer(socket, remote, datagram);
            }
        }
        is_for_the_crate
    }

    fn answer(&self, socket: &dyn AsyncUdpSocket, remote: SocketAddr, request: &[u8]) {
        let checks = self.state().checks();
        let answer = checks.and_then(|checks| checks.answer(request, remote));
        if let Some(answer) = answer {
            let transmit = Transmit {
                destination: remote,
                ecn: None,
                contents: &answer,
                segment_size: None,
                src_ip: None,
            };
            // It may be lost as others are.
            let _ = socket.poll_send(&mut Context::from_waker(Waker::noop()), &transmit);
        }
    }
}

/// Makes a socket that can be polled.
pub(super) fn wrap(
    source: Option<&Arc<dyn SocketSource>>,
    socket: UdpSocket,
) -> io::Result<Arc<dyn AsyncUdpSocket>> {
    match source {
        Some(source) => source.wrap(socket),
        None => TokioRuntime.wrap_udp_socket(socket),
    }
}
