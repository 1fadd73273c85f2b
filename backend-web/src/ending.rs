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
    promise: Promise,
    resolve: Function,
}

impl Ending {
    pub(crate) fn new() -> Self {
        let (told, listening) = async_channel::bounded(1);
        let mut resolve = None;
        let promise = Promise::new(&mut |function, _| resolve = Some(function));
        Self {
            how: RefCell::new(None),
            told,
            listening,
            promise,
            // Called before `new` returns; without it, waits end with what they wait for.
            resolve: resolve.unwrap_or_default(),
        }
    }

    /// The link is to end, for this reason and after at most that long. Only the first call counts.
    pub(crate) fn end(&self, reason: CloseReason, linger: Duration) {
        if self.how.borrow().is_some() {
            return;
        }
        self.how.replace(Some((reason, linger)));
        self.told.close();
        let _ = self.resolve.call0(&JsValue::UNDEFINED);
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

    /// Waits for a promise, within [`before`](Self::before).
    ///
    /// A closed connection never settles its promises, and whoever waits for one has given the browser two callbacks. So the
    /// browser waits for the end of the link as well.
    pub(crate) async fn settled(&self, promise: &Promise) -> Result<JsValue, JsValue> {
        let first = Promise::race(&Array::of2(promise, &self.promise));
        JsFuture::from(first).await
    }
}
