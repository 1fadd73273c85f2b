//! The faulty socket over a scripted one.

use std::task::Waker;
use std::time::Duration;

use super::*;
use crate::Script;

const MS: Duration = Duration::from_millis(1);

/// Hands out a script as if it were the socket.
#[derive(Debug)]
struct Scripted(Arc<Script>);

impl SocketSource for Scripted {
    fn wrap(&self, _: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        Ok(self.0.clone())
    }
}

/// The first byte of a datagram decides.
fn by_first_byte() -> Judge {
    Box::new(|datagram| match datagram {
        [b'x', ..] => Fate::Lose,
        [b'd', ..] => Fate::Delay(10 * MS),
        [b'h', ..] => Fate::Hold,
        [b'r', ..] => Fate::Release,
        _ => Fate::Deliver,
    })
}

fn rig() -> (Arc<Script>, Arc<dyn AsyncUdpSocket>) {
    rig_with(|script| Faults::by(script, by_first_byte))
}

fn rig_with(
    faults: impl FnOnce(Arc<Scripted>) -> Arc<Faults>,
) -> (Arc<Script>, Arc<dyn AsyncUdpSocket>) {
    let script = Arc::new(Script::default());
    let faults = faults(Arc::new(Scripted(script.clone())));
    let unused = UdpSocket::bind("127.0.0.1:0").unwrap();
    let socket = faults.wrap(unused).unwrap();
    (script, socket)
}

/// Everything there is now.
fn drain(socket: &dyn AsyncUdpSocket) -> Vec<String> {
    let mut all = Vec::new();
    let mut buffer = [0; 2000];
    let mut meta = [RecvMeta::default()];
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        let mut bufs = [IoSliceMut::new(&mut buffer)];
        let Poll::Ready(read) = socket.poll_recv(&mut cx, &mut bufs, &mut meta) else {
            return all;
        };
        assert_eq!(read.unwrap(), 1);
        let [meta] = meta;
        assert_eq!(meta.stride, meta.len.max(1));
        all.push(String::from_utf8(buffer[..meta.len].to_vec()).unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn a_datagram_is_delivered_or_lost() {
    let (script, socket) = rig();
    for datagram in [b"a1", b"x2", b"a3"] {
        script.arrives(datagram);
    }
    assert_eq!(drain(&*socket), ["a1", "a3"]);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_one_is_overtaken_and_wakes_when_it_is_due() {
    let (script, socket) = rig();
    script.arrives(b"d1");
    script.arrives(b"a2");
    assert_eq!(drain(&*socket), ["a2"]);
    tokio::time::advance(9 * MS).await;
    assert_eq!(drain(&*socket), [""; 0]);
    let mut buffer = [0; 2000];
    let mut meta = [RecvMeta::default()];
    // Ends by the timer alone: nothing more arrives.
    let read = core::future::poll_fn(|cx| {
        let mut bufs = [IoSliceMut::new(&mut buffer)];
        socket.poll_recv(cx, &mut bufs, &mut meta)
    });
    assert_eq!(read.await.unwrap(), 1);
    assert_eq!(&buffer[..meta[0].len], b"d1");
}

#[tokio::test(start_paused = true)]
async fn what_is_held_comes_as_one_burst_before_what_releases_it() {
    let (script, socket) = rig();
    for datagram in [b"h1", b"a2", b"h3"] {
        script.arrives(datagram);
    }
    assert_eq!(drain(&*socket), ["a2"]);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(drain(&*socket), [""; 0]);
    script.arrives(b"r4");
    assert_eq!(drain(&*socket), ["h1", "h3", "r4"]);
}

#[tokio::test(start_paused = true)]
async fn each_datagram_of_a_coalesced_read_has_its_own_fate() {
    let (script, socket) = rig();
    script.arrives_coalesced(b"a1x2a3x", 2);
    assert_eq!(drain(&*socket), ["a1", "a3"]);
}

fn send(socket: &dyn AsyncUdpSocket, datagram: &[u8]) {
    let transmit = Transmit {
        destination: SocketAddr::from(([127, 0, 0, 1], 2)),
        ecn: None,
        contents: datagram,
        segment_size: None,
        src_ip: None,
    };
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(sent) = socket.poll_send(&mut cx, &transmit) else {
        panic!("a path that takes nothing");
    };
    assert_eq!(sent.unwrap(), datagram.len());
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_is_spoilt_only_if_both_ways_are() {
    let (script, socket) = rig();
    for datagram in [b"a1", b"x2", b"d3"] {
        send(&*socket, datagram);
    }
    assert_eq!(script.sent(), ["a1", "x2", "d3"]);

    let (script, socket) = rig_with(|script| Faults::both_ways(script, by_first_byte));
    assert_eq!(socket.max_gso_segments(), 1);
    for datagram in [b"d1", b"x2", b"a3"] {
        send(&*socket, datagram);
        script.arrives(datagram);
    }
    assert_eq!(script.sent(), ["a3"]);
    assert_eq!(drain(&*socket), ["a3"]);
    // Lets the delayed one's task come to its timer, and then to its end.
    tokio::time::sleep(11 * MS).await;
    assert_eq!(script.sent(), ["a3", "d1"]);
    assert_eq!(drain(&*socket), ["d1"]);
}
