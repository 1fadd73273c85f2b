//! What can become of a datagram, and who decides it.

use std::time::Duration;

/// What becomes of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is handed over.
    Deliver,
    /// It is lost.
    Lose,
    /// It is handed over so much later; others may overtake it.
    Delay(Duration),
    /// It is kept until a `Release`. Only of what arrives; what is sent goes out at once.
    Hold,
    /// It is handed over right behind all that were held, as one burst.
    Release,
}

/// Decides what becomes of each datagram that a socket receives, or sends, in their order.
pub type Judge = Box<dyn FnMut(&[u8]) -> Fate + Send>;
