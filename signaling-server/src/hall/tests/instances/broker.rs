//! What the scripts of the broker do, for one lobby.

use mesh_core::Instant;

use super::{KEEP, LEASE};
use crate::cluster::Renewal;

/// What goes between an instance and the broker.
#[derive(Clone, Debug)]
pub(super) enum Word {
    Take {
        from: u32,
        /// For whom, and whether it has a token.
        person: usize,
        is_back: bool,
    },
    Keep {
        from: u32,
        renewal: Renewal,
    },
    Give {
        from: u32,
        renewal: Renewal,
    },
    Taken {
        to: u32,
        person: usize,
        answer: Answer,
    },
    /// Under which number it is still its; 0 if it is not.
    Kept {
        to: u32,
        renewal: Renewal,
        fence: u64,
    },
    /// The broker has heard what was given up.
    Gave {
        to: u32,
        renewal: Renewal,
    },
}

#[derive(Clone, Debug)]
pub(super) enum Answer {
    Here { fence: u64, inherits: bool },
    There { owner: u32, fence: u64 },
    Orphan,
    Nobody,
}

#[derive(Debug)]
struct Record {
    /// None once it was given up for others to come back to.
    owner: Option<u32>,
    fence: u64,
    until: Instant,
    expires: Instant,
    has_heirs: bool,
}

#[derive(Debug, Default)]
pub(super) struct Broker {
    record: Option<Record>,
    highest: u64,
}

impl Broker {
    pub(super) fn owner(&self) -> Option<u32> {
        self.record.as_ref()?.owner
    }

    pub(super) fn expire(&mut self, now: Instant) {
        self.record.take_if(|record| record.expires <= now);
    }

    /// Does what it is asked for; its answer.
    pub(super) fn hear(&mut self, now: Instant, word: Word) -> Option<Word> {
        match word {
            Word::Take {
                from,
                person,
                is_back,
            } => {
                let answer = self.take(now, from, is_back);
                let to = from;
                Some(Word::Taken { to, person, answer })
            }
            Word::Keep { from, renewal } => {
                let fence = self.keep(now, from, &renewal);
                let to = from;
                Some(Word::Kept { to, renewal, fence })
            }
            Word::Give { from, renewal } => {
                self.give(now, &renewal);
                let to = from;
                Some(Word::Gave { to, renewal })
            }
            Word::Taken { .. } | Word::Kept { .. } | Word::Gave { .. } => None,
        }
    }

    fn take(&mut self, now: Instant, from: u32, is_back: bool) -> Answer {
        let Some(record) = &self.record else {
            return match is_back {
                true => Answer::Nobody,
                false => self.grant(now, from, false, false),
            };
        };
        let (fence, is_its) = (record.fence, record.owner == Some(from));
        match record.owner {
            Some(owner) if !is_its && record.until > now => Answer::There { owner, fence },
            _ if is_its && !record.has_heirs => self.grant(now, from, false, is_back),
            _ if is_back => self.grant(now, from, true, true),
            _ => Answer::Orphan,
        }
    }

    fn grant(&mut self, now: Instant, owner: u32, has_heirs: bool, inherits: bool) -> Answer {
        self.highest += 1;
        let fence = self.highest;
        self.record = Some(Record {
            owner: Some(owner),
            fence,
            until: now + LEASE,
            expires: now + LEASE + KEEP,
            has_heirs,
        });
        Answer::Here { fence, inherits }
    }

    fn keep(&mut self, now: Instant, from: u32, renewal: &Renewal) -> u64 {
        let mut fence = renewal.fence;
        let mut has_heirs = false;
        if let Some(record) = &self.record {
            let is_later = record.fence > renewal.fence;
            let is_given = record.until > now;
            if record.owner != Some(from) && (is_later || is_given) {
                return 0;
            }
            fence = fence.max(record.fence);
            has_heirs = record.has_heirs;
        }
        let until = now + LEASE;
        self.record = Some(Record {
            owner: Some(from),
            fence,
            until,
            expires: match renewal.keeps_seats {
                true => until + KEEP,
                false => until,
            },
            has_heirs,
        });
        fence
    }

    fn give(&mut self, now: Instant, renewal: &Renewal) {
        let Some(record) = &mut self.record else {
            return;
        };
        if record.fence != renewal.fence {
            return;
        }
        if renewal.keeps_seats {
            record.owner = None;
            record.until = Instant::from_micros(0);
            record.expires = now + KEEP;
        } else {
            self.record = None;
        }
    }
}
