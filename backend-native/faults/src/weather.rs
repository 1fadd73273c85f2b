//! Weather: faults by chance on the whole path of a backend's connections, which a test changes while they stand.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{Chance, Fate, Faults, SocketSource, TokioSockets};

/// How many sizes are remembered at most.
const SPOILT: usize = 65_536;

/// How bad the paths are, in each direction. Calm at first, so that a connection can come to stand.
#[derive(Clone, Debug)]
pub struct Weather {
    sky: Arc<Mutex<Sky>>,
}

/// What decides, and what it has done.
#[derive(Debug)]
struct Sky {
    chance: Chance,
    /// The sizes of the datagrams that did not come at once.
    spoilt: Vec<usize>,
}

impl Sky {
    fn judge(&mut self, datagram: &[u8]) -> Fate {
        let fate = self.chance.judge();
        if fate != Fate::Deliver && self.spoilt.len() < SPOILT {
            self.spoilt.push(datagram.len());
        }
        fate
    }
}

impl Weather {
    /// Calm weather, with the chance of this seed once it is not.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            sky: Arc::new(Mutex::new(Sky {
                chance: Chance::seeded(seed),
                spoilt: Vec::new(),
            })),
        }
    }

    /// Changes what happens to the datagrams from now on, each way.
    pub fn set(&self, change: impl FnOnce(Chance) -> Chance) {
        let mut sky = self.sky.lock().unwrap_or_else(PoisonError::into_inner);
        sky.chance = change(sky.chance);
    }

    /// What becomes of this datagram, for a path that has no socket of [`sockets`](Self::sockets).
    #[must_use]
    pub fn judge(&self, datagram: &[u8]) -> Fate {
        judge(&self.sky, datagram)
    }

    /// The sizes of all datagrams so far that were lost or held up.
    #[must_use]
    pub fn spoilt(&self) -> Vec<usize> {
        let sky = self.sky.lock().unwrap_or_else(PoisonError::into_inner);
        sky.spoilt.clone()
    }

    /// Tokio's sockets, out in this weather: both ways, whatever is at the other end of the path.
    #[must_use]
    pub fn sockets(&self) -> Arc<dyn SocketSource> {
        let sky = Arc::clone(&self.sky);
        Faults::both_ways(Arc::new(TokioSockets), move || {
            let sky = Arc::clone(&sky);
            Box::new(move |datagram: &[u8]| judge(&sky, datagram))
        })
    }
}

fn judge(sky: &Mutex<Sky>, datagram: &[u8]) -> Fate {
    sky.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .judge(datagram)
}

#[cfg(test)]
mod tests {
    use std::io::IoSliceMut;
    use std::net::UdpSocket;
    use std::time::Duration;

    use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

    use super::*;

    async fn send(socket: &dyn AsyncUdpSocket, to: &UdpSocket, what: &str) {
        let transmit = Transmit {
            destination: to.local_addr().unwrap(),
            ecn: None,
            contents: what.as_bytes(),
            segment_size: None,
            src_ip: None,
        };
        let sent = core::future::poll_fn(|cx| socket.poll_send(cx, &transmit)).await;
        assert_eq!(sent.unwrap(), what.len());
    }

    async fn receive(socket: &dyn AsyncUdpSocket) -> String {
        let mut buffer = [0; 2000];
        let mut meta = [RecvMeta::default()];
        let read = core::future::poll_fn(|cx| {
            let mut bufs = [IoSliceMut::new(&mut buffer)];
            socket.poll_recv(cx, &mut bufs, &mut meta)
        });
        assert_eq!(read.await.unwrap(), 1);
        String::from_utf8(buffer[..meta[0].len].to_vec()).unwrap()
    }

    #[tokio::test]
    async fn it_changes_while_a_socket_stands_and_spoils_both_ways() {
        let weather = Weather::seeded(1);
        let far = UdpSocket::bind("127.0.0.1:0").unwrap();
        let near = UdpSocket::bind("127.0.0.1:0").unwrap();
        near.set_nonblocking(true).unwrap();
        let address = near.local_addr().unwrap();
        far.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let near = weather.sockets().wrap(near).unwrap();
        for (loss, word) in [(0.0, "calm"), (1.0, "storm"), (0.0, "calm again")] {
            weather.set(|chance| chance.loss(loss));
            send(&*near, &far, word).await;
            far.send_to(word.as_bytes(), address).unwrap();
            let heard = tokio::time::timeout(Duration::from_millis(200), receive(&*near)).await;
            assert_eq!(heard.ok(), (loss == 0.0).then(|| word.to_owned()));
        }
        let heard = [(); 2].map(|()| {
            let mut buffer = [0; 2000];
            let len = far.recv(&mut buffer).unwrap();
            String::from_utf8(buffer[..len].to_vec()).unwrap()
        });
        assert_eq!(heard, ["calm", "calm again"]);
        assert_eq!(weather.spoilt(), ["storm".len(); 2]);
    }
}
