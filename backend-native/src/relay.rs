//! What a link has to do with TURN servers, and why none gave it an address.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use mesh_core::{ConnectFailure, IceTransportPolicy, LinkConfig};
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Runtime, TokioRuntime, Transmit};

use crate::socket::SocketSource;

/// The type of a STUN message that refuses an Allocate request (RFC 8656).
const ALLOCATE_ERROR: [u8; 2] = [0x01, 0x13];

/// "Unauthorized": the first one only asks for the credential.
const UNAUTHORIZED: u16 = 401;

/// The TURN servers of a link.
pub(crate) struct Relay {
    urls: Vec<String>,
    /// Nothing else may be used.
    only: bool,
    found: bool,
    refusals: Arc<Refusals>,
}

impl Relay {
    pub(crate) fn new(config: &LinkConfig) -> Self {
        let servers = config.ice_servers.iter();
        Self {
            urls: servers
                .flat_map(|server| server.urls.iter())
                .filter(|url| url.starts_with("turn"))
                .cloned()
                .collect(),
            only: config.ice_transport_policy == IceTransportPolicy::Relay,
            found: false,
            refusals: Arc::default(),
        }
    }

    /// Whether the link may end up at a relay of ours.
    pub(crate) fn is_possible(&self) -> bool {
        self.urls.iter().any(|url| is_supported(url))
    }

    /// A server gave an address.
    pub(crate) fn found(&mut self) {
        self.found = true;
    }

    /// Why the link cannot be, now that no more addresses come: it needs one of a relay and has none.
    pub(crate) fn failure(&self) -> Option<ConnectFailure> {
        (self.only && !self.found).then(|| ConnectFailure::NoRelay {
            cause: self.cause(),
        })
    }

    /// The `webrtc` crate tells nobody what a server answers, so it is overheard.
    pub(crate) fn listen(
        &self,
        source: Option<Arc<dyn SocketSource>>,
    ) -> Option<Arc<dyn SocketSource>> {
        if !self.is_possible() {
            return source;
        }
        Some(Arc::new(ListeningSockets {
            refusals: Arc::clone(&self.refusals),
            source,
        }))
    }

    fn cause(&self) -> String {
        if self.urls.is_empty() {
            return String::from("only relays may be used, and no TURN server is set");
        }
        let urls = self.urls.join(", ");
        if !self.is_possible() {
            return format!("{urls}: TURN over TCP or TLS is not supported here");
        }
        let refusals = self.refusals.words();
        match refusals.as_slice() {
            [] => format!("{urls}: no answer"),
            [(_, refusal)] if self.urls.len() == 1 => format!("{urls}: {refusal}"),
            refusals => {
                let words: Vec<_> = refusals
                    .iter()
                    .map(|(server, refusal)| format!("{server} said {refusal}"))
                    .collect();
                format!("{urls}: {}", words.join(", "))
            }
        }
    }
}

/// Whether the `webrtc` crate can use it: TURN over UDP only, others it skips.
fn is_supported(url: &str) -> bool {
    url.starts_with("turn:") && !url.ends_with("transport=tcp")
}

/// What servers said instead of giving an address.
#[derive(Debug, Default)]
struct Refusals(Mutex<BTreeMap<SocketAddr, Refusal>>);

#[derive(Debug, Default)]
struct Refusal {
    /// How often each of our sockets was told "unauthorized", most often.
    unauthorized: BTreeMap<SocketAddr, u32>,
    words: Option<String>,
}

impl Refusals {
    fn hear(&self, local: SocketAddr, server: SocketAddr, datagram: &[u8]) {
        let Some((code, reason)) = allocate_error(datagram) else {
            return;
        };
        let mut refusals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refusal = refusals.entry(server).or_default();
        if code == UNAUTHORIZED {
            let times = refusal.unauthorized.entry(local).or_insert(0);
            *times += 1;
            if *times == 1 {
                return;
            }
        }
        refusal.words = Some(format!("{code} {reason}"));
    }

    fn words(&self) -> Vec<(SocketAddr, String)> {
        let refusals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        refusals
            .iter()
            .filter_map(|(server, refusal)| Some((*server, refusal.words.clone()?)))
            .collect()
    }
}

/// Code and reason, if this is a refusal.
fn allocate_error(datagram: &[u8]) -> Option<(u16, String)> {
    const ERROR_CODE: [u8; 2] = [0x00, 0x09];
    if datagram.get(..2)? != ALLOCATE_ERROR {
        return None;
    }
    let mut attributes = datagram.get(20..)?;
    loop {
        let length = usize::from(u16::from_be_bytes(attributes.get(2..4)?.try_into().ok()?));
        let value = attributes.get(4..4 + length)?;
        if attributes.get(..2)? == ERROR_CODE {
            let code = u16::from(value.get(2)? & 7) * 100 + u16::from(*value.get(3)?);
            let reason = String::from_utf8_lossy(value.get(4..)?);
            // It ends up in front of a player.
            let reason = reason
                .chars()
                .filter(|c| !c.is_control())
                .take(80)
                .collect();
            return Some((code, reason));
        }
        attributes = attributes.get(4 + length.next_multiple_of(4)..)?;
    }
}

/// Makes sockets that listen to what TURN servers say.
#[derive(Debug)]
struct ListeningSockets {
    refusals: Arc<Refusals>,
    source: Option<Arc<dyn SocketSource>>,
}

impl SocketSource for ListeningSockets {
    fn wrap(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let inner = match &self.source {
            Some(source) => source.wrap(socket)?,
            None => TokioRuntime.wrap_udp_socket(socket)?,
        };
        Ok(Arc::new(ListeningSocket {
            local: inner.local_addr()?,
            inner,
            refusals: Arc::clone(&self.refusals),
        }))
    }
}

#[derive(Debug)]
struct ListeningSocket {
    inner: Arc<dyn AsyncUdpSocket>,
    local: SocketAddr,
    refusals: Arc<Refusals>,
}

impl AsyncUdpSocket for ListeningSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        self.inner.poll_send(cx, transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let polled = self.inner.poll_recv(cx, bufs, meta);
        if let Poll::Ready(Ok(n)) = &polled {
            for (buf, meta) in bufs.iter().zip(meta.iter()).take(*n) {
                let bytes = &buf[..meta.len.min(buf.len())];
                for datagram in bytes.chunks(meta.stride.max(1)) {
                    if datagram.starts_with(&ALLOCATE_ERROR) {
                        self.refusals.hear(self.local, meta.addr, datagram);
                    }
                }
            }
        }
        polled
    }

    fn max_gso_segments(&self) -> usize {
        self.inner.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.inner.max_gro_segments()
    }
}
