//! What only a page can choose.

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
