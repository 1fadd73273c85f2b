//! What a case needs of the world around its participants.

use futures_util::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::request::Meeting;

/// A wish of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// A lobby of its own, on a signaling server of its own.
    Meeting,
    /// That signaling server is to end.
    EndSignaling,
    /// That signaling server is to be killed, and another with its key is to be started in its place.
    RestartSignaling,
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
}

/// Fulfils a case's wishes: a mock network, a native test process, or a coordinator in another process.
pub trait Environment {
    /// Fulfils one.
    fn ask(&self, ask: Ask) -> LocalBoxFuture<'_, Outcome<Told>>;
}
