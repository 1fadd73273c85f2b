//! What happened that is worth a number and not an event.

/// Counters since the API was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApiStats {
    /// Packets for Godot's scene tree (remote calls, paths, spawning, synchronisation) that were left alone.
    pub scene_commands: u64,
    /// Packets that were ignored for a reason; each was an [`ApiEvent::Ignored`](crate::ApiEvent::Ignored), too.
    pub ignored: u64,
    /// Packets passed on, counted once for each receiver.
    pub relayed: u64,
    /// Packets not passed on, at once or after they had waited: the receiver was gone, or the sender gone and another here
    /// with its id, its unreliable channel was full, or it cannot take a packet that large or that channel, or too much of the
    /// sender waited for it
    /// ([`IgnoredReason::BacklogFull`](crate::IgnoredReason::BacklogFull)).
    pub relay_dropped: u64,
    /// Peers disconnected because they were further behind with what the server has to tell than
    /// [`ApiConfig::backlog_bytes`](crate::ApiConfig::backlog_bytes).
    pub overrun_peers: u64,
}
