//! Tests of the module above.

use std::io::IoSliceMut;
use std::task::Poll;

use webrtc::runtime::RecvMeta;

use super::check::tests::sdp;
use super::*;
use crate::socket::SocketSource;
use crate::wire::{LOCAL, OneWire, Wire};

/// A server's address as the crate knows it, the far side's own and its relay's.
const SERVER: &str = "240.0.0.0:3478";
const THEIRS: &str = "10.0.0.2:2000";
const RELAY: &str = "192.0.2.1:5000";

/// How long a direct path may take.
const WAIT: Duration = Duration::from_millis(750);

const DTLS: &[u8] = b"\x17encrypted";
const STUN: &[u8] = b"\x00\x01\x00\x00\x21\x12\xa4\x42transaction!";

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// One side and its only socket.
struct Side {
    direct: Direct,
    wire: Arc<Wire>,
    socket: Arc<dyn AsyncUdpSocket>,
}

fn description(sdp_type: SdpType, name: &str) -> SessionDescription {
    SessionDescription {
        sdp_type,
        sdp: sdp(name, &name.repeat(6)),
    }
}

impl Side {
    /// It has offered, and knows an address of the far side and its relay.
    fn new(is_allowed: bool) -> Self {
        let direct = Direct::new(is_allowed, WAIT, Box::new(|ip| ip == address(UNNAMED).ip()));
        let wire = Arc::new(Wire::default());
        let sockets = DirectSockets {
            direct: direct.clone(),
            source: Some(Arc::new(OneWire(Arc::clone(&wire)))),
        };
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
        let socket = sockets.wrap(socket).expect("wrapped");
        direct.set_local(&description(SdpType::Offer, "aaaa"));
        direct.set_remote(&description(SdpType::Answer, "bbbb").sdp);
        direct.add_remote("candidate:1 1 udp 1 10.0.0.2 2000 typ host");
        direct.add_remote("candidate:1 1 udp 1 192.0.2.1 5000 typ relay raddr 0.0.0.0 rport 0");
        Self {
            direct,
            wire,
            socket,
        }
    }

    /// It is relayed, and its first check was answered.
    fn with_a_path() -> Self {
        let side = Self::new(true);
        side.direct.search(true);
        side.direct.handle_timeout();
        let sent = side.sent();
        let [(to, check)] = &sent[..] else {
            panic!("{sent:?}");
        };
        assert_eq!(*to, address(THEIRS));
        assert_eq!(side.receives(THEIRS, &far_side_answers(check)), None);
        assert!(side.direct.path().is_some());
        side
    }

    fn sent(&self) -> Vec<(SocketAddr, Vec<u8>)> {
        std::mem::take(&mut self.wire.sent.lock().expect("not poisoned"))
    }

    fn sends(&self, to: &str, contents: &[u8], segment_size: Option<usize>) {
        let transmit = Transmit {
            destination: address(to),
            ecn: None,
            contents,
            segment_size,
            src_ip: None,
        };
        let mut cx = Context::from_waker(Waker::noop());
        let sent = self.socket.poll_send(&mut cx, &transmit);
        let all = matches!(sent, Poll::Ready(Ok(n)) if n == contents.len());
        assert!(all, "{sent:?}");
    }

    /// What the crate gets of a datagram.
    fn receives(&self, from: &str, datagram: &[u8]) -> Option<Vec<u8>> {
        let mut arriving = self.wire.arriving.lock().expect("not poisoned");
        arriving.push_back((address(from), datagram.to_vec()));
        drop(arriving);
        let mut buffer = [0; 2000];
        let mut meta = [RecvMeta::default()];
        let mut bufs = [IoSliceMut::new(&mut buffer)];
        let mut cx = Context::from_waker(Waker::noop());
        let received = self.socket.poll_recv(&mut cx, &mut bufs, &mut meta);
        matches!(received, Poll::Ready(Ok(1))).then(|| buffer[..meta[0].len].to_vec())
    }
}

/// What the far side says to a check.
fn far_side_answers(check: &[u8]) -> Vec<u8> {
    let of = |name| Credentials::of(&description(SdpType::Offer, name).sdp);
    let checks = Checks {
        ours: of("bbbb").expect("credentials"),
        theirs: of("aaaa").expect("credentials"),
        is_controlling: false,
        tie_breaker: 1,
        crypto: rtc::crypto::default_provider().expect("a provider"),
    };
    checks.answer(check, LOCAL).expect("a check for it")
}

fn channel_data(contents: &[u8]) -> Vec<u8> {
    let length = u8::try_from(contents.len()).expect("short");
    [&[0x40, 0, 0, length], contents].concat()
}

#[tokio::test]
async fn what_is_encrypted_goes_directly_and_all_else_stays() {
    let side = Side::with_a_path();
    side.sends(RELAY, DTLS, None);
    side.sends(SERVER, &channel_data(DTLS), None);
    side.sends(RELAY, STUN, None);
    side.sends(SERVER, &channel_data(STUN), None);
    side.sends(SERVER, STUN, None);
    let expected = [
        (THEIRS, DTLS.to_vec()),
        (THEIRS, DTLS.to_vec()),
        (RELAY, STUN.to_vec()),
        (SERVER, channel_data(STUN)),
        (SERVER, STUN.to_vec()),
    ];
    assert_eq!(side.sent(), expected.map(|(to, what)| (address(to), what)));
}

#[tokio::test]
async fn a_run_of_datagrams_goes_directly_if_all_of_it_may() {
    let side = Side::with_a_path();
    let run = [DTLS, DTLS, b"\x17end"].concat();
    side.sends(RELAY, &run, Some(DTLS.len()));
    let mixed = [DTLS, b"\x00encrypted"].concat();
    side.sends(RELAY, &mixed, Some(DTLS.len()));
    assert_eq!(
        side.sent(),
        [(address(THEIRS), run), (address(RELAY), mixed)]
    );
}

#[tokio::test]
async fn where_nothing_can_be_sent_the_relay_is_used_at_once() {
    let side = Side::with_a_path();
    *side.wire.unreachable.lock().expect("not poisoned") = Some(address(THEIRS));
    side.sends(RELAY, DTLS, None);
    side.sends(RELAY, DTLS, None);
    assert_eq!(side.sent(), vec![(address(RELAY), DTLS.to_vec()); 2]);
    assert_eq!(side.direct.path(), None);
    assert!(side.direct.poll_timeout().is_some(), "it goes on looking");
}

#[tokio::test]
async fn another_session_or_a_direct_link_ends_the_path() {
    let ends: [fn(&Direct); 3] = [
        |direct| direct.search(false),
        |direct| direct.set_remote(&description(SdpType::Answer, "cccc").sdp),
        |direct| direct.set_local(&description(SdpType::Offer, "dddd")),
    ];
    for end in ends {
        let side = Side::with_a_path();
        end(&side.direct);
        assert_eq!(side.direct.path(), None);
        side.sends(RELAY, DTLS, None);
        assert_eq!(side.sent(), [(address(RELAY), DTLS.to_vec())]);
        assert_eq!(side.direct.poll_timeout(), None);
    }
}

#[tokio::test]
async fn nothing_is_checked_where_only_relays_may_be_used() {
    let side = Side::new(false);
    side.direct.search(true);
    assert_eq!(side.direct.poll_timeout(), None);
    side.direct.handle_timeout();
    assert_eq!(side.sent(), []);
    assert!(side.direct.is_relay(address(RELAY)));
}

#[tokio::test]
async fn what_strangers_send_is_left_to_the_crate_and_opens_no_path() {
    let side = Side::new(true);
    side.direct.search(true);
    side.direct.handle_timeout();
    let check = side.sent().remove(0).1;
    // An answer to nothing, a request without a name, and what a server forwards.
    for (from, datagram) in [
        (THEIRS, [b"\x01\x01", &STUN[2..]].concat()),
        (THEIRS, STUN.to_vec()),
        (SERVER, far_side_answers(&check)),
    ] {
        assert_eq!(side.receives(from, &datagram), Some(datagram.clone()));
    }
    // A forged answer to a check of ours.
    let mut forged = far_side_answers(&check);
    let last = forged.len() - 10;
    forged[last] ^= 1;
    assert_eq!(side.receives(THEIRS, &forged), None);
    assert_eq!(side.direct.path(), None);
    assert_eq!(side.receives(THEIRS, &far_side_answers(&check)), None);
    assert_eq!(side.direct.path().expect("a path").local, LOCAL);
}

/// A check of the agent, and the same on its way through a TURN server.
fn check() -> [Vec<u8>; 2] {
    [STUN.to_vec(), channel_data(STUN)]
}

/// Both sides have named what their routers look like from outside.
fn with_reflexive_addresses() -> Side {
    let side = Side::new(true);
    side.direct
        .add_local("candidate:1 1 udp 1 203.0.113.1 1000 typ srflx raddr 10.0.0.1 rport 1000");
    side.direct
        .add_remote("candidate:1 1 udp 1 203.0.113.2 2000 typ srflx raddr 10.0.0.2 rport 2000");
    side
}

const REFLEXIVE: &str = "203.0.113.2:2000";

/// A port of a TURN server that nobody has named yet.
const UNNAMED: &str = "198.51.100.9:9";

/// Addresses that nobody has named, and no server's: a page on our network that hides its own, and somebody behind the same provider's
/// translator.
const HIDDEN: [&str; 3] = ["[2001:db8::7]:7", "100.64.3.4:7", "192.0.2.77:7"];

#[tokio::test(start_paused = true)]
async fn no_check_passes_a_relay_until_a_direct_path_had_its_time() {
    let side = with_reflexive_addresses();
    let [check, forwarded] = check();
    tokio::time::advance(WAIT - Duration::from_millis(1)).await;
    side.sends(RELAY, &check, None);
    side.sends(SERVER, &forwarded, None);
    assert_eq!(side.sent(), []);
    assert_eq!(side.receives(RELAY, &check), None);
    assert_eq!(side.receives(SERVER, &forwarded), None);
    assert_eq!(side.receives(UNNAMED, &check), None, "it is a relay");
    for hidden in HIDDEN {
        assert_eq!(side.receives(hidden, &check), Some(check.clone()));
    }
    tokio::time::advance(Duration::from_millis(1)).await;
    side.sends(RELAY, &check, None);
    side.sends(SERVER, &forwarded, None);
    let sent = [
        (address(RELAY), check.clone()),
        (address(SERVER), forwarded.clone()),
    ];
    assert_eq!(side.sent(), sent);
    for (from, datagram) in [(RELAY, &check), (SERVER, &forwarded), (UNNAMED, &check)] {
        assert_eq!(side.receives(from, datagram).as_ref(), Some(datagram));
    }
}

#[tokio::test(start_paused = true)]
async fn all_else_passes_meanwhile() {
    let side = with_reflexive_addresses();
    let [check, forwarded] = check();
    // Another port of the same router, and a neighbour.
    for from in [THEIRS, REFLEXIVE, "203.0.113.2:2001", "192.168.0.9:9"] {
        assert_eq!(side.receives(from, &check), Some(check.clone()), "{from}");
        side.sends(from, &check, None);
    }
    assert_eq!(side.sent().len(), 4);
    // The server's own business, and what is no check.
    for (far, datagram) in [
        (SERVER, check),
        (SERVER, channel_data(DTLS)),
        (RELAY, DTLS.to_vec()),
    ] {
        assert_eq!(side.receives(far, &datagram), Some(datagram.clone()));
        side.sends(far, &datagram, None);
        assert_eq!(side.sent(), [(address(far), datagram)]);
    }
    // It is known to be no relay by now.
    side.direct
        .add_remote("candidate:1 1 udp 1 198.51.100.9 9 typ host");
    assert_eq!(side.receives(UNNAMED, &forwarded), Some(forwarded));
}

#[tokio::test(start_paused = true)]
async fn what_our_own_relay_is_next_to_is_a_relay() {
    let side = with_reflexive_addresses();
    let [check, _] = check();
    side.direct
        .add_local("candidate:1 1 udp 1 192.0.2.77 4000 typ relay raddr 203.0.113.1 rport 1000");
    assert_eq!(side.receives(HIDDEN[2], &check), None);
    assert_eq!(side.receives(HIDDEN[1], &check), Some(check.clone()));
}

#[test]
fn an_address_of_a_providers_translator_is_not_public() {
    let is_useful = |ours: &str| {
        let side = Side::new(true);
        side.direct
            .add_remote("candidate:1 1 udp 1 203.0.113.2 2000 typ srflx raddr 10.0.0.2 rport 2000");
        side.direct
            .add_local(&format!("candidate:1 1 udp 1 {ours} 1000 typ host"));
        let [check, _] = check();
        side.receives(RELAY, &check).is_none()
    };
    assert!(is_useful("203.0.113.1"));
    assert!(is_useful("100.128.0.1"));
    assert!(!is_useful("100.64.0.1"));
    assert!(!is_useful("100.127.255.254"));
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_where_no_direct_path_can_come() {
    let [_, forwarded] = check();
    let without_ours = Side::new(true);
    without_ours
        .direct
        .add_remote("candidate:1 1 udp 1 203.0.113.2 2000 typ srflx raddr 10.0.0.2 rport 2000");
    let without_theirs = Side::new(true);
    without_theirs
        .direct
        .add_local("candidate:1 1 udp 1 203.0.113.1 1000 typ srflx raddr 10.0.0.1 rport 1000");
    for side in [without_ours, without_theirs, Side::new(false)] {
        side.sends(SERVER, &forwarded, None);
        assert_eq!(side.sent().len(), 1);
        assert_eq!(side.receives(SERVER, &forwarded), Some(forwarded.clone()));
    }
}
