//! One direction of transfers each, and what is said about them. They know nothing of links and peers.

mod incoming;
mod outgoing;
mod wire;

pub(super) use incoming::{Heard, Incoming};
pub(super) use outgoing::Outgoing;
pub(super) use wire::{MAX_WINDOW, MIN_WINDOW, Offer, Word};
