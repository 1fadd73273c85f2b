//! What an operator says about the other instances.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// How a server shares its lobbies with other instances of it, over Redis or Valkey.
///
/// All instances have the same [`Config::resume_key`](crate::Config::resume_key), which this needs, and the same settings.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterConfig {
    /// The broker: `redis://` or, with TLS, `rediss://`, with user, password and database in it if need be.
    pub redis: String,
    /// Where other instances connect to, in plain HTTP. It must not be reached from outside.
    pub bind: SocketAddr,
    /// The address that they are told, if it is another one than `bind`. A `bind` of all addresses, as `0.0.0.0`, needs one.
    pub advertise: Option<SocketAddr>,
    /// How long a lobby is its owner's without a renewal: 10 s. So long it takes until another instance has the lobbies of one that
    /// has died. Owners renew three times as often.
    pub lease: Duration,
}

impl ClusterConfig {
    /// The shortest [`lease`](Self::lease) that counts: a second.
    pub const MIN_LEASE: Duration = Duration::from_secs(1);

    /// The longest one: five minutes.
    pub const MAX_LEASE: Duration = Duration::from_secs(300);

    /// The usual lease.
    pub const DEFAULT_LEASE: Duration = Duration::from_secs(10);

    /// The usual settings.
    #[must_use]
    pub fn new(redis: impl Into<String>, bind: SocketAddr) -> Self {
        Self {
            redis: redis.into(),
            bind,
            advertise: None,
            lease: Self::DEFAULT_LEASE,
        }
    }

    /// The lease within its bounds.
    pub(super) fn term(&self) -> Duration {
        self.lease.clamp(Self::MIN_LEASE, Self::MAX_LEASE)
    }
}

/// Without the broker's URL, which may hold a password.
impl fmt::Debug for ClusterConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterConfig")
            .field("bind", &self.bind)
            .field("advertise", &self.advertise)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_printed() {
        let config = ClusterConfig::new("redis://:hunter2@broker/", ([127, 0, 0, 1], 9).into());
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn a_lease_is_neither_nothing_nor_for_ever() {
        let term = |lease| {
            let bind = ([127, 0, 0, 1], 9).into();
            let redis = String::new();
            let advertise = None;
            let config = ClusterConfig {
                redis,
                bind,
                advertise,
                lease,
            };
            config.term()
        };
        assert_eq!(term(Duration::ZERO), ClusterConfig::MIN_LEASE);
        assert_eq!(term(Duration::MAX), ClusterConfig::MAX_LEASE);
    }
}
