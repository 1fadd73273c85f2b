//! Where a player of another machine is to be drawn: between two of the places that it has sent.

use std::collections::VecDeque;

use super::Point;
use super::body::inside;

/// How far behind what has arrived a player is drawn, in seconds: two messages may be lost at 30 a second.
const BEHIND: f64 = 0.1;
/// How long a player goes on straight when nothing arrives, in seconds.
const AHEAD: f64 = 0.12;
/// Places that are kept.
const KEPT: usize = 24;

/// A place that was sent.
#[derive(Clone, Copy, Debug)]
struct Sample {
    /// By the clock of the sender, in seconds.
    time: f64,
    at: Point,
    velocity: Point,
}

/// The way of a player, as far as it was heard of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Track {
    samples: VecDeque<Sample>,
    /// When something was heard last, by our clock.
    heard_at: Option<f64>,
    /// The smallest difference between our clock and the sender's that was seen: that of the fastest message.
    offset: Option<f64>,
}

impl Track {
    /// Takes a place that arrived `now` and was sent at `sent`, by the sender's clock. One that was overtaken is passed over.
    pub(crate) fn hear(&mut self, now: f64, sent: f64, at: Point, velocity: Point) {
        if self.samples.back().is_some_and(|last| last.time >= sent) {
            // A clock that was set back by much is that of a game that was started again.
            if self
                .samples
                .back()
                .is_some_and(|last| last.time < sent + 2.0)
            {
                return;
            }
            *self = Self::default();
        }
        self.heard_at = Some(now);
        let seen = now - sent;
        // It creeps up, so that a path that has become slower is followed.
        let offset = self.offset.map_or(seen, |offset| seen.min(offset + 0.001));
        self.offset = Some(offset);
        self.samples.push_back(Sample {
            time: sent,
            at: inside(at),
            velocity,
        });
        if self.samples.len() > KEPT {
            self.samples.pop_front();
        }
    }

    /// Where the player is to be drawn `now`.
    pub(crate) fn place(&self, now: f64) -> Option<Point> {
        let time = now - self.offset? - BEHIND;
        let after = self.samples.iter().position(|sample| sample.time > time);
        match after {
            // Before all of them.
            Some(0) => self.samples.front().map(|sample| sample.at),
            Some(at) => {
                let (one, two) = (self.samples.get(at - 1)?, self.samples.get(at)?);
                let part = (time - one.time) / (two.time - one.time).max(0.001);
                Some(one.at.towards(two.at, part as f32))
            }
            None => {
                let last = self.samples.back()?;
                let ahead = (time - last.time).clamp(0.0, AHEAD) as f32;
                Some(inside(last.at + last.velocity * ahead))
            }
        }
    }

    /// When something was heard last, by our clock.
    pub(crate) const fn heard_at(&self) -> Option<f64> {
        self.heard_at
    }

    /// Where it said last that it is.
    pub(crate) fn last(&self) -> Option<Point> {
        self.samples.back().map(|sample| sample.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: Point = Point::new(300.0, 0.0);

    /// What a player says that runs to the right at 300 units a second, as it arrives: when, and when it was sent. Its clock is
    /// 1000 s behind ours.
    fn messages(lost: &[u32]) -> impl Iterator<Item = (f64, f64)> {
        (0..90).filter(|tick| !lost.contains(tick)).map(|tick| {
            let sent = f64::from(tick) / 30.0;
            // Some messages take longer than others.
            let late = if tick % 3 == 0 { 0.03 } else { 0.0 };
            (1000.0 + sent + late, sent)
        })
    }

    fn hear(track: &mut Track, (now, sent): (f64, f64)) {
        let at = Point::new(100.0 + 300.0 * sent as f32, 200.0);
        track.hear(now, sent, at, RIGHT);
    }

    /// A track on which all of that was heard.
    fn running() -> Track {
        let mut track = Track::default();
        messages(&[]).for_each(|message| hear(&mut track, message));
        track
    }

    #[test]
    fn a_player_moves_evenly_though_messages_are_lost_and_late() {
        let mut track = Track::default();
        let mut messages = messages(&[10, 11, 20]).peekable();
        let mut last = None;
        for frame in 0..180 {
            let now = 1000.0 + f64::from(frame) / 60.0;
            while let Some(message) = messages.next_if(|(at, _)| *at <= now) {
                hear(&mut track, message);
            }
            // Until then it has not been known for long enough.
            if frame < 12 {
                continue;
            }
            let place = track.place(now).unwrap();
            let expected = 100.0 + 300.0 * (now - 1000.0 - BEHIND) as f32;
            assert!((place.x - expected).abs() < 8.0, "{frame}: {place:?}");
            assert!(last.is_none_or(|last| place.x >= last));
            last = Some(place.x);
        }
    }

    #[test]
    fn a_player_that_is_not_heard_of_stops_soon() {
        let track = running();
        let last = track.last().unwrap();
        let place = track.place(1100.0).unwrap();
        let ahead = 300.0 * AHEAD as f32;
        assert!((place.x - (last.x + ahead)).abs() < 2.0, "{place:?}");
    }

    #[test]
    fn what_was_overtaken_is_passed_over_and_a_new_clock_is_followed() {
        let mut track = running();
        let last = track.last().unwrap();
        track.hear(1003.0, 2.9, Point::new(50.0, 50.0), RIGHT);
        assert_eq!(track.last(), Some(last));
        track.hear(1003.1, 0.1, Point::new(50.0, 50.0), RIGHT);
        assert_eq!(track.last(), Some(Point::new(50.0, 50.0)));
    }

    #[test]
    fn nothing_was_heard() {
        assert_eq!(Track::default().place(5.0), None);
    }
}
