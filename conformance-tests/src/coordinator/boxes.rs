//! Mailboxes, shared between the server and the cases of this process.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_channel::{Receiver, Sender};
use futures_util::future::LocalBoxFuture;
use tokio::sync::Notify;

use crate::mailbox::Mailbox;
use crate::{Failure, Outcome};

/// Letters that wait in one mailbox at most; a participant that reads none of so many is gone.
const LETTERS: usize = 256;

/// Every mailbox by its address.
#[derive(Clone, Default)]
pub(crate) struct Boxes(Arc<Inner>);

#[derive(Default)]
struct Inner {
    slots: Mutex<BTreeMap<String, Arc<Slot>>>,
    /// Who is told when something is wrong with the owner of a mailbox.
    watches: Mutex<BTreeMap<String, Sender<String>>>,
}

#[derive(Default)]
struct Slot {
    letters: Mutex<VecDeque<String>>,
    arrived: Notify,
}

impl Boxes {
    fn slot(&self, address: &str) -> Arc<Slot> {
        Arc::clone(lock(&self.0.slots).entry(address.to_owned()).or_default())
    }

    /// Whether there was room.
    pub(crate) fn put_now(&self, address: &str, letter: String) -> bool {
        let slot = self.slot(address);
        let mut letters = lock(&slot.letters);
        if letters.len() == LETTERS {
            return false;
        }
        letters.push_back(letter);
        drop(letters);
        slot.arrived.notify_one();
        true
    }

    pub(crate) async fn wait(&self, address: &str, wait: Duration) -> Option<String> {
        let slot = self.slot(address);
        let letter = tokio::time::timeout(wait, async {
            loop {
                let letter = lock(&slot.letters).pop_front();
                match letter {
                    Some(letter) => return letter,
                    None => slot.arrived.notified().await,
                }
            }
        })
        .await
        .ok();
        // An answer's mailbox has one letter in its life.
        if letter.is_some() && address.contains('.') {
            self.forget(address);
        }
        letter
    }

    /// Drops a mailbox that nobody will read any more.
    pub(crate) fn forget(&self, address: &str) {
        lock(&self.0.slots).remove(address);
        lock(&self.0.watches).remove(address);
    }

    /// Says from now on when something is wrong with the owner of a mailbox, until that is taken back.
    pub(crate) fn watch(&self, address: &str) -> Receiver<String> {
        let (say, said) = async_channel::bounded(1);
        lock(&self.0.watches).insert(address.to_owned(), say);
        said
    }

    /// Takes a [`watch`](Self::watch) back: the owner is to go.
    pub(crate) fn unwatch(&self, address: &str) {
        lock(&self.0.watches).remove(address);
    }

    /// Says what is wrong with the owner of a mailbox; the first word counts.
    pub(crate) fn trouble(&self, address: &str, what: &str) {
        if let Some(watch) = lock(&self.0.watches).get(address) {
            let _ = watch.try_send(what.to_owned());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mailbox for Boxes {
    fn put(&self, address: &str, letter: String) -> LocalBoxFuture<'_, Outcome> {
        let is_put = self.put_now(address, letter);
        let outcome = if is_put {
            Ok(())
        } else {
            Err(Failure::new(format!("{address} does not read its mailbox")))
        };
        Box::pin(std::future::ready(outcome))
    }

    fn take(&self, address: &str, wait: Duration) -> LocalBoxFuture<'_, Outcome<Option<String>>> {
        let address = address.to_owned();
        Box::pin(async move { Ok(self.wait(&address, wait).await) })
    }
}
