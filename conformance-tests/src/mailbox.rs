//! Participants elsewhere: requests and answers as text through mailboxes that a coordinator keeps.
//!
//! One mailbox a participant, and one an answer, called `address.number`. A process polls its mailbox over HTTP, a page has
//! a WebSocket to it.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use async_channel::Sender;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde::{Deserialize, Serialize};

use crate::host::Call;
use crate::request::Request;
use crate::{Failure, Outcome};

/// How long one look into a mailbox lasts at most.
pub(crate) const LOOK: Duration = Duration::from_secs(10);

/// What a page puts in place of an address to say that something is wrong with it.
pub(crate) const TROUBLE: &str = "!";

/// The few things that a participant or a case needs of a coordinator.
pub trait Mailbox {
    /// Puts a letter into a mailbox, which need not exist yet.
    fn put(&self, address: &str, letter: String) -> LocalBoxFuture<'_, Outcome>;

    /// Takes the oldest letter out of a mailbox; waits so long for one.
    fn take(&self, address: &str, wait: Duration) -> LocalBoxFuture<'_, Outcome<Option<String>>>;
}

/// A request on its way to a participant.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Letter {
    /// Where the answer goes.
    pub(crate) answer: String,
    pub(crate) request: Request,
}

pub(crate) fn write(letter: &impl Serialize) -> Outcome<String> {
    serde_json::to_string(letter).map_err(|error| Failure::new(format!("unwritable: {error}")))
}

pub(crate) fn read<'a, T: Deserialize<'a>>(letter: &'a str) -> Outcome<T> {
    serde_json::from_str(letter)
        .map_err(|error| Failure::new(format!("unreadable: {error}: {letter}")))
}

/// Answers what comes into a mailbox with a host in this process, until one of the two is gone.
pub(crate) async fn serve<M: Mailbox>(mailbox: &M, address: &str, calls: Sender<Call>) -> Outcome {
    let mut answers = FuturesUnordered::new();
    loop {
        let mut look = mailbox.take(address, LOOK);
        let letter = poll_fn(|cx| {
            while let Poll::Ready(Some(answered)) = answers.poll_next_unpin(cx) {
                if let Err(failure) = answered {
                    return Poll::Ready(Err(failure));
                }
            }
            look.as_mut().poll(cx)
        })
        .await?;
        let Some(letter) = letter else { continue };
        let Letter { answer, request } = read(&letter)?;
        let (reply, replied) = async_channel::bounded(1);
        let call = Call {
            request,
            answer: reply,
        };
        if calls.send(call).await.is_err() {
            return Ok(());
        }
        answers.push(async move {
            // A host that is gone answers nobody.
            let Ok(reply) = replied.recv().await else {
                return Ok(());
            };
            mailbox.put(&answer, write(&reply)?).await
        });
    }
}
