//! What keeps the leases of all instances: a few scripts in Redis or Valkey.

#[cfg(not(feature = "redis"))]
mod missing;
#[cfg(feature = "redis")]
mod redis;

use std::time::Duration;

use thiserror::Error;

#[cfg(not(feature = "redis"))]
pub(super) use self::missing::Broker;
#[cfg(feature = "redis")]
pub(super) use self::redis::Broker;

/// How long an answer may take. A test's own broker answers on a busy machine, too.
#[cfg(feature = "redis")]
const DEADLINE: Duration = Duration::from_secs(if cfg!(test) { 20 } else { 2 });

/// What is wrong with the broker.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// The crate was built without its feature `redis`.
    #[error("several instances need a build with the feature `redis`")]
    NotBuilt,
    /// The URL is none of Redis.
    #[error("the URL of the broker cannot be used: {0}")]
    Url(String),
    /// It cannot be reached, does not answer in time, or answers with an error.
    #[error("the broker does not serve: {0}")]
    Unavailable(String),
}

/// Why somebody asks for an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To take what nobody has.
    Make,
    /// The same, for a name that is new and that nobody guesses.
    Fresh,
    /// To join what somebody has.
    Find,
    /// To come back, also to what has lost its owner.
    Back,
}

/// What the broker says about a key.
#[cfg_attr(
    not(feature = "redis"),
    expect(dead_code, reason = "there is no broker to say it")
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is the asker's now, and nobody had it.
    Made { fence: u64 },
    /// It is the asker's, who has asked before.
    Again { fence: u64 },
    /// It is the asker's now; its owner before has died.
    Heir { fence: u64 },
    /// It is another one's.
    Held { fence: u64, owner: String },
    /// Its owner has died, and only who was there may come back, for so long.
    Orphan { within: Duration },
    /// Nobody has it.
    Nobody,
    /// The broker has forgotten everything, or has old data. For so long it gives nothing, and those who have something say so.
    Wait { within: Duration },
}

/// What the broker says about leases that were to be renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// Whether they last for another term. A broker that has forgotten everything only writes them down at first.
    pub(super) is_lengthened: bool,
    /// For each the number under which it is ours, 0 if it is another one's.
    pub(super) fences: Vec<u64>,
}
