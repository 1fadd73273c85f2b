//! The measurements, each written once for all sides. They run in a process of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::node::Each;

pub mod bulk;
mod crew;
pub mod mesh;
pub mod open;
pub mod paced;
pub mod relay;
pub mod round_trip;
pub mod transfer;

/// Bytes of a message of a game.
const GAME_MESSAGE: usize = 64;

/// Counts every message.
fn counting(received: &Arc<AtomicU32>) -> Each {
    let received = Arc::clone(received);
    Arc::new(move |_| {
        received.fetch_add(1, Ordering::Relaxed);
    })
}
