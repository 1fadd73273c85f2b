//! A participant as a process: a host behind a mailbox. The program around it is `conformance-puppet`.

use futures_util::future::{Either, select};
use tokio::runtime::Handle;

use super::http::HttpMailbox;
use super::platform::{Native, Threads};
use super::vitals;
use crate::Outcome;
use crate::conduit::Local;
use crate::host::Host;
use crate::mailbox::serve;

/// Plays the participant `name` for the coordinator at `url`, until that is gone.
///
/// # Errors
///
/// What went wrong with the coordinator; its being gone is the ordinary end.
pub async fn play(url: &str, name: &str) -> Outcome {
    vitals::count_panics();
    let (conduit, calls) = Local::new();
    let host = Host::new(Native::new(&Handle::current(), Threads::Given, true));
    let mailbox = HttpMailbox::new(url);
    let serving = serve(&mailbox, name, conduit.into_calls());
    match select(Box::pin(serving), Box::pin(host.run(calls))).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(((), _)) => Ok(()),
    }
}
