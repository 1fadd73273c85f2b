//! What the hub and its lobbies call a socket.

/// A socket, for as long as it lives; never given to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SocketId(pub(crate) u64);
