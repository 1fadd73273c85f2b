//! How a case's requests reach a participant elsewhere.

use std::cell::Cell;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;

use crate::Outcome;
use crate::conduit::Conduit;
use crate::mailbox::{LOOK, Letter, Mailbox, read, write};
use crate::reply::Reply;
use crate::request::Request;

/// To a participant behind a mailbox.
pub(crate) struct Remote<M> {
    mailbox: Rc<M>,
    address: String,
    calls: Cell<u64>,
}

impl<M: Mailbox> Remote<M> {
    pub(crate) fn new(mailbox: Rc<M>, address: impl Into<String>) -> Self {
        Self {
            mailbox,
            address: address.into(),
            calls: Cell::new(0),
        }
    }
}

impl<M: Mailbox> Conduit for Remote<M> {
    fn call(&self, request: Request) -> LocalBoxFuture<'_, Outcome<Reply>> {
        Box::pin(async move {
            let number = self.calls.get();
            self.calls.set(number + 1);
            let answer = format!("{}.{number}", self.address);
            let letter = write(&Letter {
                answer: answer.clone(),
                request,
            })?;
            self.mailbox.put(&self.address, letter).await?;
            loop {
                if let Some(letter) = self.mailbox.take(&answer, LOOK).await? {
                    return read(&letter);
                }
            }
        })
    }
}
