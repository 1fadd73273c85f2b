//! Sockets that replace the addresses of servers: the crate's by the real ones in what is sent, and back in what arrives.

use core::fmt;
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::mpsc;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use super::book::{self, Book, Server, Transport};
use super::stun::{Message, TransactionId};
use super::tunnel::{self, Tunnel};
use crate::socket::SocketSource;
use crate::tls::RootCertificates;

/// How many requests a socket remembers, to know the answers.
const REQUESTS: usize = 256;

/// How many datagrams may wait to be read that came through no socket.
const REPLIES: usize = 256;

/// "Unauthorized".
const UNAUTHORIZED: u16 = 401;

/// A datagram that came through no socket.
#[derive(Debug)]
pub(super) struct Reply {
    /// Where it says it comes from: a server's placeholder.
    pub(super) from: SocketAddr,
    pub(super) datagram: Bytes,
    /// The server said it, and not we on its behalf.
    pub(super) is_genuine: bool,
}

/// Makes sockets that know the servers of a link.
#[derive(Debug)]
pub(super) struct ServerSockets {
    pub(super) book: Arc<Book>,
    pub(super) roots: RootCertificates,
    /// What makes the sockets underneath.
    pub(super) source: Arc<dyn SocketSource>,
}

impl SocketSource for ServerSockets {
    fn wrap(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let inner = self.source.wrap(socket)?;
        let (replies, receiver) = mpsc::channel(REPLIES);
        Ok(Arc::new(ServerSocket {
            is_ipv4: inner.local_addr()?.is_ipv4(),
            inner,
            book: Arc::clone(&self.book),
            roots: self.roots.clone(),
            replies,
            state: Mutex::new(State {
                requests: VecDeque::new(),
                tunnels: BTreeMap::new(),
                replies: receiver,
            }),
        }))
    }
}

struct ServerSocket {
    inner: Arc<dyn AsyncUdpSocket>,
    is_ipv4: bool,
    book: Arc<Book>,
    roots: RootCertificates,
    replies: mpsc::Sender<Reply>,
    state: Mutex<State>,
}

struct State {
    /// The last requests to servers.
    requests: VecDeque<Request>,
    tunnels: BTreeMap<usize, Tunnel>,
    replies: mpsc::Receiver<Reply>,
}

#[derive(Clone, Copy)]
struct Request {
    id: TransactionId,
    server: usize,
    /// It asked for a relayed address and carried a credential.
    asked: bool,
}

impl ServerSocket {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends to a server what the crate sends to its placeholder.
    fn send_to_server(
        &self,
        cx: &mut Context<'_>,
        transmit: &Transmit<'_>,
        index: usize,
    ) -> Poll<io::Result<usize>> {
        let sent = Poll::Ready(Ok(transmit.contents.len()));
        let Some(server) = self.book.server(index) else {
            return sent;
        };
        self.remember(index, transmit.contents);
        let size = transmit.segment_size.unwrap_or(usize::MAX).max(1);
        if server.transport != Transport::Udp {
            for datagram in transmit.contents.chunks(size) {
                self.send_through(index, server, transmit.destination, datagram);
            }
            return sent;
        }
        let Some(addresses) = server.addresses() else {
            for datagram in transmit.contents.chunks(size) {
                self.wait(server, transmit.destination, datagram);
            }
            return sent;
        };
        match reachable(addresses, self.is_ipv4) {
            Some(destination) => {
                let mut transmit = transmit.clone();
                transmit.destination = destination;
                self.inner.poll_send(cx, &transmit)
            }
            None => {
                refuse(&self.replies, transmit.destination, transmit.contents);
                sent
            }
        }
    }

    fn send_through(
        &self,
        index: usize,
        server: &Server,
        placeholder: SocketAddr,
        datagram: &[u8],
    ) {
        let mut state = self.state();
        if let Some(tunnel) = state.tunnels.get(&index) {
            tunnel.send(datagram);
        } else if server.take() {
            let tunnel = tunnel::open(
                Arc::clone(&self.book),
                index,
                self.roots.clone(),
                placeholder,
                self.replies.clone(),
            );
            tunnel.send(datagram);
            state.tunnels.insert(index, tunnel);
        } else {
            // Another socket has the stream.
            refuse(&self.replies, placeholder, datagram);
        }
    }

    fn wait(&self, server: &Server, placeholder: SocketAddr, datagram: &[u8]) {
        let datagram = Bytes::copy_from_slice(datagram);
        let (inner, is_ipv4) = (Arc::clone(&self.inner), self.is_ipv4);
        let replies = self.replies.clone();
        server.once_known(move |addresses| match reachable(addresses, is_ipv4) {
            Some(destination) => {
                tokio::spawn(async move {
                    let transmit = Transmit {
                        destination,
                        ecn: None,
                        contents: &datagram,
                        segment_size: None,
                        src_ip: None,
                    };
                    // It may be lost as others are.
                    let _ = poll_fn(|cx| inner.poll_send(cx, &transmit)).await;
                });
            }
            None => refuse(&replies, placeholder, &datagram),
        });
    }

    fn remember(&self, server: usize, datagram: &[u8]) {
        let Some(message) = Message::read(datagram).filter(Message::is_request) else {
            return;
        };
        let mut state = self.state();
        if state.requests.len() >= REQUESTS {
            state.requests.pop_front();
        }
        state.requests.push_back(Request {
            id: message.transaction(),
            server,
            asked: message.asks_with_credential(),
        });
    }

    /// The server a datagram comes from, which really came from `from`.
    fn server_of(&self, from: SocketAddr, datagram: &[u8]) -> Option<usize> {
        // Most come from the peer.
        let at = self.book.at(from)?;
        let Some(message) = Message::read(datagram).filter(Message::is_response) else {
            return Some(at);
        };
        let request = self.answered(&message)?;
        // A server may have two names. Anybody else's answer is none.
        let server = self.book.server(request.server)?;
        server.addresses()?.contains(&from).then(|| {
            hear(server, request, &message);
            request.server
        })
    }

    fn answered(&self, message: &Message<'_>) -> Option<Request> {
        let id = message.transaction();
        let state = self.state();
        let mut requests = state.requests.iter().rev();
        requests.find(|request| request.id == id).copied()
    }

    /// A datagram that came through no socket.
    fn poll_reply(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<usize> {
        let (Some(buf), Some(meta)) = (bufs.first_mut(), meta.first_mut()) else {
            return Poll::Pending;
        };
        let polled = self.state().replies.poll_recv(cx);
        let Poll::Ready(Some(reply)) = polled else {
            return Poll::Pending;
        };
        let datagram = &reply.datagram;
        if reply.is_genuine
            && let Some(message) = Message::read(datagram)
            && let Some(request) = self.answered(&message)
            && let Some(server) = self.book.server(request.server)
        {
            hear(server, request, &message);
        }
        let length = datagram.len().min(buf.len());
        buf[..length].copy_from_slice(&datagram[..length]);
        *meta = RecvMeta::default();
        meta.addr = reply.from;
        meta.len = length;
        meta.stride = length.max(1);
        Poll::Ready(1)
    }
}

impl AsyncUdpSocket for ServerSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        match book::index_of(transmit.destination) {
            Some(index) => self.send_to_server(cx, transmit, index),
            None => self.inner.poll_send(cx, transmit),
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(n) = self.poll_reply(cx, bufs, meta) {
            return Poll::Ready(Ok(n));
        }
        let polled = self.inner.poll_recv(cx, bufs, meta);
        if let Poll::Ready(Ok(n)) = &polled {
            for (buf, meta) in bufs.iter().zip(meta.iter_mut()).take(*n) {
                let first = meta.len.min(meta.stride).min(buf.len());
                if let Some(index) = self.server_of(meta.addr, &buf[..first])
                    && let Ok(index) = u16::try_from(index)
                {
                    meta.addr = book::placeholder(index, self.is_ipv4, meta.addr.port());
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

impl fmt::Debug for ServerSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSocket")
            .field("inner", &self.inner)
            .field("book", &self.book)
            .finish_non_exhaustive()
    }
}

/// Keeps what a server said instead of giving an address. docs/upstream.md, "nobody is told what a TURN server said".
fn hear(server: &Server, request: Request, message: &Message<'_>) {
    let Some((code, reason)) = message.allocate_error() else {
        return;
    };
    // Without a credential that only asks for one.
    if request.asked || code != UNAUTHORIZED {
        server.set_trouble(format!("{code} {reason}"));
    }
}

/// The first address that a socket of this family can reach.
fn reachable(addresses: &[SocketAddr], is_ipv4: bool) -> Option<SocketAddr> {
    let mut addresses = addresses.iter();
    addresses
        .find(|address| address.is_ipv4() == is_ipv4)
        .copied()
}

/// Answers for a server that cannot be reached, so that nobody waits for it.
pub(super) fn refuse(replies: &mpsc::Sender<Reply>, placeholder: SocketAddr, datagram: &[u8]) {
    if let Some(message) = Message::read(datagram).filter(Message::is_request) {
        // Too many of them may be lost as others are.
        let _ = replies.try_send(Reply {
            from: placeholder,
            datagram: message.refusal().into(),
            is_genuine: false,
        });
    }
}
