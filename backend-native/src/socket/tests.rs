//! The cured socket over a scripted one, polled as the driver polls.

use core::task::Waker;
use std::sync::atomic::AtomicUsize;
use std::task::Wake;
use std::time::Duration;

use socket_faults::Script;
use tokio::runtime::Handle;
use webrtc::runtime::Runtime;

use super::*;
use crate::runtime::LinkRuntime;

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Woken {
    fn take(&self) -> bool {
        self.0.swap(0, Ordering::SeqCst) > 0
    }
}

struct Rig {
    script: Arc<Script>,
    socket: Arc<dyn AsyncUdpSocket>,
    control: SocketControl,
    woken: Arc<Woken>,
}

/// What a poll gave.
#[derive(Debug, PartialEq, Eq)]
enum Got {
    Datagram(Vec<u8>),
    Round,
    Nothing,
}
use Got::{Datagram, Nothing, Round};

impl Rig {
    fn new(cures: Cures) -> Self {
        Self::of(SocketControl::new(cures, |_| false))
    }

    fn of(control: SocketControl) -> Self {
        let script = Arc::new(Script::default());
        let socket = Arc::new(CuredSocket::new(script.clone(), &control));
        Self {
            script,
            socket,
            control,
            woken: Arc::default(),
        }
    }

    fn poll_as(&self, waker: &Waker) -> Got {
        let mut buffer = vec![0; 4096];
        let mut meta = [RecvMeta::default()];
        let mut bufs = [IoSliceMut::new(&mut buffer)];
        let mut cx = Context::from_waker(waker);
        match self.socket.poll_recv(&mut cx, &mut bufs, &mut meta) {
            Poll::Pending => Nothing,
            Poll::Ready(Ok(n)) => {
                assert_eq!(n, 1);
                assert!(meta[0].stride >= 1, "the driver divides by it");
                Datagram(buffer[..meta[0].len].to_vec())
            }
            Poll::Ready(Err(error)) => {
                assert_eq!(error.kind(), io::ErrorKind::Interrupted);
                Round
            }
        }
    }

    /// As the driver waits.
    fn wait(&self) -> Got {
        self.poll_as(&Waker::from(self.woken.clone()))
    }

    /// As the driver probes for more of a burst.
    fn probe(&self) -> Got {
        self.poll_as(Waker::noop())
    }
}

fn datagram(bytes: &[u8]) -> Got {
    Datagram(bytes.to_vec())
}

#[test]
fn until_the_channels_are_open_the_driver_goes_round_after_each_datagram() {
    let rig = Rig::new(Cures::default());
    rig.script.arrives(b"cookie ack");
    rig.script.arrives(b"data");
    assert_eq!(rig.wait(), datagram(b"cookie ack"));
    assert_eq!(rig.probe(), Nothing, "the burst ends here");
    assert_eq!(rig.wait(), Round);
    assert_eq!(rig.wait(), datagram(b"data"));
    assert_eq!(rig.probe(), Nothing);
    assert_eq!(rig.wait(), Round);
    assert_eq!(rig.wait(), Nothing);
}

#[test]
fn a_pause_wakes_who_waits() {
    let rig = Rig::new(Cures::default());
    rig.script.arrives(b"one");
    rig.script.arrives(b"two");
    assert_eq!(rig.wait(), datagram(b"one"));
    assert_eq!(rig.wait(), Nothing, "there is something, but not now");
    assert!(rig.woken.take(), "nobody would come back for it");
    assert_eq!(rig.wait(), Round);
    assert_eq!(rig.wait(), datagram(b"two"));
}

#[test]
fn a_coalesced_read_is_handed_over_in_pieces() {
    let rig = Rig::new(Cures {
        second_round: false,
        ..Cures::default()
    });
    rig.script.arrives_coalesced(b"aaabbbcc", 3);
    rig.script.arrives(b"d");
    for piece in [b"aaa".as_slice(), b"bbb", b"cc", b"d"] {
        assert_eq!(rig.wait(), datagram(piece));
        assert_eq!(rig.probe(), Nothing);
    }
    assert_eq!(rig.wait(), Nothing);
}

#[test]
fn what_is_kept_comes_first_once_the_channels_are_open() {
    let rig = Rig::new(Cures::default());
    rig.script.arrives_coalesced(b"aabbcc", 2);
    rig.script.arrives(b"dd");
    assert_eq!(rig.wait(), datagram(b"aa"));
    rig.control.channels_open();
    assert_eq!(rig.probe(), Nothing, "a pause that was due");
    assert_eq!(rig.wait(), datagram(b"bb"));
    assert_eq!(rig.probe(), datagram(b"cc"));
    assert_eq!(rig.probe(), datagram(b"dd"));
    assert_eq!(rig.probe(), Nothing);
}

#[test]
fn an_empty_datagram_passes() {
    let rig = Rig::new(Cures::default());
    rig.script.arrives_coalesced(b"", 1);
    assert_eq!(rig.wait(), datagram(b""));
}

#[test]
fn an_open_direct_connection_is_left_alone() {
    let rig = Rig::new(Cures::default());
    rig.control.channels_open();
    for n in 0..100 {
        rig.script.arrives(&[n]);
    }
    for n in 0..100 {
        assert_eq!(rig.probe(), datagram(&[n]));
    }
    assert_eq!(rig.probe(), Nothing);
    assert_eq!(rig.wait(), Nothing);
    rig.control.kick();
    assert!(
        !rig.woken.take(),
        "a send of a direct connection needs no round"
    );
    rig.script.arrives(b"x");
    assert!(rig.woken.take());
}

#[test]
fn a_relayed_connection_goes_two_rounds_after_a_burst() {
    let rig = Rig::new(Cures::default());
    rig.control.relaying(true);
    rig.control.channels_open();
    assert_eq!(rig.wait(), Round, "which the change itself asks for");
    rig.script.arrives(b"one");
    rig.script.arrives(b"two");
    assert_eq!(rig.wait(), datagram(b"one"));
    assert_eq!(rig.probe(), datagram(b"two"));
    assert_eq!(rig.probe(), Nothing);
    assert_eq!(rig.wait(), Round);
    assert_eq!(rig.wait(), Round);
}

#[tokio::test(start_paused = true)]
async fn a_send_wakes_a_relayed_connection_for_one_round() {
    let rig = Rig::new(Cures::default());
    rig.control.relaying(true);
    rig.control.channels_open();
    assert_eq!(rig.wait(), Round);
    assert_eq!(rig.wait(), Nothing);
    assert!(!rig.woken.take());
    rig.control.kick();
    assert!(rig.woken.take());
    assert_eq!(rig.wait(), Round);
    assert_eq!(rig.wait(), Nothing);
    rig.control.relaying(false);
    rig.control.kick();
    assert!(!rig.woken.take());
}

/// The driver may be between its probe and its wait when another thread sends.
#[tokio::test(start_paused = true)]
async fn a_kick_while_nobody_waits_is_not_lost() {
    let rig = Rig::new(Cures::default());
    rig.control.relaying(true);
    rig.control.kick();
    assert_eq!(rig.wait(), Round);
    assert_eq!(rig.wait(), Nothing);
}

#[tokio::test(start_paused = true)]
async fn a_relayed_connection_goes_round_every_ten_milliseconds() {
    let rig = Rig::new(Cures::default());
    rig.control.channels_open();
    assert_eq!(rig.wait(), Nothing);
    rig.control.relaying(true);
    assert!(rig.woken.take(), "or the tick would never be armed");
    assert_eq!(rig.wait(), Round);
    for _ in 0..3 {
        assert_eq!(rig.wait(), Nothing);
        tokio::time::advance(Duration::from_millis(9)).await;
        assert!(!rig.woken.take());
        tokio::time::advance(Duration::from_millis(2)).await;
        assert!(rig.woken.take());
        assert_eq!(rig.wait(), Round);
    }
    rig.control.relaying(false);
    assert_eq!(rig.wait(), Nothing);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(!rig.woken.take(), "the tick goes on");
}

#[tokio::test(start_paused = true)]
async fn a_relayed_connection_goes_round_after_a_timer() {
    let (runtime, control) = LinkRuntime::new(Handle::current(), SocketOptions::default());
    let rig = Rig::of(control);
    rig.control.channels_open();
    for (is_relayed, then) in [(false, Nothing), (true, Round)] {
        rig.control.relaying(is_relayed);
        while rig.wait() == Round {}
        rig.woken.take();
        runtime.sleep(Duration::from_millis(1)).await;
        assert_eq!(rig.woken.take(), is_relayed);
        assert_eq!(rig.wait(), then);
    }
}

#[tokio::test(start_paused = true)]
async fn with_the_cures_off_it_is_the_socket_underneath() {
    let rig = Rig::new(Cures::NONE);
    rig.control.relaying(true);
    rig.script.arrives_coalesced(b"aabb", 2);
    rig.script.arrives(b"cc");
    assert_eq!(rig.wait(), datagram(b"aabb"));
    assert_eq!(rig.probe(), datagram(b"cc"));
    assert_eq!(rig.probe(), Nothing);
    assert_eq!(rig.wait(), Nothing);
    rig.control.kick();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(!rig.woken.take());
}

/// A DTLS record with a client's first message (0), or with its second one (1).
fn hello(record: u8, message: u8) -> Vec<u8> {
    const CLIENT_HELLO: u8 = 1;
    let mut hello = vec![22, 254, 253, 0, 0, 0, 0, 0, 0, 0, record, 0, 12];
    hello.extend([CLIENT_HELLO, 0, 0, 0, 0, message, 0, 0, 0, 0, 0, 0]);
    hello
}

impl Rig {
    fn send(&self, contents: &[u8]) {
        let transmit = Transmit {
            destination: SocketAddr::from(([192, 0, 2, 1], 1)),
            ecn: None,
            contents,
            segment_size: None,
            src_ip: None,
        };
        let mut cx = Context::from_waker(Waker::noop());
        assert!(self.socket.poll_send(&mut cx, &transmit).is_ready());
    }

    /// Polls as the driver does, until there is nothing to read.
    fn drain(&self) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        loop {
            match self.wait() {
                Datagram(datagram) => datagrams.push(datagram),
                Round => {}
                Nothing if self.woken.take() => {}
                Nothing => return datagrams,
            }
        }
    }
}

/// Firefox begins to repeat itself after 50 ms, and each time in a record with a new number.
#[tokio::test(start_paused = true)]
async fn a_flight_that_was_lost_goes_out_again_when_the_far_side_repeats_its_own() {
    let flight = [22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0];
    let plain = |record: Vec<u8>| record;
    let in_a_channel = |record: Vec<u8>| {
        let length = u8::try_from(record.len()).unwrap_or(0);
        [&[0x40, 1, 0, length][..], &record].concat()
    };
    let wraps: [fn(Vec<u8>) -> Vec<u8>; 2] = [plain, in_a_channel];
    for wrap in wraps {
        let rig = Rig::new(Cures::default());
        rig.script.arrives(&wrap(hello(0, 0)));
        rig.script.arrives(&wrap(hello(1, 1)));
        assert_eq!(rig.drain().len(), 2);
        rig.send(&wrap(flight.to_vec()));
        assert_eq!(rig.script.sent().len(), 1);
        for (record, sent) in [(2, 2), (3, 3), (4, 4)] {
            tokio::time::advance(Duration::from_millis(110)).await;
            rig.script.arrives(&wrap(hello(record, 1)));
            assert!(
                rig.drain().is_empty(),
                "the crate would take it for an answer"
            );
            assert_eq!(rig.script.sent().len(), sent, "after record {record}");
        }
    }
}

#[test]
fn a_dropped_socket_leaves_no_waker_behind() {
    let rig = Rig::new(Cures::default());
    assert_eq!(rig.wait(), Nothing);
    rig.script.forget_wakers();
    assert_eq!(
        Arc::strong_count(&rig.woken),
        2,
        "ours and the parked waker"
    );
    drop(rig.socket);
    assert_eq!(Arc::strong_count(&rig.woken), 1);
    rig.control.kick();
    rig.control.relaying(true);
}

#[test]
fn a_message_settles_a_connection_whose_channels_are_open() {
    let control = SocketControl::new(Cures::default(), |_| false);
    control.message_came();
    assert_eq!(
        control.phase(),
        Phase::Opening,
        "others of ours are missing"
    );
    control.channels_open();
    assert_eq!(control.phase(), Phase::Opened);
    control.message_came();
    assert_eq!(control.phase(), Phase::Settled);
}
