//! What waits to be written to one socket: bounded in bytes, in order, ended by a close.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::goodbye::Goodbye;

/// What a text costs besides its bytes.
const TEXT_COST: usize = 64;

/// Filled under the hub's lock, emptied by the socket's writer; one of each.
#[derive(Debug)]
pub(crate) struct Outbox {
    limit: usize,
    queue: Mutex<Queue>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    texts: VecDeque<Arc<str>>,
    cost: usize,
    goodbye: Option<Goodbye>,
}

/// What the writer does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    Text(Arc<str>),
    /// The last one.
    Close(Goodbye),
}

/// More waits than is allowed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Outbox {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            queue: Mutex::default(),
            filled: Notify::new(),
        }
    }

    /// Adds a text; nothing is added to a closed one.
    pub(crate) fn push(&self, text: Arc<str>) -> Result<(), Full> {
        let mut queue = self.lock();
        if queue.goodbye.is_some() {
            return Ok(());
        }
        let cost = text.len() + TEXT_COST;
        // One text alone always fits: a limit below a message's size must not cut a socket off.
        if queue.cost + cost > self.limit && !queue.texts.is_empty() {
            return Err(Full);
        }
        queue.cost += cost;
        queue.texts.push_back(text);
        drop(queue);
        self.filled.notify_one();
        Ok(())
    }

    /// Ends it, after what waits or instead of it. The first reason stays.
    pub(crate) fn close(&self, goodbye: Goodbye) {
        let mut queue = self.lock();
        if goodbye.is_impatient() {
            queue.texts.clear();
            queue.cost = 0;
        }
        queue.goodbye.get_or_insert(goodbye);
        drop(queue);
        self.filled.notify_one();
    }

    /// Waits for the next thing to write. Cancel-safe.
    pub(crate) async fn next(&self) -> Outgoing {
        loop {
            if let Some(outgoing) = self.pop() {
                return outgoing;
            }
            self.filled.notified().await;
        }
    }

    fn pop(&self) -> Option<Outgoing> {
        let mut queue = self.lock();
        match queue.texts.pop_front() {
            Some(text) => {
                queue.cost = queue.cost.saturating_sub(text.len() + TEXT_COST);
                Some(Outgoing::Text(text))
            }
            None => queue.goodbye.clone().map(Outgoing::Close),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing in here can panic half-way, so a poisoned queue is a whole one.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(length: usize) -> Arc<str> {
        "x".repeat(length).into()
    }

    #[tokio::test]
    async fn texts_come_in_order_and_the_close_last() {
        let outbox = Outbox::new(1000);
        assert_eq!(outbox.push("a".into()), Ok(()));
        assert_eq!(outbox.push("b".into()), Ok(()));
        outbox.close(Goodbye::HostLeft);
        outbox.close(Goodbye::ShuttingDown);
        assert_eq!(outbox.push("c".into()), Ok(()));
        assert_eq!(outbox.next().await, Outgoing::Text("a".into()));
        assert_eq!(outbox.next().await, Outgoing::Text("b".into()));
        assert_eq!(outbox.next().await, Outgoing::Close(Goodbye::HostLeft));
    }

    #[tokio::test]
    async fn it_is_bounded_and_has_room_again() {
        let outbox = Outbox::new(2 * (100 + TEXT_COST));
        assert_eq!(outbox.push(text(100)), Ok(()));
        assert_eq!(outbox.push(text(100)), Ok(()));
        assert_eq!(outbox.push(text(0)), Err(Full));
        outbox.next().await;
        assert_eq!(outbox.push(text(100)), Ok(()));
    }

    #[test]
    fn by_default_no_sender_can_overflow_anothers_outbox() {
        let config = crate::Config::default();
        let burst = usize::try_from(config.message_burst).expect("a burst fits");
        assert!(burst * (256 + TEXT_COST) < config.max_outgoing);
    }

    #[tokio::test]
    async fn who_does_not_read_is_not_sent_the_rest() {
        let outbox = Outbox::new(1000);
        assert_eq!(outbox.push(text(1)), Ok(()));
        let goodbye = Goodbye::TooSlow { limit: 1000 };
        outbox.close(goodbye.clone());
        assert_eq!(outbox.next().await, Outgoing::Close(goodbye));
    }

    #[tokio::test]
    async fn a_waiting_writer_is_woken() {
        let outbox = Arc::new(Outbox::new(1000));
        let writer = tokio::spawn({
            let outbox = Arc::clone(&outbox);
            async move { outbox.next().await }
        });
        tokio::task::yield_now().await;
        assert_eq!(outbox.push("a".into()), Ok(()));
        assert_eq!(writer.await.expect("no panic"), Outgoing::Text("a".into()));
    }
}
