//! The faults in what is sent.

use core::fmt;
use std::future::poll_fn;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use webrtc::runtime::{AsyncUdpSocket, Transmit};

use super::WAITING;
use crate::{Fate, Judge};

/// What is between a connection and its socket on the way out.
pub(super) struct Outgoing {
    inner: Arc<dyn AsyncUdpSocket>,
    judge: Mutex<Judge>,
    waiting: Arc<AtomicUsize>,
}

impl Outgoing {
    pub(super) fn new(inner: Arc<dyn AsyncUdpSocket>, judge: Judge) -> Self {
        Self {
            inner,
            judge: Mutex::new(judge),
            waiting: Arc::default(),
        }
    }

    pub(super) fn poll_send(
        &self,
        cx: &mut Context<'_>,
        transmit: &Transmit<'_>,
    ) -> Poll<io::Result<usize>> {
        // One that the kernel has no room for is judged again when it is tried again.
        let fate = {
            let mut judge = self.judge.lock().unwrap_or_else(PoisonError::into_inner);
            judge(transmit.contents)
        };
        match fate {
            Fate::Deliver | Fate::Hold | Fate::Release => self.inner.poll_send(cx, transmit),
            Fate::Lose => Poll::Ready(Ok(transmit.contents.len())),
            Fate::Delay(delay) => {
                self.send_later(delay, transmit);
                Poll::Ready(Ok(transmit.contents.len()))
            }
        }
    }

    /// As a path would: whoever sent it has done with it, and the socket lives until it is gone.
    fn send_later(&self, delay: Duration, transmit: &Transmit<'_>) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let (inner, waiting) = (Arc::clone(&self.inner), Arc::clone(&self.waiting));
        let contents = transmit.contents.to_vec();
        let (destination, ecn, src_ip) = (transmit.destination, transmit.ecn, transmit.src_ip);
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let transmit = Transmit {
                destination,
                ecn,
                contents: &contents,
                segment_size: None,
                src_ip,
            };
            // An error here is one more loss.
            let _ = poll_fn(|cx| inner.poll_send(cx, &transmit)).await;
            waiting.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}
