//! What the hall, its lobbies and the sockets' outboxes call a member.

/// A member of a lobby, or one who wants to be. The door gives it out and never gives it to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MemberId(pub(crate) u64);
