//! What only a native program can choose.

mod addresses;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use mesh_core::platform::MAX_MESSAGE_SIZE;
use mesh_core::{Duration, MIN_MESSAGE_SIZE};
use rtc::shared::ifaces::ifaces;

use self::addresses::Interface;
use crate::tls::RootCertificates;

/// Settings of a [`PlatformBackend`](crate::PlatformBackend); every field has a default that suits a game.
#[doc(alias = "libdatachannel")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformConfig {
    /// Where each connection binds its UDP sockets: `0.0.0.0:0` and `[::]:0`.
    ///
    /// An unspecified address stands for every interface that is up, without loopback and link-local ones; for the IPv4
    /// link-local ones (169.254.0.0/16: two machines on one cable) where the family has no others. An IPv6 address that is made
    /// of the hardware's own (EUI-64) is left out where its interface has another one of the same network: it would name the
    /// machine wherever it goes (RFC 8445, 5.1.1.1). Every connection has sockets of its own, so a port other than 0 allows
    /// one connection only.
    ///
    /// When the address in use goes, the connection goes on by another pair of addresses, where one works: data flows again
    /// after about 1.5 s. Where none does, the interfaces are looked at every second, and an address that the machine has got
    /// since is used, too. The far side hears of it by nothing but packets from there, so it must be one that they reach: on the
    /// same network, or not behind a translator of addresses. Relays are left out: a path through a server that cannot be
    /// reached any more is given up, and the peer is lost and met anew.
    pub bind: Vec<SocketAddr>,
    /// Whether 127.0.0.1 is bound, too: no. It is in any case where no other interface is up.
    pub include_loopback: bool,
    /// Silence after which a connection counts as disconnected: 2 s.
    ///
    /// A connection that was made never fails by itself. When its peer counts as lost is for the
    /// [window](mesh_core::MeshConfig::resume_window) to say; until then data flows within a second after the far side is
    /// heard again.
    pub disconnected_timeout: Duration,
    /// How often the far side is asked for a sign of life: 0.5 s.
    ///
    /// On an idle link of two native peers the sides take turns, about every half second, and either is asked every 1.2 s at least. Not so
    /// where the way there and back takes more than 100 ms, where more than 3 % is lost, where the link is relayed, where this is longer
    /// than 1.2 s, or where [`disconnected_timeout`](Self::disconnected_timeout) is shorter than 2 s.
    pub keepalive_interval: Duration,
    /// How often each pair of candidates is checked while connecting: 20 ms.
    ///
    /// Two seconds after the last word of the far side the checks become rarer (100 ms, then 200 ms). They go on until the
    /// connection is made or closed: when to give up is for the
    /// [connect deadline](mesh_core::MeshConfig::connect_deadline) to say.
    pub check_interval: Duration,
    /// How long a server-reflexive pair waits for a better one: 100 ms.
    pub srflx_wait: Duration,
    /// How long a relayed pair waits for a better one: 750 ms; where only relays may be used, 200 ms at most.
    ///
    /// Counted from the far side's description. A pair that has nothing but a relay needs this much longer to be made. Where
    /// both sides have an address that can be reached from elsewhere, no check passes a relay before, in either direction, so
    /// that a browser does not choose the relay either. A direct path that needs longer than this is used as soon as it is
    /// found: it is looked for while the connection is relayed, every 200 ms for ten seconds, every two seconds for two
    /// minutes, and then every ten seconds.
    pub relay_wait: Duration,
    /// Kernel buffer of each socket for what is sent, in bytes: 4 MiB. The kernel may give less.
    pub socket_send_buffer: usize,
    /// Kernel buffer of each socket for what is received, in bytes: 4 MiB. The kernel may give less.
    pub socket_receive_buffer: usize,
    /// The window a peer may fill before it must wait for us, in bytes: 16 MiB.
    pub sctp_receive_buffer: u32,
    /// Bytes of a channel that may be in flight or ready for it, below the send buffer of
    /// [`SendLimits`](mesh_core::SendLimits): 256 KiB. Of an unreliable channel it is less as a rule: what the path takes in
    /// a round trip, as measured, so that no message gets old here.
    pub sctp_send_limit: usize,
    /// The largest message that is sent and taken, in bytes: 64 KiB, as much as every implementation of WebRTC takes
    /// (`a=max-message-size`, RFC 8841). Each connection keeps one and a half times as much. It counts as at least
    /// [`MIN_MESSAGE_SIZE`] and at most [`MAX_MESSAGE_SIZE`]. A peer that has been told of it sends nothing larger: a browser
    /// refuses, and so does Godot. What is larger goes as a [transfer](mesh_core::Session::send_transfer).
    pub max_message_size: usize,
    /// Root certificates that are trusted besides the platform's, by TURN over TLS and by `wss`: none.
    pub root_certificates: RootCertificates,
}

impl Default for PlatformConfig {
    fn default() -> Self {
        Self {
            bind: vec![
                SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
                SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
            ],
            include_loopback: false,
            disconnected_timeout: Duration::from_secs(2),
            keepalive_interval: Duration::from_millis(500),
            check_interval: Duration::from_millis(20),
            srflx_wait: Duration::from_millis(100),
            relay_wait: Duration::from_millis(750),
            socket_send_buffer: 4 * 1024 * 1024,
            socket_receive_buffer: 4 * 1024 * 1024,
            sctp_receive_buffer: 16 * 1024 * 1024,
            sctp_send_limit: 256 * 1024,
            max_message_size: 64 * 1024,
            root_certificates: RootCertificates::default(),
        }
    }
}

impl PlatformConfig {
    /// Binds 127.0.0.1 alone: peers on this machine only, for tests. (A browser may not connect to it.)
    #[must_use]
    pub fn loopback() -> Self {
        Self {
            bind: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
            ..Self::default()
        }
    }

    /// What is announced as [`max_message_size`](Self::max_message_size).
    pub(crate) fn largest_message(&self) -> usize {
        self.max_message_size
            .clamp(MIN_MESSAGE_SIZE, MAX_MESSAGE_SIZE)
    }

    /// How long the clock of a connection goes on in silence: until the crate must have said that it is disconnected, which
    /// it looks for as often as it asks for a sign of life.
    /// `None` where it never says so: a time of zero switches its half of that off.
    pub(crate) fn patience(&self) -> Option<Duration> {
        if self.disconnected_timeout.is_zero() || self.keepalive_interval.is_zero() {
            return None;
        }
        let looks = self.keepalive_interval.checked_mul(2)?;
        looks.checked_add(self.disconnected_timeout)
    }

    /// The addresses to bind now.
    ///
    /// The interfaces are listed here and not by the `webrtc` crate: it leaves loopback out and binds the unspecified address
    /// where a family has no interface, which makes a candidate that nobody can reach. docs/upstream.md, "which address could
    /// not be bound".
    pub(crate) fn bind_addresses(&self) -> Vec<SocketAddr> {
        let interfaces: Vec<Interface> = ifaces()
            .into_iter()
            .flatten()
            .filter_map(|interface| {
                let ip = interface.addr?.ip();
                Some(Interface {
                    name: interface.name,
                    ip,
                })
            })
            .collect();
        addresses::expand(self, &interfaces)
    }

    /// Whether these are what is bound because no interface has an address.
    pub(crate) fn is_offline(&self, addresses: &[SocketAddr]) -> bool {
        let wants_interfaces = self.bind.iter().any(|bind| bind.ip().is_unspecified());
        wants_interfaces && addresses.iter().all(|address| address.ip().is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_message_is_one_that_peers_and_the_platform_take() {
        for (wanted, announced) in [
            (0, MIN_MESSAGE_SIZE),
            (5000, 5000),
            (64 * 1024, 64 * 1024),
            (usize::MAX, MAX_MESSAGE_SIZE),
        ] {
            let config = PlatformConfig {
                max_message_size: wanted,
                ..PlatformConfig::default()
            };
            assert_eq!(config.largest_message(), announced);
        }
    }
}
