//! What only a page can choose.

/// The largest message this platform can send or take, in bytes: what Chromium announces.
pub(crate) const MAX_MESSAGE_SIZE: usize = 262_144;

/// Settings of a [`PlatformBackend`](crate::PlatformBackend); every field has a default that suits a game.
#[doc(alias = "libdatachannel")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlatformConfig {
    /// How many sets of candidates the browser gathers before a connection is offered or answered: 0.
    ///
    /// One saves the time a STUN or TURN server takes to answer, and asks it for each connection that is merely open (W3C:
    /// `iceCandidatePoolSize`).
    pub candidate_pool_size: u8,
}
