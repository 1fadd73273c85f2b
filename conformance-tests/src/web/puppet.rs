//! A participant as a page: a host behind the page's WebSocket. What makes a page of it is `conformance-page`.

use std::rc::Rc;

use async_channel::Receiver;
use futures_util::future::{Either, select};

use super::mailbox::PageMailbox;
use super::platform::Web;
use super::vitals;
use crate::conduit::Local;
use crate::host::Host;
use crate::mailbox::{TROUBLE, serve};

/// Sends a text to the coordinator: an address, a line break, and the letter for it.
pub type Post = Rc<dyn Fn(&str)>;

/// Plays the participant that these letters are for, as long as there are any.
pub async fn play(letters: Receiver<String>, post: Post) {
    vitals::count_panics(Rc::clone(&post));
    let platform = match Web::new() {
        Ok(platform) => platform,
        Err(why) => return post(&format!("{TROUBLE}\n{why}")),
    };
    let (conduit, calls) = Local::new();
    let host = Host::new(platform);
    let mailbox = PageMailbox {
        letters,
        post: Rc::clone(&post),
    };
    // The page's mailbox is its own; its address matters at the other end alone.
    let serving = serve(&mailbox, "", conduit.into_calls());
    match select(Box::pin(serving), Box::pin(host.run(calls))).await {
        Either::Left((Err(failure), _)) => post(&format!("{TROUBLE}\n{failure}")),
        Either::Left((Ok(()), _)) | Either::Right(((), _)) => {}
    }
}
