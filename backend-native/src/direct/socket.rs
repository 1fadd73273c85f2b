//! Sockets that send on the direct path what would go through the relay, and listen for checks.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Runtime, TokioRuntime, Transmit};

use super::Direct;
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
        let inner = match &self.source {
            Some(source) => source.wrap(socket)?,
            None => TokioRuntime.wrap_udp_socket(socket)?,
        };
        let local = inner.local_addr()?;
        self.direct.update(|state| {
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
            let Poll::Ready(Ok(n)) = polled else {
                return polled;
            };
            if !self.direct.is_searching() {
                return polled;
            }
            let mut ours = 0;
            for (buf, meta) in bufs.iter().zip(meta.iter()).take(n) {
                ours += usize::from(self.hear(buf, meta));
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
fn is_dtls(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(20..=63))
}
