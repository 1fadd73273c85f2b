//! A transport with a planted fault: any transport, made to break its contract.

use std::task::{Context, Poll, Waker};

use mesh_core::LostReason;
use signaling::{Transport, TransportError, TransportEvent};

use super::fault::Fault;

/// A [`Transport`] that breaks the contract as planted, and is faithful in everything else. Without a fault it changes nothing.
pub(crate) struct FaultyTransport<T> {
    inner: T,
    fault: Option<Fault>,
    has_opened: bool,
    has_ended: bool,
    has_sent: bool,
    /// What is to be reported once more.
    again: Option<TransportEvent>,
    /// The newest text, which goes out before the next one.
    held: Option<String>,
    /// The first waker ever given.
    first_waker: Option<Waker>,
}

impl<T: Transport> FaultyTransport<T> {
    pub(crate) const fn new(inner: T, fault: Option<Fault>) -> Self {
        Self {
            inner,
            fault,
            has_opened: false,
            has_ended: false,
            has_sent: false,
            again: None,
            held: None,
            first_waker: None,
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn distort(&mut self, event: TransportEvent) -> TransportEvent {
        match &event {
            TransportEvent::Opened => {
                self.has_opened = true;
                if self.has(Fault::TransportOpensTwice) {
                    self.again = Some(event.clone());
                }
            }
            TransportEvent::Text(_) if self.has(Fault::TransportRepeatsTexts) => {
                self.again = Some(event.clone());
            }
            TransportEvent::Closed { reason } => {
                self.has_ended = true;
                if self.has(Fault::TransportClosedTwice) {
                    self.again = Some(event.clone());
                }
                let is_refused = matches!(reason, LostReason::Refused { .. });
                if is_refused && self.has(Fault::TransportSwallowsWords) {
                    let reason = LostReason::Closed;
                    return TransportEvent::Closed { reason };
                }
            }
            _ => {}
        }
        event
    }
}

impl<T: Transport> Transport for FaultyTransport<T> {
    fn send(&mut self, text: String) -> Result<(), TransportError> {
        // The first is sent, because nothing happens without it.
        if self.has(Fault::TransportLosesLastText) && self.has_sent {
            let before = self.held.replace(text);
            return match before {
                Some(text) => self.inner.send(text),
                None => Ok(()),
            };
        }
        self.has_sent = self.has_opened;
        let sent = self.inner.send(text);
        let takes_all = self.has(Fault::TransportNeverFull) && self.has_opened && !self.has_ended;
        let takes_early = self.has(Fault::TransportTakesEarly) && !self.has_opened;
        if takes_all || takes_early {
            return Ok(());
        }
        sent
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<TransportEvent> {
        if let Some(event) = self.again.take() {
            return Poll::Ready(event);
        }
        let event = if self.has(Fault::TransportWakesFirstWaker) {
            let first = self.first_waker.get_or_insert_with(|| cx.waker().clone());
            self.inner.poll_event(&mut Context::from_waker(first))
        } else {
            self.inner.poll_event(cx)
        };
        event.map(|event| self.distort(event))
    }

    fn close(&mut self) {
        if self.has(Fault::TransportReportsOwnClose) {
            let reason = LostReason::Closed;
            self.again = Some(TransportEvent::Closed { reason });
        }
        self.inner.close();
    }

    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.inner.poll_closed(cx)
    }

    fn reopen(&mut self) -> Result<(), TransportError> {
        if self.has(Fault::TransportStaysClosed) {
            self.inner.close();
            return Ok(());
        }
        if self.has(Fault::TransportLeavesToReopen) {
            self.inner.close();
            // What closes it may be another thread: it is abandoned only once its goodbye is out. A page closes it at once.
            #[cfg(not(target_arch = "wasm32"))]
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        self.inner.reopen()
    }

    fn reopen_at(&mut self, url: &str) -> Result<(), TransportError> {
        if self.has(Fault::TransportStaysAtHome) {
            return self.inner.reopen();
        }
        self.inner.reopen_at(url)
    }

    fn url(&self) -> Option<&str> {
        self.inner.url()
    }

    fn farewell(&mut self, texts: Vec<String>) {
        if self.has(Fault::TransportSwallowsFarewell) {
            self.inner.close();
        } else {
            self.inner.farewell(texts);
        }
    }
}
