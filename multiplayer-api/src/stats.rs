//! Counters of what is not worth an event.

/// Counters since the API was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApiStats {
    /// Packets for Godot's scene tree (remote calls, paths, spawning, synchronisation), which have no effect here.
    pub scene_commands: u64,
    /// Packets that were ignored; each was an [`ApiEvent::Ignored`](crate::ApiEvent::Ignored), too.
    pub ignored: u64,
    /// Packets passed on, counted once for each receiver.
    pub relayed: u64,
    /// Packets not passed on, at once or after they had waited. The receiver was gone; or the sender was gone and another
    /// peer had its id; or the receiver's unreliable channel was full; or the receiver takes no packet of that size or has no
    /// such channel; or too much of the sender waited
    /// ([`IgnoredReason::BacklogFull`](crate::IgnoredReason::BacklogFull)).
    pub relay_dropped: u64,
    /// Peers that were disconnected because more announcements waited for them than
    /// [`ApiConfig::backlog_bytes`](crate::ApiConfig::backlog_bytes).
    pub overrun_peers: u64,
}
