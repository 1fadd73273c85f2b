//! Forwards datagrams between clients and a TURN server, and spoils the path between the clients.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use socket_faults::Fate;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::native::faults;
use crate::stream::Weather;

/// Sockets of clients at most. A browser has one for each link, and one for each of the machine's addresses.
const CLIENTS: usize = 256;

/// Datagrams that wait at most; more are lost, as in a router whose memory is full.
const WAITING: usize = 20_000;

/// The largest datagram.
const LEN: usize = 65_536;

/// A forwarder on the address of its server; dropping it ends it.
///
/// What one client tells another goes to the server as a Send indication or as ChannelData, and from there to the other client.
/// The forwarder spoils it on the first part of this way only, so that each direction is spoilt once. What a client wants of
/// the server itself (an allocation, a permission) always arrives: it is no part of the path between the clients.
pub(super) struct Forwarder {
    address: SocketAddr,
    weather: socket_faults::Weather,
    task: JoinHandle<()>,
}

impl Forwarder {
    /// Starts one to this server, in calm weather.
    pub(super) async fn start(server: SocketAddr) -> io::Result<Self> {
        let front = UdpSocket::bind((server.ip(), 0)).await?;
        let address = front.local_addr()?;
        let weather = faults::calm();
        let desk = Desk {
            front: Arc::new(front),
            server,
            weather: weather.clone(),
            clients: BTreeMap::new(),
            waiting: BTreeMap::new(),
            number: 0,
        };
        Ok(Self {
            address,
            weather,
            task: tokio::spawn(desk.run()),
        })
    }

    /// Where clients find the server.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The path between the clients is like this from now on.
    pub(super) fn set(&self, weather: Weather) {
        faults::set(&self.weather, weather);
    }

    /// See [`faults::spoilt`].
    pub(super) fn spoilt(&self, len: usize) -> u64 {
        faults::spoilt(&self.weather, len)
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the task of a forwarder works with.
struct Desk {
    front: Arc<UdpSocket>,
    server: SocketAddr,
    weather: socket_faults::Weather,
    clients: BTreeMap<SocketAddr, Client>,
    /// What is held up, by when it is due; the number keeps the order of equal times.
    waiting: BTreeMap<(Instant, u64), (Arc<UdpSocket>, Vec<u8>)>,
    number: u64,
}

/// A client's own socket towards the server, by which the server knows it, and the task that hands back what comes there.
struct Client {
    socket: Arc<UdpSocket>,
    back: JoinHandle<()>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.back.abort();
    }
}

impl Desk {
    async fn run(mut self) {
        let mut buffer = vec![0; LEN];
        loop {
            self.deliver(Instant::now()).await;
            let front = Arc::clone(&self.front);
            let coming = front.recv_from(&mut buffer);
            let next = self.waiting.first_key_value().map(|((due, _), _)| *due);
            let come = match next {
                Some(due) => timeout_at(due, coming).await,
                None => Ok(coming.await),
            };
            // An error is about one datagram: there is no connection that could break.
            if let Ok(Ok((len, from))) = come {
                let datagram = buffer.get(..len).unwrap_or_default();
                self.take(from, datagram).await;
            }
        }
    }

    /// Hands over what is due.
    async fn deliver(&mut self, now: Instant) {
        while let Some(first) = self.waiting.first_entry() {
            if first.key().0 > now {
                return;
            }
            let (socket, datagram) = first.remove();
            let _ = socket.send(&datagram).await;
        }
    }

    async fn take(&mut self, from: SocketAddr, datagram: &[u8]) {
        let Ok(socket) = self.socket_of(from).await else {
            return;
        };
        let fate = if is_for_a_client(datagram) {
            self.weather.judge(datagram)
        } else {
            Fate::Deliver
        };
        match fate {
            Fate::Delay(span) if self.waiting.len() < WAITING => {
                self.number += 1;
                let key = (Instant::now() + span, self.number);
                self.waiting.insert(key, (socket, datagram.to_vec()));
            }
            Fate::Delay(_) | Fate::Lose => {}
            Fate::Deliver | Fate::Hold | Fate::Release => {
                let _ = socket.send(datagram).await;
            }
        }
    }

    /// The socket of a client towards the server, made when the client is heard for the first time.
    async fn socket_of(&mut self, client: SocketAddr) -> io::Result<Arc<UdpSocket>> {
        if let Some(known) = self.clients.get(&client) {
            return Ok(Arc::clone(&known.socket));
        }
        if self.clients.len() >= CLIENTS {
            return Err(io::Error::other("too many clients"));
        }
        let socket = UdpSocket::bind((self.server.ip(), 0)).await?;
        socket.connect(self.server).await?;
        let socket = Arc::new(socket);
        let back = tokio::spawn(hand_back(
            Arc::clone(&socket),
            Arc::clone(&self.front),
            client,
        ));
        let known = Client {
            socket: Arc::clone(&socket),
            back,
        };
        self.clients.insert(client, known);
        Ok(socket)
    }
}

/// Gives a client what the server sends it.
async fn hand_back(from_server: Arc<UdpSocket>, front: Arc<UdpSocket>, client: SocketAddr) {
    let mut buffer = vec![0; LEN];
    loop {
        if let Ok(len) = from_server.recv(&mut buffer).await {
            let datagram = buffer.get(..len).unwrap_or_default();
            let _ = front.send_to(datagram, client).await;
        }
    }
}

/// Whether the server has to pass it on: ChannelData or a Send indication (RFC 8656).
fn is_for_a_client(datagram: &[u8]) -> bool {
    matches!(datagram, [0x40..=0x4f, ..] | [0x00, 0x16, ..])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SEND: &[u8] = &[0x00, 0x16, 1];
    const CHANNEL_DATA: &[u8] = &[0x40, 0x01, 2];
    const ALLOCATE: &[u8] = &[0x00, 0x03, 3];

    /// A server, a forwarder to it, and two clients that know the forwarder.
    async fn stage() -> (UdpSocket, Forwarder, [UdpSocket; 2]) {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let forwarder = Forwarder::start(server.local_addr().unwrap())
            .await
            .unwrap();
        let client = || async {
            let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            client.connect(forwarder.address()).await.unwrap();
            client
        };
        let clients = [client().await, client().await];
        (server, forwarder, clients)
    }

    /// What comes next, and from where.
    async fn next(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
        let mut buffer = [0; 100];
        let coming = socket.recv_from(&mut buffer);
        let come = tokio::time::timeout(Duration::from_secs(10), coming).await;
        let (len, from) = come.unwrap().unwrap();
        (buffer[..len].to_vec(), from)
    }

    #[tokio::test]
    async fn the_server_tells_clients_apart_and_each_gets_its_own_answers() {
        let (server, _forwarder, clients) = stage().await;
        let mut seen = Vec::new();
        for (number, client) in (0..).zip(&clients) {
            client.send(&[number]).await.unwrap();
            let (word, from) = next(&server).await;
            assert_eq!(word, [number]);
            seen.push(from);
        }
        assert_ne!(seen[0], seen[1]);
        for (number, from) in (10..).zip(&seen) {
            server.send_to(&[number], from).await.unwrap();
        }
        for (number, client) in (10..).zip(&clients) {
            assert_eq!(next(client).await.0, [number]);
        }
    }

    #[tokio::test]
    async fn only_what_clients_send_to_each_other_is_lost() {
        let (server, forwarder, [client, _]) = stage().await;
        forwarder.set(Weather {
            loss_percent: 100,
            ..Weather::default()
        });
        for word in [SEND, CHANNEL_DATA, ALLOCATE] {
            client.send(word).await.unwrap();
        }
        let (word, from) = next(&server).await;
        assert_eq!(word, ALLOCATE, "the server's own");
        // Back to the client all is well: it is the other direction's second part.
        server.send_to(CHANNEL_DATA, from).await.unwrap();
        assert_eq!(next(&client).await.0, CHANNEL_DATA);
        forwarder.set(Weather::default());
        client.send(SEND).await.unwrap();
        assert_eq!(next(&server).await.0, SEND, "calm again");
        let lost = [SEND, CHANNEL_DATA].map(<[u8]>::len);
        assert_eq!(forwarder.weather.spoilt(), lost);
    }

    #[tokio::test]
    async fn what_is_held_up_comes_later_in_its_order() {
        let (server, forwarder, [client, _]) = stage().await;
        forwarder.set(Weather::delayed(Duration::from_millis(300)));
        let begun = Instant::now();
        for word in [SEND, CHANNEL_DATA, ALLOCATE] {
            client.send(word).await.unwrap();
        }
        for word in [ALLOCATE, SEND, CHANNEL_DATA] {
            assert_eq!(next(&server).await.0, word);
        }
        assert!(begun.elapsed() >= Duration::from_millis(300));
    }
}
