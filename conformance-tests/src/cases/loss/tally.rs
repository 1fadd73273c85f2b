//! What came of the messages of one mode, counted from when each was sent and when it arrived.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use mesh_core::TransferMode;

use crate::stream::Arrival;

/// The figures of one mode of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    mode: TransferMode,
    sent: u64,
    /// Different messages that arrived.
    pub(crate) received: u64,
    /// Arrivals of a message that had arrived already.
    pub(crate) duplicates: u64,
    /// Arrivals behind one that was sent later.
    pub(crate) reordered: u64,
    /// Messages that took longer than allowed; `None` where nothing bounds their time.
    pub(crate) late: Option<u64>,
    /// How long the messages took beyond the fastest of all: the middle one, and the slowest.
    median: Duration,
    slowest: Duration,
}

impl Tally {
    /// Counts. Sender and receiver have clocks of their own, so a time is the difference to the fastest message of any
    /// mode, which the path has delayed least.
    pub(crate) fn of(
        mode: TransferMode,
        sent_at: &[u64],
        arrivals: &[Arrival],
        bound: Option<Duration>,
    ) -> Self {
        let took = |arrival: &Arrival| {
            let number = usize::try_from(arrival.number).ok()?;
            let sent = sent_at.get(number)?;
            Some(i128::from(arrival.at_micros) - i128::from(*sent))
        };
        let fastest = arrivals.iter().filter_map(took).min().unwrap_or_default();
        let mut first: BTreeMap<u64, Duration> = BTreeMap::new();
        let (mut duplicates, mut reordered) = (0, 0);
        let mut seen = BTreeSet::new();
        for arrival in arrivals.iter().filter(|one| one.channel == mode.channel()) {
            if !seen.insert(arrival.number) {
                duplicates += 1;
                continue;
            }
            if seen.last().is_some_and(|last| *last > arrival.number) {
                reordered += 1;
            }
            let beyond = took(arrival).map_or(u64::MAX, |took| {
                u64::try_from(took - fastest).unwrap_or(u64::MAX)
            });
            first.insert(arrival.number, Duration::from_micros(beyond));
        }
        let mut times: Vec<_> = first.into_values().collect();
        times.sort_unstable();
        Self {
            mode,
            sent: sent_at.len() as u64,
            received: times.len() as u64,
            duplicates,
            reordered,
            late: bound.map(|bound| times.iter().filter(|time| **time > bound).count() as u64),
            median: times.get(times.len() / 2).copied().unwrap_or_default(),
            slowest: times.last().copied().unwrap_or_default(),
        }
    }

    pub(crate) const fn missing(&self) -> u64 {
        self.sent.saturating_sub(self.received)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<10} sent {}, received {}, missing {}, late {}, reordered {}, twice {}; median {} ms, slowest {} ms",
            self.mode.label(),
            self.sent,
            self.received,
            self.missing(),
            self.late
                .map_or_else(|| "-".to_owned(), |late| late.to_string()),
            self.reordered,
            self.duplicates,
            self.median.as_millis(),
            self.slowest.as_millis(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODE: TransferMode = TransferMode::UnreliableOrdered;

    fn arrivals(list: &[(u64, u64)]) -> Vec<Arrival> {
        list.iter()
            .map(|&(number, at_micros)| Arrival {
                channel: MODE.channel(),
                number,
                at_micros,
            })
            .collect()
    }

    #[test]
    fn each_message_counts_once() {
        let sent_at = [1_000, 2_000, 3_000, 4_000];
        // The receiver's clock is behind the sender's, and the third message is lost.
        let arrivals = arrivals(&[(0, 100), (3, 3_100), (1, 3_200), (3, 3_300)]);
        let bound = Some(Duration::from_millis(2));
        let tally = Tally::of(MODE, &sent_at, &arrivals, bound);
        assert_eq!((tally.sent, tally.received, tally.missing()), (4, 3, 1));
        assert_eq!(
            (tally.duplicates, tally.reordered, tally.late),
            (1, 1, Some(1))
        );
        assert_eq!(tally.median, Duration::ZERO);
        assert_eq!(tally.slowest, Duration::from_micros(2_100));
        assert_eq!(Tally::of(MODE, &sent_at, &arrivals, None).late, None);
    }

    #[test]
    fn other_modes_do_not_count_but_may_be_the_fastest() {
        let mut arrivals = arrivals(&[(0, 500)]);
        arrivals.push(Arrival {
            channel: TransferMode::Reliable.channel(),
            number: 0,
            at_micros: 100,
        });
        let tally = Tally::of(MODE, &[0], &arrivals, None);
        assert_eq!((tally.received, tally.missing()), (1, 0));
        assert_eq!(tally.slowest, Duration::from_micros(400));
    }

    #[test]
    fn nothing_is_no_reason_to_fail() {
        let tally = Tally::of(MODE, &[1, 2], &[], Some(Duration::ZERO));
        assert_eq!(
            (tally.received, tally.missing(), tally.late),
            (0, 2, Some(0))
        );
    }
}
