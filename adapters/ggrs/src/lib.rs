#![doc = include_str!("../README.md")]

mod bridge;
mod queues;
mod seats;
mod socket;
mod vet;

pub use bridge::Bridge;
pub use ggrs;
pub use queues::{Dropped, MAX_PACKET_SIZE};
pub use seats::{Seats, SeatsError};
pub use socket::GgrsSocket;
