//! What a case asks of a participant about weather and streams.

use super::Participant;
use crate::Outcome;
use crate::reply::Reply;
use crate::request::Request;
use crate::stream::{Arrival, Stream, StreamRequest, Weather};

impl Participant {
    /// Makes the path to all others as bad as this, both ways; whether that is in its power. To be asked once before the
    /// start, for sockets that obey.
    pub async fn weather(&self, weather: Weather) -> Outcome<bool> {
        match self.ask(Request::Weather(weather)).await? {
            Reply::Flag(obeys) => Ok(obeys),
            reply => Err(self.odd(&reply)),
        }
    }

    /// How many messages of so many bytes can have been in what its weather has lost or held up so far.
    pub async fn spoilt(&self, len: usize) -> Outcome<u64> {
        match self.ask(Request::Spoilt { len }).await? {
            Reply::Count(count) => Ok(count),
            reply => Err(self.odd(&reply)),
        }
    }

    /// Sends a stream to its end; gives when each step was taken, on its clock, in microseconds.
    pub async fn stream(&self, stream: Stream) -> Outcome<Vec<u64>> {
        let request = Request::Stream(StreamRequest::Send(stream));
        match self.ask(request).await? {
            Reply::Streamed(sent_at) => Ok(sent_at),
            reply => Err(self.odd(&reply)),
        }
    }

    /// Notes from now on when a numbered message arrives.
    pub async fn listen(&self) -> Outcome {
        self.done(Request::Stream(StreamRequest::Listen)).await
    }

    /// What has arrived since it listens, in that order.
    pub async fn arrivals(&self) -> Outcome<Vec<Arrival>> {
        match self.ask(Request::Stream(StreamRequest::Report)).await? {
            Reply::Arrivals(arrivals) => Ok(arrivals),
            reply => Err(self.odd(&reply)),
        }
    }
}
