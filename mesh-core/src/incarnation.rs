//! What tells the lives of network peers apart.

use core::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// One life of one network peer, from its making or its last `close` to its next one.
///
/// Two are equal only if they are the same: an id does not tell, because the server's is always 1. To be compared, and
/// nothing else: the number behind it is the program's, and decides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Incarnation(u32);

impl Incarnation {
    /// One that is new.
    #[must_use]
    pub fn begin() -> Self {
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_equal() {
        assert_ne!(Incarnation::begin(), Incarnation::begin());
    }
}
