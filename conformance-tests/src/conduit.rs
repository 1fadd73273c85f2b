//! How a case's requests reach a participant: straight in the same process, or through a mailbox.

use async_channel::{Receiver, Sender};
use futures_util::future::LocalBoxFuture;

use crate::host::Call;
use crate::reply::Reply;
use crate::request::Request;
use crate::{Failure, Outcome};

/// Carries one request and its answer. Requests may overlap; what is given up half way must do no harm.
pub trait Conduit {
    /// Asks, and waits for the answer.
    fn call(&self, request: Request) -> LocalBoxFuture<'_, Outcome<Reply>>;
}

/// Requests that may wait for a host at once; cases await most of theirs one by one.
const CALLS: usize = 64;

/// To a host in this process.
pub(crate) struct Local {
    calls: Sender<Call>,
}

impl Local {
    /// The conduit, and what its host is to read.
    pub(crate) fn new() -> (Self, Receiver<Call>) {
        let (calls, host) = async_channel::bounded(CALLS);
        (Self { calls }, host)
    }

    /// What a host's requests go into, for whoever carries them there.
    pub(crate) fn into_calls(self) -> Sender<Call> {
        self.calls
    }
}

impl Conduit for Local {
    fn call(&self, request: Request) -> LocalBoxFuture<'_, Outcome<Reply>> {
        Box::pin(async move {
            let (answer, answered) = async_channel::bounded(1);
            let gone = |_| Failure::new("the host is gone");
            self.calls
                .send(Call { request, answer })
                .await
                .map_err(|_| Failure::new("the host is gone"))?;
            answered.recv().await.map_err(gone)
        })
    }
}
