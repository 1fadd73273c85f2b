//! A channel that gives way to others: how what waits goes to the browser.

use super::{Channel, State};
use crate::clock::Clock;
use crate::control::Control;
use crate::pacer::Pacer;

impl Channel {
    /// Gives the browser as much of what waits as it may have.
    pub(super) fn pump(&self, pacer: &Pacer, clock: &Clock) {
        if let Some(control) = self.ends.control.as_ref().filter(|far| far.is_open()) {
            return self.pump_asking(pacer, clock, control);
        }
        while let Some(payload) = pacer.next(clock.now(), self.browser_buffer()) {
            if self.hand_over(&payload).is_err() {
                pacer.put_back(payload);
                break;
            }
        }
        // Once nothing waits here, the browser is to tell where a channel without a pacer has it told.
        let low = self.ends.outbox.low_water();
        let mark = if pacer.bytes() > 0 { pacer.mark() } else { low };
        self.inner.set_buffered_amount_low_threshold(mark);
    }

    /// The same, where the far side tells what has arrived.
    fn pump_asking(&self, pacer: &Pacer, clock: &Clock, control: &Control) {
        let low = self.ends.outbox.low_water();
        self.inner.set_buffered_amount_low_threshold(low);
        let flight = pacer.flight();
        loop {
            // Also before anything is sent: the window may have become smaller than what was not asked for.
            if flight.borrow().wants_to_ask() {
                let stream = self.inner.id();
                let asked =
                    stream.and_then(|stream| control.finish(vec![(stream, self.sent.get())]));
                match asked {
                    Some(number) => flight.borrow_mut().asked(clock.now(), number),
                    None => flight.borrow_mut().forget(),
                }
            }
            if !flight.borrow().has_room() {
                return;
            }
            let Some(payload) = pacer.take() else { return };
            if self.hand_over(&payload).is_err() {
                pacer.put_back(payload);
                return;
            }
            flight.borrow_mut().sent(payload.len().max(1));
        }
    }

    /// The far side may have told what has arrived.
    pub(crate) fn answered(&self) {
        let (Some((pacer, clock)), Some(control)) = (&self.ends.pacer, &self.ends.control) else {
            return;
        };
        let is_answered = |number| control.is_finished(number);
        let any = pacer
            .flight()
            .borrow_mut()
            .answered(clock.now(), is_answered);
        if !any || self.state.get() != State::Open {
            return;
        }
        self.pump(pacer, clock);
        // The browser tells of its own buffer only.
        if !self.ends.outbox.is_above_low(self.buffered()) && pacer.below_low() {
            self.report_low();
        }
    }
}
