//! Requests to a bare transport.

use signaling::Transport;

use super::stack::Stack;
use super::{Host, wake};
use crate::platform::Platform;
use crate::refusal::Refusal;
use crate::reply::{Reply, SentReport};
use crate::request::TransportRequest;

impl<P: Platform> Host<P> {
    pub(super) async fn transport(&mut self, request: TransportRequest) -> Result<Reply, Refusal> {
        let Stack::Transport { transport, .. } = &mut self.stack else {
            return Err(Refusal::Suite(
                "this participant is no bare transport".to_owned(),
            ));
        };
        match request {
            TransportRequest::Say { text, count } => {
                let mut report = SentReport::default();
                for _ in 0..count {
                    match transport.send(text.clone()) {
                        Ok(()) => report.messages += 1,
                        Err(_) if report.messages > 0 => break,
                        Err(error) => return Err(error.into()),
                    }
                }
                return Ok(Reply::Sent(report));
            }
            TransportRequest::Wake(wait) => {
                let limit = self.platform.sleep(wait);
                let (woken, entries) = wake::watch(transport.as_mut(), None, limit).await;
                for entry in entries {
                    self.note(entry);
                }
                return Ok(Reply::Woken(woken));
            }
            TransportRequest::Close => transport.close(),
            TransportRequest::Reopen => transport.reopen()?,
            TransportRequest::ReopenAt(url) => transport.reopen_at(&url)?,
            TransportRequest::Farewell(texts) => transport.farewell(texts),
        }
        Ok(Reply::Done)
    }
}
