//! The servers of a link under addresses that nobody has, and what has become of each.
//!
//! The `webrtc` crate asks for a server's addresses in the task that drives the connection, once, when gathering begins, and
//! does nothing else until they are there. So it is given an address that means "server 3" at once
//! ([`resolve`]), and the link's sockets replace that address by the real one. What the crate sends before that is known
//! waits here. docs/upstream.md, "names are resolved by the driver".

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use mesh_core::TransportProtocol;
use rtc::ice::url::{ProtoType, SchemeType, Url};

/// How much may wait for a server's addresses. Requests are repeated by whoever sent them.
const WAITING: usize = 32;

/// The names the crate is given end with this one, which is reserved (RFC 2606).
const SUFFIX: &str = ".server.invalid";

/// How a server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Udp,
    Tcp,
    Tls,
}

/// A place where a STUN or TURN server should be.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) transport: Transport,
    /// Empty where it has none.
    addresses: OnceLock<Arc<[SocketAddr]>>,
    waiting: Mutex<Vec<Waiting>>,
    /// Why it cannot be reached, or what it answered instead of giving an address.
    trouble: Mutex<Option<String>>,
    /// A socket has opened the stream to it. One is enough.
    is_taken: AtomicBool,
}

/// What is done once a server's addresses are known; there may be none.
pub(super) struct Waiting(pub(super) Task);

type Task = Box<dyn FnOnce(&[SocketAddr]) + Send>;

/// All servers of a link, in the order of their first URLs.
#[derive(Debug, Default)]
pub(super) struct Book(Vec<Server>);

impl Book {
    /// Finds or adds the server that a URL names. `None`: one we cannot use.
    pub(super) fn enter(&mut self, url: &Url) -> Option<usize> {
        let transport = match (url.scheme, url.proto) {
            (SchemeType::Stun, _) | (SchemeType::Turn, ProtoType::Udp) => Transport::Udp,
            (SchemeType::Turn, ProtoType::Tcp) => Transport::Tcp,
            (SchemeType::Turns, ProtoType::Tcp) => Transport::Tls,
            // TURN over DTLS, STUN over TLS: hardly anybody offers them.
            _ => return None,
        };
        let is_same = |server: &Server| {
            server.host == url.host && server.port == url.port && server.transport == transport
        };
        let known = self.0.iter().position(is_same);
        known.or_else(|| {
            self.0.push(Server {
                host: url.host.clone(),
                port: url.port,
                transport,
                addresses: OnceLock::new(),
                waiting: Mutex::default(),
                trouble: Mutex::default(),
                is_taken: AtomicBool::new(false),
            });
            Some(self.0.len() - 1)
        })
    }

    pub(super) fn servers(&self) -> &[Server] {
        &self.0
    }

    pub(super) fn server(&self, index: usize) -> Option<&Server> {
        self.0.get(index)
    }

    /// The server at a real address, if we know it. Two may be the same one under two names; then it is the first.
    pub(super) fn at(&self, address: SocketAddr) -> Option<usize> {
        self.0.iter().position(|server| {
            server.transport == Transport::Udp
                && server
                    .addresses
                    .get()
                    .is_some_and(|addresses| addresses.contains(&address))
        })
    }
}

impl Server {
    /// How it is reached, as the core is told.
    pub(super) const fn protocol(&self) -> TransportProtocol {
        match self.transport {
            Transport::Udp => TransportProtocol::Udp,
            Transport::Tcp => TransportProtocol::Tcp,
            Transport::Tls => TransportProtocol::Tls,
        }
    }

    /// Its addresses, once they are known.
    pub(super) fn addresses(&self) -> Option<&[SocketAddr]> {
        self.addresses.get().map(|addresses| &**addresses)
    }

    /// Its addresses are these, or it has none. What has waited goes out.
    pub(super) fn settle(&self, addresses: Result<Arc<[SocketAddr]>, String>) {
        let addresses = addresses.unwrap_or_else(|why| {
            self.set_trouble(why);
            Arc::default()
        });
        let waiting = {
            let mut waiting = self.waiting();
            let _ = self.addresses.set(addresses);
            std::mem::take(&mut *waiting)
        };
        for waiting in waiting {
            waiting.0(self.addresses().unwrap_or_default());
        }
    }

    /// Does something with the addresses, now or when they are known. What is too much is lost.
    pub(super) fn once_known(&self, act: impl FnOnce(&[SocketAddr]) + Send + 'static) {
        let mut waiting = self.waiting();
        if let Some(addresses) = self.addresses.get() {
            drop(waiting);
            act(addresses);
        } else if waiting.len() < WAITING {
            waiting.push(Waiting(Box::new(act)));
        }
    }

    /// Whether the caller is the first one to ask.
    pub(super) fn take(&self) -> bool {
        !self.is_taken.swap(true, Ordering::Relaxed)
    }

    pub(super) fn set_trouble(&self, words: String) {
        *self.trouble_now() = Some(words);
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble_now().clone()
    }

    fn trouble_now(&self) -> MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl core::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Waiting").finish_non_exhaustive()
    }
}

/// The name under which the crate knows a server.
pub(super) fn name(index: usize) -> String {
    format!("{index}{SUFFIX}")
}

/// The number of the server in a URL, which the crate was given instead of the real one.
pub(super) fn index_of_url(url: &str) -> Option<usize> {
    let (_, host) = url.split_once(':')?;
    let (index, _) = host.split_once(SUFFIX)?;
    index.parse().ok()
}

/// The addresses that stand for a server, if this is [its name](name) and a port.
pub(crate) fn resolve(host_and_port: &str) -> Option<Vec<SocketAddr>> {
    let (host, port) = host_and_port.rsplit_once(':')?;
    let index: u16 = host.strip_suffix(SUFFIX)?.parse().ok()?;
    let port = port.parse().ok()?;
    let both = [true, false].map(|is_ipv4| placeholder(index, is_ipv4, port));
    Some(both.to_vec())
}

/// An address that nobody has: of the block that was never given out (RFC 1112), or of the prefix that is discarded
/// (RFC 6666).
pub(super) fn placeholder(index: u16, is_ipv4: bool, port: u16) -> SocketAddr {
    let ip = if is_ipv4 {
        let [high, low] = index.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(240, 0, high, low))
    } else {
        IpAddr::V6(Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, index))
    };
    SocketAddr::new(ip, port)
}

/// Which server an address stands for.
pub(super) fn index_of(address: SocketAddr) -> Option<usize> {
    match address.ip() {
        IpAddr::V4(ip) => match ip.octets() {
            [240, 0, high, low] => Some(usize::from(u16::from_be_bytes([high, low]))),
            _ => None,
        },
        IpAddr::V6(ip) => match ip.segments() {
            [0x100, 0, 0, 0, 0, 0, 0, index] => Some(usize::from(index)),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(url: &str) -> Url {
        Url::parse_url(url).expect("a URL")
    }

    #[test]
    fn a_server_is_entered_once() {
        let mut book = Book::default();
        let indices = [
            "stun:example.org",
            "turn:example.org?transport=udp",
            "turn:example.org?transport=tcp",
            "turns:example.org",
            "turns:example.org?transport=udp",
            "stuns:example.org",
            "turn:[2001:db8::1]:99",
        ]
        .map(|server| book.enter(&url(server)));
        let expected = [Some(0), Some(0), Some(1), Some(2), None, None, Some(3)];
        assert_eq!(indices, expected);
        assert_eq!(book.servers()[3].host, "2001:db8::1");
    }

    #[test]
    fn a_placeholder_stands_for_its_server() {
        for index in [0, 3, 300] {
            let server = format!("{}:3478", name(index));
            let addresses = resolve(&server).expect("one of ours");
            assert!(addresses[0].is_ipv4() && addresses[1].is_ipv6());
            for address in addresses {
                assert_eq!(index_of(address), Some(index));
                assert_eq!(address.port(), 3478);
            }
            let url = format!("turn:{server}?transport=udp");
            assert_eq!(index_of_url(&url), Some(index));
        }
        assert_eq!(index_of_url("turn:example.org:3478"), None);
        assert_eq!(resolve("example.org:3478"), None);
        for address in ["192.0.2.1:1", "[2001:db8::1]:1", "241.0.0.1:1"] {
            assert_eq!(index_of(address.parse().expect("an address")), None);
        }
    }
}
