//! What a case can ask of a bare transport.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A request to a bare transport.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransportRequest {
    /// Hand this text over so many times; stops at the first refusal.
    Say {
        /// The text.
        text: String,
        /// How many times.
        count: u64,
    },
    /// Poll with one waker, then with another, and tell which is woken by the next event within this time.
    Wake(Duration),
    /// [`signaling::Transport::close`].
    Close,
    /// [`signaling::Transport::reopen`].
    Reopen,
    /// [`signaling::Transport::reopen_at`].
    ReopenAt(String),
    /// [`signaling::Transport::farewell`].
    Farewell(Vec<String>),
}
