//! TCP to a server that has several addresses.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// How long an address is waited for before the next one is tried beside it (RFC 8305, section 5).
const NEXT: Duration = Duration::from_millis(250);

/// Connects to the first of these addresses that answers (RFC 8305, "happy eyeballs").
///
/// The families take turns, beginning with that of the first address. Each further attempt begins 250 ms after the one before,
/// or as soon as that has failed.
///
/// # Errors
///
/// That of the attempt that failed first, or `NotFound` where there is no address.
pub(crate) async fn dial(addresses: impl IntoIterator<Item = SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = interleaved(addresses);
    let mut attempts = FuturesUnordered::new();
    let mut first_error = None;
    loop {
        if let Some(address) = waiting.pop_front() {
            attempts.push(TcpStream::connect(address));
        }
        let connected = tokio::select! {
            Some(connected) = attempts.next() => connected,
            () = sleep(NEXT), if !waiting.is_empty() => continue,
            else => break,
        };
        match connected {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                first_error.get_or_insert(error);
            }
        }
    }
    Err(first_error
        .unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address")))
}

/// One of each family in turn; within a family the order stays.
fn interleaved(addresses: impl IntoIterator<Item = SocketAddr>) -> VecDeque<SocketAddr> {
    let mut addresses = addresses.into_iter().peekable();
    let is_first_ipv4 = addresses.peek().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.partition(|address| address.is_ipv4() == is_first_ipv4);
    let longest = first.len().max(second.len());
    let turns = (0..longest).flat_map(|turn| [first.get(turn), second.get(turn)]);
    turns.flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter()
            .map(|address| address.parse().expect("an address"))
            .collect()
    }

    #[test]
    fn families_take_turns() {
        let ordered = interleaved(addresses(&[
            "[2001:db8::1]:1",
            "[2001:db8::2]:1",
            "[2001:db8::3]:1",
            "192.0.2.1:1",
        ]));
        assert_eq!(
            ordered,
            addresses(&[
                "[2001:db8::1]:1",
                "192.0.2.1:1",
                "[2001:db8::2]:1",
                "[2001:db8::3]:1",
            ])
        );
        assert!(interleaved([]).is_empty());
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_followed_by_the_next_at_once() {
        let refusing = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let refused = refusing.local_addr().expect("an address");
        drop(refusing);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let good = listener.local_addr().expect("an address");
        let started = std::time::Instant::now();
        let stream = dial([refused, good]).await.expect("connected");
        assert_eq!(stream.peer_addr().expect("an address"), good);
        assert!(started.elapsed() < NEXT);
        let error = dial([refused]).await.expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let error = dial([]).await.expect_err("no address");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    /// A full backlog drops what comes, as a black hole does.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_address_that_is_silent_is_followed_after_250_ms() {
        use socket2::{Domain, Socket, Type};
        let silent = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        silent.bind(&any.into()).expect("a port");
        silent.listen(0).expect("listening");
        let hole = silent
            .local_addr()
            .expect("bound")
            .as_socket()
            .expect("an address");
        let _fills = std::net::TcpStream::connect(hole).expect("the one that fits");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let good = listener.local_addr().expect("an address");
        let started = std::time::Instant::now();
        let stream = dial([hole, good]).await.expect("connected");
        assert_eq!(stream.peer_addr().expect("an address"), good);
        let took = started.elapsed();
        assert!(took >= NEXT && took < Duration::from_secs(1), "{took:?}");
    }
}
