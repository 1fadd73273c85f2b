//! How the peers are doing, in a few words.

use std::fmt;

use webrtc_multiplayer::{LinkStats, PathKind, PeerId};

/// A peer, as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) state: State,
}

/// How it is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It has not been connected yet.
    Connecting,
    /// Nothing comes from it; it may come back.
    Interrupted,
    /// It can be talked to.
    Connected(Link),
}

/// What is measured of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// In whole milliseconds.
    round_trip: Option<u128>,
    /// Which way its messages take, once a path has been selected.
    path: Option<PathKind>,
    is_stalled: bool,
}

impl From<&LinkStats> for Link {
    fn from(stats: &LinkStats) -> Self {
        Self {
            round_trip: stats.round_trip.map(|time| time.as_millis()),
            path: stats.path(),
            is_stalled: stats.stalled,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let link = match self {
            Self::Connecting => return f.write_str("connecting"),
            Self::Interrupted => return f.write_str("interrupted"),
            Self::Connected(link) => link,
        };
        f.write_str("connected")?;
        match link.round_trip {
            Some(0) => f.write_str(", < 1 ms")?,
            Some(time) => write!(f, ", {time} ms")?,
            None => {}
        }
        match link.path {
            Some(PathKind::Relayed) => f.write_str(", relayed")?,
            Some(PathKind::Direct) => f.write_str(", direct")?,
            None => {}
        }
        if link.is_stalled {
            f.write_str(", busy")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use webrtc_multiplayer::{CandidateType, Duration};

    use super::*;

    #[test]
    fn a_link_says_what_has_been_measured() {
        let mut stats = LinkStats::default();
        let state = |stats: &LinkStats| State::Connected(stats.into()).to_string();
        assert_eq!(state(&stats), "connected");
        stats.round_trip = Some(Duration::from_micros(300));
        stats.local = Some(CandidateType::Host);
        assert_eq!(state(&stats), "connected, < 1 ms, direct");
        stats.round_trip = Some(Duration::from_micros(23_900));
        stats.remote = Some(CandidateType::Relay);
        stats.stalled = true;
        assert_eq!(state(&stats), "connected, 23 ms, relayed, busy");
    }
}
