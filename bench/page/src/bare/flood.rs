//! Messages as fast as a channel takes them.

use std::cell::Cell;

use async_channel::Sender;
use wasm_bindgen::JsValue;
use web_sys::RtcDataChannel;

use crate::pair::{HIGH_WATER, failure};

/// Both ends of one.
pub(super) struct Flood {
    channel: RtcDataChannel,
    message: Vec<u8>,
    messages: u32,
    sent: Cell<u32>,
    received: Cell<u32>,
    done: Sender<Result<(), JsValue>>,
}

impl Flood {
    pub(super) fn new(
        channel: RtcDataChannel,
        size: usize,
        messages: u32,
        done: Sender<Result<(), JsValue>>,
    ) -> Self {
        Self {
            channel,
            message: vec![0x5a; size],
            messages,
            sent: Cell::new(0),
            received: Cell::new(0),
            done,
        }
    }

    /// Sends while there is room. The browser is asked only where what was sent since might fill it, as in backend-web.
    pub(super) fn push(&self) {
        let mut at_most = self.buffered();
        while self.sent.get() < self.messages {
            if at_most >= HIGH_WATER {
                at_most = self.buffered();
                if at_most >= HIGH_WATER {
                    return;
                }
            }
            if let Err(error) = self.channel.send_with_u8_array(&self.message) {
                return self.end(Err(error));
            }
            at_most += self.message.len();
            self.sent.set(self.sent.get() + 1);
        }
    }

    /// Counts what has arrived.
    pub(super) fn arrived(&self, message: &[u8]) {
        if message.len() != self.message.len() {
            return self.end(Err(failure("a message was cut")));
        }
        self.received.set(self.received.get() + 1);
        if self.received.get() == self.messages {
            self.end(Ok(()));
        }
    }

    fn buffered(&self) -> usize {
        self.channel.buffered_amount() as usize
    }

    fn end(&self, result: Result<(), JsValue>) {
        // Only the first end counts.
        let _ = self.done.try_send(result);
    }
}
