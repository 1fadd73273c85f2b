//! A path between two browsers that a case can spoil.
//!
//! A browser's sockets are its own, so the path is laid around them: both browsers may only use a TURN server, and reach it
//! through a forwarder of ours. The forwarder spoils what one browser sends to the other.

mod coturn;
mod forwarder;

use self::coturn::Coturn;
use self::forwarder::Forwarder;
use crate::coturn::{PASSWORD, USER};
use crate::environment::Relay;
use crate::stream::Weather;
use crate::{Failure, Outcome};

/// Such a path; dropping it cuts it.
pub(super) struct Detour(Forwarder);

impl Detour {
    /// One with a forwarder of its own, to the server that all cases of this process share. `None` where coturn is not
    /// installed.
    pub(super) async fn new() -> Outcome<Option<Self>> {
        let Some(server) = Coturn::shared().await? else {
            return Ok(None);
        };
        let forwarder = Forwarder::start(server.address()).await;
        let failed = |error| Failure::new(format!("no forwarder: {error}"));
        forwarder.map(Self).map(Some).map_err(failed)
    }

    /// The TURN server as a browser has to be told of it.
    pub(super) fn relay(&self) -> Relay {
        Relay {
            url: format!("turn:{}?transport=udp", self.0.address()),
            username: USER.to_owned(),
            credential: PASSWORD.to_owned(),
        }
    }

    /// The path is like this from now on, in each direction.
    pub(super) fn set(&self, weather: Weather) {
        self.0.set(weather);
    }

    /// How many messages of so many bytes can have been in what was lost or held up.
    pub(super) fn spoilt(&self, len: usize) -> u64 {
        self.0.spoilt(len)
    }
}
