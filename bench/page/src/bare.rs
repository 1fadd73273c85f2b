//! The baseline: bare web-sys with the same settings, as directly as it can be written.
//!
//! What arrives is copied out of JavaScript and worked on in the channel's own callback, without a queue or a task in between.
//! Shares no code with backend-web.

mod end;
mod flood;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use async_channel::Sender;
use futures_util::future::try_join;
use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{RtcPeerConnectionIceEvent, RtcSessionDescriptionInit};

use crate::bare::end::{Callback, End, bytes};
use crate::bare::flood::Flood;
use crate::pair::{GAME_MESSAGE, Pair, failure};
use crate::time::Clock;

/// Two connections in this page.
pub(crate) struct BarePair {
    a: End,
    b: End,
}

impl Pair for BarePair {
    async fn open() -> Result<Self, JsValue> {
        let (open, opened) = async_channel::unbounded();
        let (a, b) = (End::new(&open)?, End::new(&open)?);
        let _candidates = (trickle(&a, &b), trickle(&b, &a));
        let offer = JsFuture::from(a.connection.create_offer()).await?;
        describe(&offer, &a, &b).await?;
        let answer = JsFuture::from(b.connection.create_answer()).await?;
        describe(&answer, &b, &a).await?;
        for _ in 0..a.channels.len() + b.channels.len() {
            let open = opened.recv().await;
            open.map_err(|_| failure("a connection ended before its channels were open"))?;
        }
        a.connection.set_onicecandidate(None);
        b.connection.set_onicecandidate(None);
        Ok(Self { a, b })
    }

    async fn flood(&mut self, size: usize, messages: u32) -> Result<(), JsValue> {
        let (done, ended) = async_channel::bounded(1);
        let (sender, receiver) = (self.a.reliable(), self.b.reliable());
        let flood = Rc::new(Flood::new(sender.clone(), size, messages, done));
        let arrived = Rc::clone(&flood);
        let message = Callback::new(move |event| arrived.arrived(&bytes(&event)));
        receiver.set_onmessage(Some(message.as_ref().unchecked_ref()));
        let room = Rc::clone(&flood);
        let low = Callback::new(move |_| room.push());
        sender.set_onbufferedamountlow(Some(low.as_ref().unchecked_ref()));
        flood.push();
        let result = ended.recv().await;
        receiver.set_onmessage(None);
        sender.set_onbufferedamountlow(None);
        result.map_err(|_| failure("the flood ended early"))?
    }

    async fn round_trips(&mut self, clock: &Clock, count: usize) -> Result<Vec<f64>, JsValue> {
        const MESSAGE: [u8; GAME_MESSAGE] = [0x5a; GAME_MESSAGE];
        let (done, ended) = async_channel::bounded(1);
        let (pinger, answerer) = (self.a.reliable().clone(), self.b.reliable().clone());

        let (channel, fail) = (answerer.clone(), done.clone());
        let answer = Callback::new(move |event| {
            if let Err(error) = channel.send_with_u8_array(&bytes(&event)) {
                fail_with(&fail, error);
            }
        });
        answerer.set_onmessage(Some(answer.as_ref().unchecked_ref()));

        let (channel, clock) = (pinger.clone(), clock.clone());
        let start = Rc::new(Cell::new(clock.now()));
        let (trips, started) = (RefCell::new(Vec::with_capacity(count)), Rc::clone(&start));
        let (again, fail) = (clock.clone(), done.clone());
        let back = Callback::new(move |event| {
            let _message = bytes(&event);
            let mut trips = trips.borrow_mut();
            trips.push(clock.now() - started.get());
            if trips.len() == count {
                let _ = done.try_send(Ok(trips.split_off(0)));
                return;
            }
            started.set(clock.now());
            if let Err(error) = channel.send_with_u8_array(&MESSAGE) {
                fail_with(&fail, error);
            }
        });
        pinger.set_onmessage(Some(back.as_ref().unchecked_ref()));
        start.set(again.now());
        pinger.send_with_u8_array(&MESSAGE)?;
        let result = ended.recv().await;
        pinger.set_onmessage(None);
        answerer.set_onmessage(None);
        result.map_err(|_| failure("the round trips ended early"))?
    }

    fn close(self) {
        self.a.close();
        self.b.close();
    }
}

/// What failed in a callback, for whoever waits.
fn fail_with<T>(done: &Sender<Result<T, JsValue>>, error: JsValue) {
    let _ = done.try_send(Err(error));
}

/// Hands the candidates of one end to the other, as long as the callback is held.
fn trickle(from: &End, to: &End) -> Callback {
    let other = to.connection.clone();
    let callback = Callback::new(move |event: JsValue| {
        let event: &RtcPeerConnectionIceEvent = event.unchecked_ref();
        if let Some(candidate) = event.candidate() {
            // One that cannot be used is left out.
            let _ = other.add_ice_candidate_with_opt_rtc_ice_candidate(Some(&candidate));
        }
    });
    let function = callback.as_ref().unchecked_ref();
    from.connection.set_onicecandidate(Some(function));
    callback
}

/// Applies a description at both ends. The far side begins at once, so that no candidate comes before.
async fn describe(description: &JsValue, local: &End, remote: &End) -> Result<(), JsValue> {
    let description: &RtcSessionDescriptionInit = description.unchecked_ref();
    let applied = |promise: Promise| JsFuture::from(promise);
    let at_local = applied(local.connection.set_local_description(description));
    let at_remote = applied(remote.connection.set_remote_description(description));
    try_join(at_local, at_remote).await.map(drop)
}
