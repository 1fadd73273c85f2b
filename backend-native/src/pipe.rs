//! How much of a channel that is unreliable, or gives way to others, may be with the `webrtc` crate: what fits into the path, and little that waits there.
//!
//! The crate counts what is in flight and what waits in one sum. A message that waits there gets old, and cannot be replaced
//! by a newer one. So the sum is kept at what the path holds, which is its rate times its round trip, and a quarter more, or
//! a path that became faster would not be noticed. The rate is measured while the channel has more to send than the path
//! takes; for the rest of the time nothing has to be bounded. At first the bound doubles, as SCTP's own does.

use std::time::{Duration, Instant};

/// Where a channel begins, before anything was measured.
const FIRST: usize = 8 * 1024;

/// The same of a channel that gives way: four of the parts that transfers are cut into.
const FIRST_OF_BULK: usize = 64 * 1024;

/// Three datagrams: an acknowledgement waits for two, and meanwhile one can be on its way.
const LEAST: usize = 3600;

/// Below it a round trip says more about when we look than about the path.
const SHORTEST: Duration = Duration::from_millis(10);

/// How long a rate is measured at least: acknowledgements come in bursts.
const SPAN: Duration = Duration::from_millis(60);

/// How long what was measured means anything while nothing is measured.
const FORGET: Duration = Duration::from_secs(1);

/// What is known of the path, by one channel.
#[derive(Debug)]
pub(crate) struct Pipe {
    size: usize,
    first: usize,
    limit: usize,
    handed: u64,
    /// What is with the crate, at most: what was there when it was last asked, and what it got since.
    at_most: usize,
    /// Of the message that it got last.
    newest: usize,
    /// When more was there than the path takes.
    full_at: Option<Instant>,
    /// The shortest round trip since the channel is busy: later ones wait behind what the channel itself has under way.
    shortest: Option<Duration>,
    /// Whether the path may be another one by now, so that the next round trip counts, however long it is.
    is_old: bool,
    /// When the measurement began, and how much had left then.
    since: Option<(Instant, u64)>,
    /// Whether the path has taken all that it was given so far.
    is_starting: bool,
}

impl Pipe {
    /// Never more than `limit` bytes are with the crate.
    pub(crate) fn new(limit: usize) -> Self {
        Self::starting_with(FIRST.min(limit), limit)
    }

    /// That of a channel that gives way to others. On a path that takes all that the crate does, it bounds nothing.
    pub(crate) fn of_bulk(limit: usize) -> Self {
        Self::starting_with(FIRST_OF_BULK, limit.saturating_mul(2))
    }

    fn starting_with(first: usize, limit: usize) -> Self {
        Self {
            size: first,
            first,
            limit,
            handed: 0,
            at_most: 0,
            newest: 0,
            full_at: None,
            shortest: None,
            is_old: true,
            since: None,
            is_starting: true,
        }
    }

    /// The crate got a message. Whether it has to be asked how much it holds.
    pub(crate) fn hand(&mut self, bytes: usize) -> bool {
        self.handed += bytes as u64;
        self.newest = bytes;
        self.at_most = self.at_most.saturating_add(bytes);
        self.at_most > self.size
    }

    /// Takes in that the crate holds so much. Whether that is more than the path takes, so that the next message must wait.
    pub(crate) fn observe(&mut self, now: Instant, outstanding: usize, is_waiting: bool) -> bool {
        self.at_most = outstanding;
        if !is_waiting {
            self.look_anew(now, outstanding);
        }
        let left = self.handed.saturating_sub(outstanding as u64);
        let is_full = outstanding > self.size;
        if is_full {
            self.full_at = Some(now);
        }
        match self.since {
            Some((since, before)) if is_full || is_waiting => {
                let elapsed = now.saturating_duration_since(since);
                let round_trip = self.round_trip();
                if elapsed >= SPAN.max(round_trip * 3 / 2) {
                    self.measured(left - before.min(left), elapsed, round_trip);
                    self.since = Some((now, left));
                }
            }
            None if is_full => self.since = Some((now, left)),
            // The path takes what it is given: how fast it could, nobody knows.
            Some(_) | None => self.since = None,
        }
        outstanding > self.size
    }

    /// What was measured counts only while the path, and not the game, sets the pace.
    fn look_anew(&mut self, now: Instant, outstanding: usize) {
        if outstanding <= self.newest {
            self.since = None;
        }
        let is_old = |at| now.saturating_duration_since(at) >= FORGET;
        if self.full_at.is_none_or(is_old) {
            self.since = None;
            self.size = self.size.max(self.first);
            self.is_starting = true;
            self.is_old = true;
        }
    }

    fn measured(&mut self, bytes: u64, elapsed: Duration, round_trip: Duration) {
        let held = u128::from(bytes) * round_trip.as_micros() / elapsed.as_micros().max(1);
        let held = usize::try_from(held).unwrap_or(usize::MAX);
        self.is_starting &= held > self.size / 4 * 3;
        let more = if self.is_starting { held } else { held / 4 };
        let size = held.saturating_add(more);
        self.size = size.clamp(LEAST.min(self.limit), self.limit);
    }

    /// Takes in how long the last round trip took.
    pub(crate) fn round_trip_took(&mut self, round_trip: Duration) {
        let is_longer = self.shortest.is_some_and(|shortest| round_trip > shortest);
        // With so little under way it is not our own that waits: the path has become longer.
        if is_longer && self.size <= LEAST {
            self.is_old = true;
            self.is_starting = true;
        }
        if core::mem::take(&mut self.is_old) || !is_longer {
            self.shortest = Some(round_trip);
        }
    }

    fn round_trip(&self) -> Duration {
        self.shortest.unwrap_or(SHORTEST).max(SHORTEST)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// A path of this rate in bytes a second, with a sender that always has more; how much is with the crate after a minute.
    fn settled(rate: u64, round_trip: Duration) -> usize {
        let mut pipe = Pipe::new(256 * 1024);
        with_the_crate(&mut pipe, rate, &[(round_trip, 60)])
    }

    /// How much is with the crate in the end on a path that takes so long there and back, for so many seconds each. A round trip is
    /// measured every two seconds, behind all that waits.
    fn with_the_crate(pipe: &mut Pipe, rate: u64, paths: &[(Duration, u64)]) -> usize {
        let start = Instant::now();
        // When each message will have been acknowledged.
        let mut sent = VecDeque::new();
        let (mut wire_free, mut is_waiting) = (Duration::ZERO, false);
        let steps = paths.iter().flat_map(|&(round_trip, seconds)| {
            std::iter::repeat_n(round_trip, usize::try_from(seconds * 1000).unwrap_or(0))
        });
        for (step, round_trip) in (0..).zip(steps) {
            let now = Duration::from_millis(step);
            // As ICE has measured it, before what comes now.
            let measured = round_trip + wire_free.saturating_sub(now);
            while sent
                .front()
                .is_some_and(|acknowledged| *acknowledged <= now)
            {
                sent.pop_front();
            }
            while !is_waiting || !pipe.observe(start + now, sent.len() * 1000, true) {
                wire_free = wire_free.max(now) + Duration::from_micros(1_000_000_000 / rate);
                sent.push_back(wire_free + round_trip);
                is_waiting = pipe.hand(1000) && pipe.observe(start + now, sent.len() * 1000, false);
            }
            if step % 2000 == 0 {
                pipe.round_trip_took(measured);
            }
        }
        sent.len() * 1000
    }

    #[test]
    fn a_slow_path_has_little_waiting() {
        // 125,000 bytes a second are 12,500 in 100 ms.
        let near = settled(125_000, Duration::from_millis(1));
        assert!(near <= 5000, "{near}");
        let far = settled(125_000, Duration::from_millis(100));
        assert!((12_500..20_000).contains(&far), "{far}");
    }

    #[test]
    fn a_fast_path_is_filled() {
        let far = settled(1_250_000, Duration::from_millis(100));
        assert!((125_000..=180_000).contains(&far), "{far}");
        let near = settled(100_000_000, Duration::from_millis(1));
        assert!(near >= 200_000, "{near}");
    }

    #[test]
    fn what_gives_way_does_not_fill_a_long_queue_by_and_by() {
        // 2 MB/s: 100,000 bytes are under way, and a quarter of that waits.
        let mut pipe = Pipe::of_bulk(4 << 20);
        let far = with_the_crate(&mut pipe, 2_000_000, &[(Duration::from_millis(50), 120)]);
        assert!((100_000..140_000).contains(&far), "{far}");
    }

    #[test]
    fn a_path_that_has_become_longer_is_filled_again() {
        let mut pipe = Pipe::of_bulk(4 << 20);
        let paths = [(5, 10), (200, 30)].map(|(ms, seconds)| (Duration::from_millis(ms), seconds));
        let far = with_the_crate(&mut pipe, 2_000_000, &paths);
        assert!((380_000..600_000).contains(&far), "{far}");
    }

    #[test]
    fn a_burst_after_a_quiet_time_is_not_held_to_the_pace_before() {
        let start = Instant::now();
        let mut pipe = Pipe::new(256 * 1024);
        pipe.size = LEAST;
        pipe.full_at = Some(start);
        pipe.hand(FIRST);
        assert!(pipe.observe(start + FORGET / 2, FIRST, false));
        assert!(!pipe.observe(start + FORGET * 2, FIRST, false));
    }

    #[test]
    fn nothing_is_measured_of_a_channel_that_sends_little() {
        let start = Instant::now();
        let mut pipe = Pipe::new(256 * 1024);
        for second in 0..100 {
            pipe.hand(FIRST);
            let now = start + Duration::from_secs(second);
            assert!(!pipe.observe(now, 1000, false));
        }
        assert!(!pipe.hand(FIRST - 1000));
    }
}
