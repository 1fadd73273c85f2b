//! What is lost of SCTP's handshake is sent again sooner than the crate would.

use mesh_core::Duration;
use tokio::time::Instant;

use super::Link;
use crate::connection::Connection;

/// When the first repetition is due, and how much longer each next one waits. A lost datagram costs the crate one second, the
/// next one two more, and so on. docs/upstream.md, "one second for a lost datagram".
const PAUSE: Duration = Duration::from_millis(300);

/// How often the handshake is hurried. The crate gives it up after eight repetitions, and keeps the last for itself.
const TIMES: u32 = 7;

/// How often the crate's timeout doubles before it is as long as it gets.
const DOUBLINGS: u32 = 5;

/// How long the crate waits at most for the first answer, with some room.
const FIRST_LEAP: Duration = Duration::from_secs(2);

impl Link {
    /// The connection stands, and the handshake of SCTP begins.
    pub(super) fn begin_hurrying(&mut self) {
        if self.opened_channels == 0 && !self.has_connected {
            self.timers.hurry = Some(Instant::now() + PAUSE);
        }
    }

    /// A channel is open, so the handshake is over.
    pub(super) fn end_hurrying(&mut self, connection: &Connection) {
        self.timers.hurry = None;
        // A leap that has not happened yet would make SCTP repeat its first data.
        connection.sockets().leap(Duration::ZERO);
    }

    /// Lets the crate's timer expire, which takes twice as long each time.
    pub(super) fn hurry(&mut self, connection: &Connection) {
        connection
            .sockets()
            .leap(FIRST_LEAP * 2_u32.pow(self.hurried.min(DOUBLINGS)));
        self.hurried += 1;
        if self.hurried < TIMES {
            self.timers.hurry = Some(Instant::now() + PAUSE + PAUSE * self.hurried / 2);
        }
    }
}
