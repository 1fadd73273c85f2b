//! How bad a path is, and what that means for one frame.

use std::time::Duration;

use super::frame::{self, Content};

/// A path through the switch, the same in each direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::lab) struct Path {
    /// How long a frame takes, one way.
    pub(in crate::lab) delay: Duration,
    /// How many of a hundred packets are lost.
    pub(in crate::lab) loss_percent: u8,
    /// How many of a hundred are overtaken by later ones.
    pub(in crate::lab) reorder_percent: u8,
    /// Bits a second towards each namespace; 0 is no limit. What waits longer than [`QUEUE`](super::port::QUEUE) is lost.
    pub(in crate::lab) bandwidth: u64,
    /// The longest IP packet that passes, in bytes; 0 is no limit. A longer one is lost without a word.
    pub(in crate::lab) longest: usize,
    /// The one datagram that is dropped.
    pub(in crate::lab) single: Option<Single>,
}

impl Path {
    /// A cable.
    pub(in crate::lab) const PERFECT: Self = Self {
        delay: Duration::ZERO,
        loss_percent: 0,
        reorder_percent: 0,
        bandwidth: 0,
        longest: 0,
        single: None,
    };
}

/// Which datagram is dropped, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lab) struct Single {
    /// From which port of the switch.
    pub(in crate::lab) from: usize,
    /// Which of those that belong to a handshake, from 0.
    pub(in crate::lab) number: u32,
}

/// How much later than the others a packet comes that is overtaken.
const OVERTAKEN_BY: Duration = Duration::from_millis(30);

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Lost,
    Arrives { after: Duration },
}

/// A path and its chance, which is the same in each run.
pub(super) struct Weather {
    path: Path,
    random: u64,
    counted: u32,
    dropped: Option<String>,
}

impl Weather {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            path: Path::default(),
            random: seed | 1,
            counted: 0,
            dropped: None,
        }
    }

    pub(super) fn be(&mut self, path: Path) {
        self.path = path;
        self.counted = 0;
        self.dropped = None;
    }

    pub(super) fn counted(&self) -> u32 {
        self.counted
    }

    /// What the single datagram was, if it has come.
    pub(super) fn dropped(&self) -> Option<String> {
        self.dropped.clone()
    }

    pub(super) fn bandwidth(&self) -> u64 {
        self.path.bandwidth
    }

    /// What becomes of a frame from this port. Address resolution always arrives.
    pub(super) fn fate(&mut self, from: usize, frame: &[u8]) -> Fate {
        let path = self.path;
        let at_once = Fate::Arrives {
            after: Duration::ZERO,
        };
        if !frame::is_ip(frame) {
            return at_once;
        }
        let is_too_long = path.longest > 0 && frame.len() > path.longest + 14;
        if is_too_long || self.is_single(from, frame) || self.happens(path.loss_percent) {
            return Fate::Lost;
        }
        let overtaken = self.happens(path.reorder_percent);
        Fate::Arrives {
            after: path.delay
                + if overtaken {
                    OVERTAKEN_BY
                } else {
                    Duration::ZERO
                },
        }
    }

    fn is_single(&mut self, from: usize, frame: &[u8]) -> bool {
        let Some(single) = self.path.single else {
            return false;
        };
        let payload = frame::datagram(frame)
            .filter(|payload| matches!(frame::content(payload), Content::Ice | Content::Dtls));
        let Some(payload) = payload.filter(|_| single.from == from) else {
            return false;
        };
        let number = self.counted;
        self.counted += 1;
        if number != single.number {
            return false;
        }
        self.dropped = Some(frame::words(payload));
        true
    }

    /// Whether something happens that does so many times of a hundred.
    fn happens(&mut self, percent: u8) -> bool {
        if percent == 0 {
            return false;
        }
        // xorshift64*
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        let number = self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        number % 100 < u64::from(percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram() -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([0x08, 0x00, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0]);
        frame.extend([10, 0, 0, 1, 10, 0, 0, 2]);
        frame.extend([0; 8]);
        frame.extend([22, 0xfe, 0xfd]);
        frame
    }

    #[test]
    fn one_datagram_is_dropped_and_no_other() {
        let mut weather = Weather::new(1);
        weather.be(Path {
            single: Some(Single { from: 1, number: 2 }),
            ..Path::default()
        });
        let fates: Vec<bool> = (0..6)
            .map(|_| weather.fate(1, &datagram()) == Fate::Lost)
            .collect();
        assert_eq!(fates, [false, false, true, false, false, false]);
        assert_eq!(weather.counted(), 6);
        assert_ne!(weather.fate(0, &datagram()), Fate::Lost);
        assert_eq!(
            weather.counted(),
            6,
            "those of the other port are not counted"
        );
    }

    #[test]
    fn so_many_of_a_hundred_are_lost() {
        let mut weather = Weather::new(7);
        weather.be(Path {
            loss_percent: 10,
            ..Path::default()
        });
        let lost = (0..10_000)
            .filter(|_| weather.fate(0, &datagram()) == Fate::Lost)
            .count();
        assert!((900..1100).contains(&lost), "{lost}");
    }

    #[test]
    fn a_packet_that_is_too_long_is_lost() {
        let mut weather = Weather::new(1);
        let frame = datagram();
        let at = |longest| Path {
            longest,
            ..Path::default()
        };
        weather.be(at(frame.len() - 15));
        assert_eq!(weather.fate(0, &frame), Fate::Lost);
        weather.be(at(frame.len() - 14));
        assert_ne!(weather.fate(0, &frame), Fate::Lost);
    }
}
