//! What a case needs of the world around its participants.

use futures_util::future::LocalBoxFuture;
use mesh_core::{IceServer, IceTransportPolicy, LinkConfig};
use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::request::Meeting;
use crate::stream::Weather;

/// A wish of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// A lobby of its own, on a signaling server of its own.
    Meeting,
    /// That signaling server is to end.
    EndSignaling,
    /// That signaling server is to be killed. Whoever wants to reach it is refused then.
    KillSignaling,
    /// Another one with its key is to be started in its place.
    StartSignaling,
    /// This participant is to vanish, without a goodbye: its process is killed.
    Kill {
        /// Its name.
        participant: String,
    },
    /// This participant's page is closed, as a player closes a tab. Only a page can do that.
    ClosePage {
        /// Its name.
        participant: String,
    },
    /// This participant's page is hidden behind another tab. Only a page can be.
    Hide {
        /// Its name.
        participant: String,
    },
    /// A path between the participants that this world can spoil: a TURN server, which each of them is to use and nothing else.
    Detour,
    /// That path is to be as bad as this, in each direction.
    Weather(Weather),
    /// How many messages can have been in what that path has lost or held up so far?
    Spoilt {
        /// Bytes of a message.
        len: usize,
    },
}

/// The answer to a wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// It is so.
    Done,
    /// This world cannot do that; the case goes on without.
    NotHere,
    /// Where to meet.
    Meeting(Meeting),
    /// The TURN server of the detour.
    Detour(Relay),
    /// How many messages.
    Spoilt(u64),
}

/// A TURN server and who may use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relay {
    /// Its address, as ICE writes it.
    pub url: String,
    /// Who may use it.
    pub username: String,
    /// The password.
    pub credential: String,
}

impl Relay {
    /// The settings of a link that goes through it and no other way.
    pub(crate) fn link_config(self) -> LinkConfig {
        LinkConfig {
            ice_servers: vec![IceServer::turn(self.url, self.username, self.credential)],
            ice_transport_policy: IceTransportPolicy::Relay,
        }
    }
}

/// Fulfils a case's wishes: a mock network, a native test process, or a coordinator in another process.
pub trait Environment {
    /// Fulfils one.
    fn ask(&self, ask: Ask) -> LocalBoxFuture<'_, Outcome<Told>>;
}
