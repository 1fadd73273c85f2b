//! What a user can set, as far as every platform has it.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::Reliability;

/// Settings of one peer connection (W3C: `RTCConfiguration`).
///
/// Only what both platforms have; native-only settings are in `PlatformConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkConfig {
    /// STUN and TURN servers, tried side by side. Empty: the peers must reach each other's own addresses.
    #[doc(alias = "iceServers")]
    pub ice_servers: Vec<IceServer>,
    /// Which kinds of candidate may be used.
    #[doc(alias = "iceTransportPolicy")]
    pub ice_transport_policy: IceTransportPolicy,
}

impl LinkConfig {
    /// A configuration with one STUN server, such as `stun:stun.example.org:3478`.
    #[must_use]
    pub fn with_stun(url: impl Into<String>) -> Self {
        Self {
            ice_servers: alloc::vec![IceServer::stun(url)],
            ..Self::default()
        }
    }
}

/// A STUN or TURN server (W3C: `RTCIceServer`).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:host:port`, `turn:host:port` or `turns:host:port`, the last two with `?transport=udp|tcp`.
    pub urls: Vec<String>,
    /// For TURN.
    pub username: String,
    /// For TURN. Never printed.
    pub credential: String,
}

impl IceServer {
    /// A STUN server.
    #[must_use]
    pub fn stun(url: impl Into<String>) -> Self {
        Self {
            urls: alloc::vec![url.into()],
            ..Self::default()
        }
    }

    /// A TURN server with its credentials.
    #[must_use]
    pub fn turn(
        url: impl Into<String>,
        username: impl Into<String>,
        credential: impl Into<String>,
    ) -> Self {
        Self {
            urls: alloc::vec![url.into()],
            username: username.into(),
            credential: credential.into(),
        }
    }
}

impl core::fmt::Debug for IceServer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("IceServer")
            .field("urls", &self.urls)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Which candidates ICE may use (W3C: `RTCIceTransportPolicy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IceTransportPolicy {
    /// Any.
    #[default]
    All,
    /// Only those of a TURN server: the peers never learn each other's addresses.
    Relay,
}

/// When a channel refuses to buffer more, and when it says that there is room again. In bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendLimits {
    /// A message is admitted while the buffered amount is below this.
    pub high_water: usize,
    /// Falling to this from above gives a `BufferedAmountLow` (W3C: `bufferedAmountLowThreshold`).
    pub low_water: usize,
}

impl Default for SendLimits {
    /// 1 MiB and 256 KiB.
    fn default() -> Self {
        Self {
            high_water: 1024 * 1024,
            low_water: 256 * 1024,
        }
    }
}

/// Settings of a mesh; every field has a default that suits a game.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeshConfig {
    /// Bounds of each channel's send buffer.
    pub send_limits: SendLimits,
    /// Bytes of received messages a link may hold until the application takes them: 16 MiB.
    ///
    /// Held twice at most: what the platform has and the mesh has not fetched yet, and what the mesh has and the
    /// application has not taken. Over it the oldest messages of the unreliable channels are dropped, and counted; a
    /// reliable one that finds no room even so ends the link with
    /// [`DisconnectReason::InboxFull`](crate::DisconnectReason::InboxFull).
    #[doc(alias = "max_channel_in_buffer_kb")]
    pub inbox_bytes: usize,
    /// How long a peer may take from `add_peer` until all its channels are open: 15 s.
    pub connect_deadline: Duration,
    /// How long a connected link may be "disconnected" before its peer counts as lost: 2 s.
    pub disconnected_grace: Duration,
    /// How hard the ordered and unreliable channels try, where `add_peer` is given no lifetime: sent once.
    ///
    /// A game with players on bad paths wants a lifetime of 100 to 200 ms. Sent once at 20 % loss, the ordered messages of a
    /// browser stand still for seconds: its SCTP says at most five times a second that something is given up, and a receiver
    /// waits for that. With 150 ms at the same loss nearly all come, within it.
    pub unreliable: Reliability,
    /// How many events one `poll` takes from the backend at most: 65536, and at least 1. What is left waits for the
    /// next.
    pub events_per_poll: usize,
}

impl Default for MeshConfig {
    fn default() -> Self {
        Self {
            send_limits: SendLimits::default(),
            inbox_bytes: 16 * 1024 * 1024,
            connect_deadline: Duration::from_secs(15),
            disconnected_grace: Duration::from_secs(2),
            unreliable: Reliability::Retransmits(0),
            events_per_poll: 65536,
        }
    }
}
