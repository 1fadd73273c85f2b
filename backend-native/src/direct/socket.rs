//! Sockets that send on the direct path what would go through the relay, listen for checks, and hold some of them back.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use super::Direct;
use super::check::Kind;
use super::late::wrap;
use crate::relay;
use crate::socket::{SocketSource, content};

/// Makes sockets that know the direct path.
#[derive(Debug)]
pub(crate) struct DirectSockets {
    pub(crate) direct: Direct,
    /// What makes the sockets underneath; tokio if `None`.
    pub(crate) source: Option<Arc<dyn SocketSource>>,
}

impl SocketSource for DirectSockets {
    fn wrap(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let inner = wrap(self.source.as_ref(), socket)?;
        let local = inner.local_addr()?;
        self.direct.update(|state| {
            state.source.clone_from(&self.source);
            state.sockets.push((local, Arc::downgrade(&inner)));
            state.prober.add_local(local);
        });
        Ok(Arc::new(DirectSocket {
            inner,
            local,
            direct: self.direct.clone(),
        }))
    }
}

#[derive(Debug)]
struct DirectSocket {
    inner: Arc<dyn AsyncUdpSocket>,
    local: SocketAddr,
    direct: Direct,
}

impl DirectSocket {
    /// Sends on the direct path what is for the far side. `None`: it is not, or it cannot be sent there.
    fn poll_send_directly(
        &self,
        cx: &mut Context<'_>,
        transmit: &Transmit<'_>,
    ) -> Option<Poll<io::Result<usize>>> {
        // The crate sends one datagram at a time to a TURN server.
        let (contents, segment_size) = if relay::is_server(transmit.destination) {
            (content(transmit.contents), None)
        } else {
            (transmit.contents, transmit.segment_size)
        };
        let size = segment_size.unwrap_or(usize::MAX).max(1);
        if contents.is_empty() || !contents.chunks(size).all(is_dtls) {
            return None;
        }
        let (socket, destination) = self.direct.way()?;
        let sent = socket.poll_send(
            cx,
            &Transmit {
                destination,
                ecn: transmit.ecn,
                contents,
                segment_size,
                src_ip: None,
            },
        );
        match sent {
            Poll::Ready(Ok(_)) => Some(Poll::Ready(Ok(transmit.contents.len()))),
            Poll::Ready(Err(_)) => {
                self.direct.lose();
                None
            }
            Poll::Pending => Some(Poll::Pending),
        }
    }

    /// Whether the datagram is a check, or the answer to one, that must not pass a relay yet. It goes to `far` or comes from there.
    fn is_held_back(&self, far: SocketAddr, datagram: &[u8]) -> bool {
        let content = content(datagram);
        let is_forwarded = relay::is_server(far);
        // Nobody but the server itself is asked with what is not wrapped.
        let is_for_a_server = is_forwarded && content.len() == datagram.len();
        !is_for_a_server && Kind::of(content).is_some() && self.direct.holds_back(far, is_forwarded)
    }

    /// Whether all that was received in one read is held back.
    fn are_held_back(&self, buf: &[u8], meta: &RecvMeta) -> bool {
        let mut datagrams = buf[..meta.len.min(buf.len())].chunks(meta.stride.max(1));
        datagrams.all(|datagram| self.is_held_back(meta.addr, datagram))
    }

    /// Whether the datagrams are an answer that nobody else must see.
    fn hear(&self, buf: &[u8], meta: &RecvMeta) -> bool {
        let datagrams = &buf[..meta.len.min(buf.len())];
        // What a server says, or forwards, has not come directly.
        if relay::is_server(meta.addr) {
            return false;
        }
        let stride = meta.stride.max(1);
        let mut ours = 0;
        let mut all = 0;
        for datagram in datagrams.chunks(stride) {
            all += 1;
            ours += usize::from(self.direct.hear(self.local, meta.addr, datagram));
        }
        // Coalesced with others, it is one more answer that the agent does not know.
        all == 1 && ours == 1
    }
}

impl AsyncUdpSocket for DirectSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        if self.direct.is_in_use()
            && let Some(sent) = self.poll_send_directly(cx, transmit)
        {
            return sent;
        }
        if self.direct.is_holding() && self.is_held_back(transmit.destination, transmit.contents) {
            return Poll::Ready(Ok(transmit.contents.len()));
        }
        self.inner.poll_send(cx, transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        loop {
            let polled = self.inner.poll_recv(cx, bufs, meta);
            let n = match polled {
                Poll::Ready(Ok(n)) => n,
                Poll::Ready(Err(_)) => return polled,
                Poll::Pending => return self.direct.poll_late(cx, bufs, meta),
            };
            let (is_searching, is_holding) = (self.direct.is_searching(), self.direct.is_holding());
            if !is_searching && !is_holding {
                return polled;
            }
            let mut ours = 0;
            for (buf, meta) in bufs.iter().zip(meta.iter()).take(n) {
                let is_ours = (is_searching && self.hear(buf, meta))
                    || (is_holding && self.are_held_back(buf, meta));
                ours += usize::from(is_ours);
            }
            if n != 1 || ours != 1 {
                return polled;
            }
        }
    }

    fn max_gso_segments(&self) -> usize {
        self.inner.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.inner.max_gro_segments()
    }
}

/// RFC 7983, section 7.
pub(super) fn is_dtls(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(20..=63))
}
