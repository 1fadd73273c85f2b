//! What of a stream can at most be missing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mesh_core::TransferMode;

use crate::stream::Arrival;

/// How old a message of an unreliable channel may become before it is sent: the limit of a mesh, and the lifetime that the cases ask for.
/// Less what a step of a stream and the timers of a platform take.
const TOO_OLD: Duration = Duration::from_millis(120);

/// What the path explains.
///
/// A message that is not sent again is missing for one of two reasons. It was in a datagram that was lost, or that was held up for
/// so long that the sender gave it up; the path counts how many messages were in those. Or it was never sent: the sender
/// held it back, because too much was on its way already, until it was too old. Then the reliable message of the same step, or of the
/// next one, which waits behind the same window, was late, too.
pub(super) struct Model<'a> {
    spoilt: u64,
    arrivals: &'a [Arrival],
    /// The steps whose messages may have become too old.
    held_back: BTreeSet<u64>,
    steps: u64,
}

impl<'a> Model<'a> {
    /// For a stream whose steps were taken at these times, in microseconds.
    pub(super) fn new(spoilt: u64, sent_at: &[u64], arrivals: &'a [Arrival]) -> Self {
        let took: BTreeMap<_, _> = arrivals
            .iter()
            .filter(|arrival| arrival.channel == TransferMode::Reliable.channel())
            .filter_map(|arrival| {
                let sent = sent_at.get(usize::try_from(arrival.number).ok()?)?;
                let took = i128::from(arrival.at_micros) - i128::from(*sent);
                Some((arrival.number, took))
            })
            .collect();
        // The clocks are two, so a time is the difference to the fastest.
        let fastest = took.values().min().copied().unwrap_or_default();
        let is_late = |step: u64| {
            let took = took.get(&step).map(|took| took - fastest);
            took.is_some_and(|took| took > TOO_OLD.as_micros().cast_signed())
        };
        let steps = sent_at.len() as u64;
        let held_back = (0..steps).filter(|step| is_late(*step) || is_late(step + 1));
        Self {
            spoilt,
            arrivals,
            held_back: held_back.collect(),
            steps,
        }
    }

    /// How many messages can have been in datagrams that were lost or held up.
    pub(super) const fn spoilt(&self) -> u64 {
        self.spoilt
    }

    /// How many messages of this mode are missing that were not held back. Those after the last one that came may still wait for their
    /// turn, if `may_wait`, and do not count then.
    pub(super) fn unexplained(&self, mode: TransferMode, may_wait: bool) -> u64 {
        let of_mode = self
            .arrivals
            .iter()
            .filter(|one| one.channel == mode.channel());
        let came: BTreeSet<_> = of_mode.map(|arrival| arrival.number).collect();
        let end = match came.last() {
            Some(last) if may_wait => last + 1,
            _ => self.steps,
        };
        let missing = (0..end).filter(|step| !came.contains(step));
        missing
            .filter(|step| !self.held_back.contains(step))
            .count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000;

    /// Messages of a mode: the number of each, and the time at which it came.
    fn came(mode: TransferMode, messages: &[(u64, u64)]) -> Vec<Arrival> {
        let arrival = |(number, at_micros): &(u64, u64)| Arrival {
            channel: mode.channel(),
            number: *number,
            at_micros: *at_micros,
        };
        messages.iter().map(arrival).collect()
    }

    #[test]
    fn what_was_not_held_back_must_be_explained() {
        let sent_at: Vec<_> = (0..6).map(|step| step * 10 * MS).collect();
        // Step 3 is late. The clock of the receiver is 5 s ahead.
        let at = |step: u64| 5_000 * MS + step * 10 * MS + if step == 3 { 200 * MS } else { 0 };
        let reliable: Vec<_> = (0..6).map(|step| (step, at(step))).collect();
        let mut arrivals = came(TransferMode::Reliable, &reliable);
        arrivals.extend(came(TransferMode::Unreliable, &[(1, at(1)), (4, at(4))]));
        let model = Model::new(7, &sent_at, &arrivals);
        assert_eq!(model.spoilt(), 7);
        // 0 and 5, but neither 2 nor 3.
        assert_eq!(model.unexplained(TransferMode::Unreliable, false), 2);
        assert_eq!(model.unexplained(TransferMode::Unreliable, true), 1);
        assert_eq!(model.unexplained(TransferMode::UnreliableOrdered, false), 4);
        assert_eq!(model.unexplained(TransferMode::Reliable, false), 0);
    }

    #[test]
    fn what_comes_after_the_last_may_wait() {
        let sent_at: Vec<_> = (0..4).map(|step| step * 10 * MS).collect();
        let all: Vec<_> = (0..4).map(|step| (step, step * 10 * MS)).collect();
        let mut arrivals = came(TransferMode::Reliable, &all);
        arrivals.extend(came(TransferMode::UnreliableOrdered, &[(1, 10 * MS)]));
        let model = Model::new(0, &sent_at, &arrivals);
        assert_eq!(model.unexplained(TransferMode::UnreliableOrdered, true), 1);
        assert_eq!(model.unexplained(TransferMode::UnreliableOrdered, false), 3);
    }
}
