//! What both contestants can do: two ends in this page, with the three built-in channels between them.

use wasm_bindgen::JsValue;

use crate::time::Clock;

/// Bytes of a message of a game.
pub(crate) const GAME_MESSAGE: usize = 64;

/// Bytes that a channel may have to send, and how few make room again: the library's default, for both.
pub(crate) const HIGH_WATER: usize = 1024 * 1024;
pub(crate) const LOW_WATER: usize = 256 * 1024;

/// A connected pair.
pub(crate) trait Pair: Sized {
    /// Makes one; returns once all channels of both ends are open.
    async fn open() -> Result<Self, JsValue>;

    /// Sends so many messages of this size from one end to the other, reliably and as fast as there is room; returns once all
    /// have arrived.
    async fn flood(&mut self, size: usize, messages: u32) -> Result<(), JsValue>;

    /// Sends a reliable message there and back, so many times, each as soon as the last is back: how long each took, in
    /// milliseconds.
    async fn round_trips(&mut self, clock: &Clock, count: usize) -> Result<Vec<f64>, JsValue>;

    /// Closes both ends.
    fn close(self);
}

/// A failure in words.
pub(crate) fn failure(words: &str) -> JsValue {
    JsValue::from_str(words)
}
