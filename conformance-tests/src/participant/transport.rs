//! What a case asks of a bare transport.

use std::time::Duration;

use mesh_core::LostReason;
use signaling::{MAX_NOTICE_SIZE, TransportError};

use super::Participant;
use crate::observed::{Heard, Observed};
use crate::refusal::Refusal;
use crate::reply::{Reply, Woken};
use crate::request::{Request, Start, TransportRequest};
use crate::{Failure, Kind, Outcome};

impl Participant {
    /// Becomes a bare transport to this server.
    pub async fn dial(&self, url: &str) -> Outcome {
        self.dial_with(url, MAX_NOTICE_SIZE).await
    }

    /// The same. It takes texts of so many bytes at most.
    pub async fn dial_with(&self, url: &str, max_message_size: usize) -> Outcome {
        if self.kind() == Kind::Mock {
            return Err(Failure::not_run("the mock's signaling has no transport"));
        }
        let url = url.to_owned();
        self.start(Start::Transport {
            url,
            max_message_size,
        })
        .await
    }

    /// The next event of its transport.
    pub async fn heard(&self, what: &str) -> Outcome<Heard> {
        self.note(format!("waits {what}"));
        match self.next().await? {
            Observed::Transport(heard) => Ok(heard),
            event => Err(self.fail(format!("waited {what}, saw {event:?}"))),
        }
    }

    /// Waits until its connection stands.
    pub async fn stands(&self) -> Outcome {
        match self.heard("for the connection to stand").await? {
            Heard::Opened => Ok(()),
            heard => Err(self.fail(format!("{heard:?} instead of Opened"))),
        }
    }

    /// The next text.
    pub async fn text(&self, what: &str) -> Outcome<String> {
        match self.heard(what).await? {
            Heard::Text(text) => Ok(text),
            heard => Err(self.fail(format!("waited {what}, heard {heard:?}"))),
        }
    }

    /// The end of its connection, which must be the next that it hears.
    pub async fn cut_off(&self) -> Outcome<LostReason> {
        match self.heard("for the end of the connection").await? {
            Heard::Closed(reason) => Ok(reason),
            heard => Err(self.fail(format!("{heard:?} instead of the end"))),
        }
    }

    /// Hands a text over so many times; gives how many were taken, or why the first was not.
    pub async fn try_tell_server(
        &self,
        text: String,
        count: u64,
    ) -> Outcome<Result<u64, TransportError>> {
        let request = TransportRequest::Say { text, count };
        match self.attempt(Request::Transport(request)).await? {
            Ok(Reply::Sent(report)) => Ok(Ok(report.messages)),
            Err(Refusal::Transport(error)) => Ok(Err(error)),
            other => Err(self.odd(&other)),
        }
    }

    /// Hands a text over, which must be taken.
    pub async fn tell_server(&self, text: String) -> Outcome {
        match self.try_tell_server(text, 1).await? {
            Ok(_) => Ok(()),
            Err(error) => Err(self.fail(format!("a text was not taken: {error}"))),
        }
    }

    /// Which waker the next text wakes; see [`TransportRequest::Wake`].
    pub async fn wake_by_text(&self, wait: Duration) -> Outcome<Woken> {
        match self
            .ask(Request::Transport(TransportRequest::Wake(wait)))
            .await?
        {
            Reply::Woken(woken) => Ok(woken),
            reply => Err(self.odd(&reply)),
        }
    }

    /// Closes its connection in good order.
    pub async fn hang_up(&self) -> Outcome {
        self.done(Request::Transport(TransportRequest::Close)).await
    }

    /// Abandons its connection and connects anew.
    pub async fn reopen(&self) -> Outcome {
        self.done(Request::Transport(TransportRequest::Reopen))
            .await
    }

    /// The same, to another server.
    pub async fn reopen_at(&self, url: &str) -> Outcome {
        let request = TransportRequest::ReopenAt(url.to_owned());
        self.done(Request::Transport(request)).await
    }

    /// Closes its connection, and says these texts on another.
    pub async fn farewell(&self, texts: Vec<String>) -> Outcome {
        self.done(Request::Transport(TransportRequest::Farewell(texts)))
            .await
    }
}
