//! How a link is told to end, whatever it is waiting for.

use std::cell::RefCell;
use std::convert::Infallible;

use async_channel::{Receiver, Sender};
use futures_util::future::{Either, select};
use js_sys::{Array, Function, Promise};
use mesh_core::{CloseReason, Duration};
use std::pin::pin;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

/// Ends a link from outside: once, at once, for good.
pub(crate) struct Ending {
    how: RefCell<Option<(CloseReason, Duration)>>,
    // Nothing is ever sent: that it is closed is the message.
    told: Sender<Infallible>,
    listening: Receiver<Infallible>,
    /// Ends the wait for the promise of now.
    interrupt: RefCell<Option<Function>>,
}

impl Ending {
    pub(crate) fn new() -> Self {
        let (told, listening) = async_channel::bounded(1);
        Self {
            how: RefCell::new(None),
            told,
            listening,
            interrupt: RefCell::new(None),
        }
    }

    /// The link is to end, for this reason and after at most that long. Only the first call counts.
    pub(crate) fn end(&self, reason: CloseReason, linger: Duration) {
        if self.how.borrow().is_some() {
            return;
        }
        self.how.replace(Some((reason, linger)));
        self.told.close();
        let interrupt = self.interrupt.take();
        if let Some(interrupt) = interrupt {
            let _ = interrupt.call0(&JsValue::UNDEFINED);
        }
    }

    /// Does something until it is done or the link is to end.
    pub(crate) async fn before<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, (CloseReason, Duration)> {
        match select(pin!(self.listening.recv()), pin!(work)).await {
            Either::Right((output, _)) => Ok(output),
            Either::Left(_) => {
                let how = self.how.borrow().clone();
                Err(how.unwrap_or((CloseReason::Local, Duration::ZERO)))
            }
        }
    }

    /// Waits for a promise, within [`before`](Self::before); one at a time.
    ///
    /// A closed connection never settles its promises, and whoever waits for one has given the browser two callbacks. So the
    /// browser waits for the end of the link as well: with a promise for each wait, because one for all would remember every
    /// value until the link's end.
    pub(crate) async fn settled(&self, promise: &Promise) -> Result<JsValue, JsValue> {
        let mut resolve = None;
        let ended = Promise::new(&mut |function, _| resolve = Some(function));
        if self.how.borrow().is_some() {
            return Ok(JsValue::UNDEFINED);
        }
        self.interrupt.replace(resolve);
        let first = Promise::race(&Array::of2(promise, &ended));
        let settled = JsFuture::from(first).await;
        self.interrupt.take();
        settled
    }
}
