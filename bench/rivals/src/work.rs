//! What is measured of every contestant.

use anyhow::Result;
use bench::measure::mesh::{self, Load};
use bench::measure::{open, round_trip};
use bench::node::{Channel, Side};

/// The percentiles of a round trip that are kept.
pub(crate) const PERCENTS: [usize; 7] = [10, 25, 50, 75, 90, 95, 99];

/// How many peers a mesh has.
pub(crate) const SIZES: [usize; 5] = [2, 4, 8, 16, 32];

/// One work, in a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Back to back
    RoundTrip(Channel),
    /// So many peers, until every channel is open
    Open(usize),
    /// Eight peers that say nothing
    Idle,
    /// 60 Hz
    Play(Load),
}

impl Work {
    /// In the order in which they are done.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![
            Self::RoundTrip(Channel::Unreliable),
            Self::RoundTrip(Channel::Reliable),
            Self::Idle,
            Self::Play(Load {
                peers: 8,
                messages: 10,
            }),
        ];
        all.extend(SIZES.map(Self::Open));
        all.extend(SIZES.map(Self::play));
        all
    }

    /// With one message a tick.
    pub(crate) const fn play(peers: usize) -> Self {
        Self::Play(Load { peers, messages: 1 })
    }

    /// On the command line, and in the figures.
    pub(crate) fn name(self) -> String {
        match self {
            Self::RoundTrip(channel) => format!("round-trip-{channel:?}").to_lowercase(),
            Self::Open(peers) => format!("open-{peers}"),
            Self::Idle => "idle-8".to_owned(),
            Self::Play(Load { peers, messages }) => format!("play-{peers}-{messages}"),
        }
    }

    /// The names of its figures, in the order of [`Self::run`].
    pub(crate) fn figures(self) -> Vec<String> {
        match self {
            Self::RoundTrip(_) => PERCENTS.map(|percent| format!("p{percent} us")).to_vec(),
            Self::Open(_) => vec!["ms".to_owned()],
            Self::Idle => vec!["cpu %".to_owned()],
            Self::Play(_) => [
                "cpu %",
                "cpu a message us",
                "delivered a second",
                "memory a connection KiB",
                "threads",
                "descriptors a connection",
            ]
            .map(str::to_owned)
            .to_vec(),
        }
    }

    /// Does it.
    pub(crate) async fn run<S: Side>(self) -> Result<Vec<f64>> {
        match self {
            Self::RoundTrip(channel) => round_trip::back_to_back::<S>(channel, &PERCENTS).await,
            Self::Open(peers) => open::mesh::<S>(peers).await,
            Self::Idle => mesh::idle::<S>(8).await,
            Self::Play(load) => mesh::events::<S>(load).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_work_has_a_name_of_its_own() {
        let mut names: Vec<_> = Work::all().into_iter().map(Work::name).collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!((names.len(), count), (14, 14));
    }
}
