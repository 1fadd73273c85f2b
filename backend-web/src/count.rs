//! How many objects of the browser this crate holds, for tests that nothing is left of a connection.

use std::cell::Cell;

thread_local! {
    static HELD: Cell<Held> = const { Cell::new(Held { connections: 0, channels: 0, sockets: 0, callbacks: 0, tasks: 0 }) };
}

/// How many there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Peer connections that are not closed.
    pub connections: usize,
    /// Channels of such connections.
    pub channels: usize,
    /// WebSockets that are not closed.
    pub sockets: usize,
    /// Functions the browser may call.
    pub callbacks: usize,
    /// Tasks of links.
    pub tasks: usize,
}

/// What is held in this thread now.
#[must_use]
pub fn held() -> Held {
    HELD.get()
}

/// What a [`Count`] counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Connection,
    Channel,
    Socket,
    Callback,
    Task,
}

/// Counts its owner while it lives.
#[derive(Debug)]
pub(crate) struct Count(Kind);

impl Count {
    pub(crate) fn new(kind: Kind) -> Self {
        change(kind, |count| count + 1);
        Self(kind)
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        change(self.0, |count| count.saturating_sub(1));
    }
}

fn change(kind: Kind, to: impl FnOnce(usize) -> usize) {
    let mut held = HELD.get();
    let count = match kind {
        Kind::Connection => &mut held.connections,
        Kind::Channel => &mut held.channels,
        Kind::Socket => &mut held.sockets,
        Kind::Callback => &mut held.callbacks,
        Kind::Task => &mut held.tasks,
    };
    *count = to(*count);
    HELD.set(held);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_not_counted() {
        let before = held();
        let first = Count::new(Kind::Channel);
        let second = Count::new(Kind::Channel);
        let third = Count::new(Kind::Task);
        assert_eq!(held().channels, before.channels + 2);
        assert_eq!(held().tasks, before.tasks + 1);
        drop((first, second, third));
        assert_eq!(held(), before);
    }
}
