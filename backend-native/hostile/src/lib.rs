//! A peer that connects as an honest one does, with ICE and DTLS, and then sends whatever it likes.
//!
//! It writes SCTP packets by hand, so every chunk and every length in them can lie. It runs on the caller's thread and does
//! nothing between two calls.

mod attack;
mod chance;
mod ice;
mod member;
mod packet;

pub use attack::Attack;
pub use chance::Chance;
pub use member::{Member, MemberError};
pub use packet::{chunk, chunk_that_says, data, forward_tsn, packet};
