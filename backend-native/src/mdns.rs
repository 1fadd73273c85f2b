//! Finds the addresses that browsers hide behind names of multicast DNS.
//!
//! A page offers `d2f5….local` instead of its address (draft-ietf-mmusic-mdns-ice-candidates). Without the address we send
//! nothing to the page, and a firewall that drops new input lets none of its checks in. The `webrtc` crate can ask for such names,
//! in the task that drives the connection and with one socket for each connection; here it is done beside it, where there is a
//! name to ask for. docs/upstream.md, "multicast DNS through the default interface".

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rtc::mdns::{MDNS_MULTICAST_IPV4, MDNS_PORT, Mdns, MdnsConfig, MdnsEvent};
use rtc::sansio::Protocol;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use socket2::{Domain, Protocol as Kind, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until, timeout};

/// How long a name may take. A machine of the same network answers within milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// When the question is asked again.
const AGAIN: Duration = Duration::from_millis(500);

/// On how many interfaces a name is asked for.
const INTERFACES: usize = 8;

/// The largest datagram of multicast DNS (RFC 6762, section 17).
const DATAGRAM: usize = 9000;

/// The position of the address in a candidate (RFC 8839, section 5.1).
const ADDRESS: usize = 4;

/// The name that stands for the address of a candidate, if there is one of multicast DNS.
pub(crate) fn hidden(candidate: &str) -> Option<&str> {
    let name = candidate.split_ascii_whitespace().nth(ADDRESS)?;
    let label = name.strip_suffix(".local")?;
    let is_label = (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_label.then_some(name)
}

/// The candidate with its address instead of the name.
pub(crate) fn revealed(candidate: &str, address: IpAddr) -> String {
    let address = address.to_string();
    let words = candidate.split_ascii_whitespace().enumerate();
    let words = words.map(|(at, word)| if at == ADDRESS { &address } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// Asks for a name on these interfaces.
pub(crate) async fn find(name: &str, interfaces: &[Ipv4Addr]) -> Option<IpAddr> {
    let mut asking: FuturesUnordered<_> = interfaces
        .iter()
        .take(INTERFACES)
        .map(|interface| ask(name, *interface))
        .collect();
    let found = async {
        loop {
            // An interface without multicast fails at once.
            if let Ok(address) = asking.next().await? {
                return Some(address);
            }
        }
    };
    timeout(PATIENCE, found).await.ok()?
}

async fn ask(name: &str, interface: Ipv4Addr) -> io::Result<IpAddr> {
    let socket = open(interface)?;
    let local_addr = socket.local_addr()?;
    let now = || Instant::now().into_std();
    let mut mdns = Mdns::new(now(), MdnsConfig::new().with_query_interval(AGAIN));
    let query = mdns.query_now(now(), name);
    let mut buffer = vec![0; DATAGRAM];
    loop {
        while let Some(question) = mdns.poll_write() {
            socket
                .send_to(&question.message, question.transport.peer_addr)
                .await?;
        }
        while let Some(event) = mdns.poll_event() {
            if let MdnsEvent::QueryAnswered(answered, address) = event
                && answered == query
            {
                return Ok(address);
            }
        }
        let again = mdns
            .poll_timeout()
            .map_or_else(Instant::now, Instant::from_std);
        tokio::select! {
            received = socket.recv_from(&mut buffer) => {
                let (length, peer_addr) = received?;
                let answer = datagram(&buffer[..length], local_addr, peer_addr);
                // What cannot be read is no answer.
                let _ = mdns.handle_read(answer);
            }
            () = sleep_until(again) => {
                let _ = mdns.handle_timeout(now());
            }
        }
    }
}

/// A socket beside those of other programs. That of `rtc-mdns` sends through the default interface, whatever it is told.
fn open(interface: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Kind::UDP))?;
    socket.set_reuse_address(true)?;
    #[cfg(all(unix, not(target_os = "solaris"), not(target_os = "illumos")))]
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, MDNS_PORT)).into())?;
    socket.join_multicast_v4(&MDNS_MULTICAST_IPV4, &interface)?;
    socket.set_multicast_if_v4(&interface)?;
    UdpSocket::from_std(socket.into())
}

fn datagram(bytes: &[u8], local_addr: SocketAddr, peer_addr: SocketAddr) -> TaggedBytesMut {
    TaggedBytesMut {
        now: Instant::now().into_std(),
        transport: TransportContext {
            local_addr,
            peer_addr,
            ecn: None,
            transport_protocol: TransportProtocol::UDP,
        },
        message: BytesMut::from(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIDDEN: &str = "candidate:1 1 udp 2113937151 d2f5-77.local 54321 typ host generation 0";

    #[test]
    fn a_name_is_found_in_a_candidate_and_replaced() {
        assert_eq!(hidden(HIDDEN), Some("d2f5-77.local"));
        let address = IpAddr::from([192, 168, 1, 7]);
        assert_eq!(
            revealed(HIDDEN, address),
            "candidate:1 1 udp 2113937151 192.168.1.7 54321 typ host generation 0"
        );
        for other in [
            "192.168.1.7",
            "host.example",
            "a.b.local",
            ".local",
            "x_y.local",
        ] {
            assert_eq!(hidden(&HIDDEN.replace("d2f5-77.local", other)), None);
        }
        assert_eq!(hidden("candidate:1"), None);
    }

    /// Answers for a name as a browser does.
    async fn answer(name: &str, address: IpAddr) -> io::Result<()> {
        let socket = open(Ipv4Addr::LOCALHOST)?;
        let config = MdnsConfig::new()
            .with_local_names(vec![name.to_owned()])
            .with_local_ip(address);
        let mut mdns = Mdns::new(Instant::now().into_std(), config);
        let mut buffer = vec![0; DATAGRAM];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await?;
            let question = datagram(&buffer[..length], socket.local_addr()?, from);
            let _ = mdns.handle_read(question);
            while let Some(answer) = mdns.poll_write() {
                socket
                    .send_to(&answer.message, answer.transport.peer_addr)
                    .await?;
            }
        }
    }

    #[tokio::test]
    async fn a_name_of_this_network_is_found() {
        let address = IpAddr::from([192, 168, 1, 7]);
        let name = format!("native-{}.local", std::process::id());
        let found = tokio::select! {
            found = find(&name, &[Ipv4Addr::LOCALHOST]) => found,
            ended = answer(&name, address) => panic!("{ended:?}"),
        };
        assert_eq!(found, Some(address));
    }
}
