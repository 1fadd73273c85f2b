//! The mailbox of a page: what it is sent comes from outside, what it sends goes out at once.

use std::time::Duration;

use async_channel::Receiver;
use futures_util::future::LocalBoxFuture;

use super::puppet::Post;
use crate::mailbox::Mailbox;
use crate::{Failure, Outcome};

/// Of one page, which is one participant.
pub(super) struct PageMailbox {
    pub(super) letters: Receiver<String>,
    pub(super) post: Post,
}

impl Mailbox for PageMailbox {
    fn put(&self, address: &str, letter: String) -> LocalBoxFuture<'_, Outcome> {
        (self.post)(&format!("{address}\n{letter}"));
        Box::pin(std::future::ready(Ok(())))
    }

    fn take(&self, _address: &str, _wait: Duration) -> LocalBoxFuture<'_, Outcome<Option<String>>> {
        Box::pin(async {
            let letter = self.letters.recv().await;
            letter
                .map(Some)
                .map_err(|_| Failure::new("the page takes no letters any more"))
        })
    }
}
