//! The receiving end of transfers: one at a time, put together from its parts.

use alloc::string::String;
use alloc::vec::Vec;

use super::wire::Word;
use crate::{Payload, TransferEvent, TransferId};

/// A part grows the buffer to at most this at first. Who only says that much will come costs nothing.
const FIRST: usize = 64 * 1024;

/// What the far side transfers to us.
#[derive(Debug, Default)]
pub(in crate::mesh) struct Incoming {
    /// The number of the transfer that has begun last.
    last: u32,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    bytes: usize,
    received: usize,
    /// `None` if we do not want it: what is under way is counted and not kept.
    buffer: Option<Vec<u8>>,
    /// Whether the game is about to be told how much there is.
    is_noticed: bool,
}

/// What a message about our own transfers or the far side's means.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::mesh) enum Heard {
    /// Nothing to be told.
    Nothing,
    /// Something of a transfer of the far side.
    Event(TransferId, TransferEvent),
    /// More has come, and the game has not been told yet.
    Progress(TransferId),
    /// The far side does not want a transfer of ours.
    Refused(TransferId),
}

impl Incoming {
    /// Takes a message of the far side. `limit` is the largest transfer that is taken.
    pub(in crate::mesh) fn take(
        &mut self,
        payload: Payload,
        limit: usize,
    ) -> Result<Heard, &'static str> {
        if !payload.is_text() {
            return self.part(payload.bytes());
        }
        let text = payload
            .text()
            .ok_or("a word about a transfer is not UTF-8")?;
        match Word::read(text)? {
            Some(Word::Begin {
                number,
                bytes,
                name,
            }) => self.begin(number, bytes, name, limit),
            Some(Word::Cancel) => {
                let current = self.current.take();
                let current = current.ok_or("it gives up a transfer that it has not begun")?;
                let is_wanted = current.buffer.is_some();
                Ok(self.told(is_wanted.then_some(TransferEvent::Cancelled)))
            }
            Some(Word::Refuse { number }) => Ok(Heard::Refused(TransferId(number))),
            None => Ok(Heard::Nothing),
        }
    }

    fn begin(
        &mut self,
        number: u32,
        bytes: usize,
        name: &str,
        limit: usize,
    ) -> Result<Heard, &'static str> {
        if self.current.is_some() {
            return Err("a transfer begins before the former one has ended");
        }
        if number <= self.last {
            return Err("a transfer begins under an old number");
        }
        if bytes > limit {
            return Err("a transfer is larger than this side takes");
        }
        self.last = number;
        self.current = Some(Current {
            bytes,
            received: 0,
            buffer: Some(Vec::new()),
            is_noticed: false,
        });
        let name = String::from(name);
        Ok(self.told(Some(TransferEvent::Begun { name, bytes })))
    }

    fn part(&mut self, part: &[u8]) -> Result<Heard, &'static str> {
        let current = self.current.as_mut();
        let current = current.ok_or("a part comes of no transfer")?;
        current.received += part.len();
        if part.is_empty() || current.received > current.bytes {
            return Err("a transfer has more bytes than it was to have");
        }
        let Some(buffer) = &mut current.buffer else {
            if current.received == current.bytes {
                self.current = None;
            }
            return Ok(Heard::Nothing);
        };
        if buffer.capacity() == 0 {
            buffer.reserve_exact(current.bytes.min(FIRST));
        }
        if buffer.capacity() - buffer.len() < part.len() {
            // Never beyond what will come. Once a quarter has, all the rest in one piece: each growth leaves a hole behind.
            let rest = current.bytes - buffer.len();
            let is_earnest = buffer.len() >= current.bytes / 4;
            let more = if is_earnest { rest } else { buffer.len() };
            buffer.reserve_exact(more.max(part.len()).min(rest));
        }
        buffer.extend_from_slice(part);
        if core::mem::replace(&mut current.is_noticed, true) {
            return Ok(Heard::Nothing);
        }
        Ok(Heard::Progress(TransferId(self.last)))
    }

    /// All of the present one, if all is there.
    pub(in crate::mesh) fn finish(&mut self) -> Option<(TransferId, Payload)> {
        let is_complete =
            |current: &mut Current| current.received == current.bytes && current.buffer.is_some();
        let current = self.current.take_if(is_complete)?;
        let payload = Payload::from(current.buffer?);
        Some((TransferId(self.last), payload))
    }

    /// How much of it is there, once after it has grown.
    pub(in crate::mesh) fn progress(&mut self, id: TransferId) -> Option<TransferEvent> {
        let current = self.current.as_mut().filter(|_| id.0 == self.last)?;
        current.is_noticed = false;
        current.buffer.as_ref()?;
        Some(TransferEvent::Progress {
            received: current.received,
            bytes: current.bytes,
        })
    }

    /// Does not want the present one any more; whether that is the one.
    pub(in crate::mesh) fn refuse(&mut self, id: TransferId) -> bool {
        let current = self.current.as_mut().filter(|_| id.0 == self.last);
        current.is_some_and(|current| current.buffer.take().is_some())
    }

    fn told(&self, event: Option<TransferEvent>) -> Heard {
        event.map_or(Heard::Nothing, |event| {
            Heard::Event(TransferId(self.last), event)
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const LIMIT: usize = 1000;

    fn begin(incoming: &mut Incoming, number: u32, bytes: usize) -> Result<Heard, &'static str> {
        let name = "x";
        let word = Word::Begin {
            number,
            bytes,
            name,
        };
        incoming.take(word.to_payload(), LIMIT)
    }

    fn part(incoming: &mut Incoming, bytes: usize) -> Result<Heard, &'static str> {
        incoming.take(Payload::from(vec![9; bytes]), LIMIT)
    }

    #[test]
    fn a_transfer_is_put_together() {
        let mut incoming = Incoming::default();
        let begun = TransferEvent::Begun {
            name: "x".into(),
            bytes: 500,
        };
        let id = TransferId(1);
        assert_eq!(begin(&mut incoming, 1, 500), Ok(Heard::Event(id, begun)));
        assert_eq!(part(&mut incoming, 300), Ok(Heard::Progress(id)));
        assert_eq!(part(&mut incoming, 100), Ok(Heard::Nothing), "one notice");
        let progress = TransferEvent::Progress {
            received: 400,
            bytes: 500,
        };
        assert_eq!(incoming.progress(id), Some(progress));
        assert!(incoming.finish().is_none());
        assert_eq!(part(&mut incoming, 100), Ok(Heard::Progress(id)));
        assert_eq!(incoming.finish(), Some((id, Payload::from(vec![9; 500]))));
        assert_eq!(incoming.progress(id), None, "it is over");
        begin(&mut incoming, 2, 0).unwrap();
        let empty = (TransferId(2), Payload::from(vec![]));
        assert_eq!(incoming.finish(), Some(empty));
    }

    #[test]
    fn the_buffer_grows_with_what_has_come_and_once_to_the_end() {
        let (mut incoming, size) = (Incoming::default(), 64 * FIRST);
        let begin = Word::Begin {
            number: 1,
            bytes: size,
            name: "",
        };
        incoming.take(begin.to_payload(), size).unwrap();
        let mut capacities = Vec::new();
        for _ in 0..64 {
            let part = Payload::from(vec![9; FIRST]);
            incoming.take(part, size).unwrap();
            let current = incoming.current.as_ref().unwrap();
            capacities.push(current.buffer.as_ref().unwrap().capacity() / FIRST);
        }
        capacities.dedup();
        assert_eq!(capacities, [1, 2, 4, 8, 16, 64]);
    }

    #[test]
    fn one_that_is_not_wanted_is_counted_and_not_kept() {
        let mut incoming = Incoming::default();
        begin(&mut incoming, 1, 500).unwrap();
        part(&mut incoming, 300).unwrap();
        assert!(!incoming.refuse(TransferId(2)));
        assert!(incoming.refuse(TransferId(1)) && !incoming.refuse(TransferId(1)));
        assert_eq!(incoming.progress(TransferId(1)), None);
        assert_eq!(part(&mut incoming, 100), Ok(Heard::Nothing));
        let cancel = Word::Cancel.to_payload();
        assert_eq!(incoming.take(cancel, LIMIT), Ok(Heard::Nothing));
        // Another one, which comes to its end.
        begin(&mut incoming, 2, 500).unwrap();
        incoming.refuse(TransferId(2));
        assert_eq!(part(&mut incoming, 500), Ok(Heard::Nothing));
        assert!(incoming.finish().is_none());
        begin(&mut incoming, 3, 1).unwrap();
    }

    #[test]
    fn a_liar_is_found_out_and_costs_nothing() {
        let cancel = |incoming: &mut Incoming| incoming.take(Word::Cancel.to_payload(), LIMIT);
        let mut incoming = Incoming::default();
        assert!(part(&mut incoming, 1).is_err());
        assert!(cancel(&mut incoming).is_err());
        assert!(begin(&mut incoming, 0, 1).is_err());
        assert!(begin(&mut incoming, 1, LIMIT + 1).is_err());
        begin(&mut incoming, 1, LIMIT).unwrap();
        assert!(begin(&mut incoming, 2, 1).is_err());
        assert!(part(&mut incoming, 0).is_err());
        assert!(part(&mut incoming, LIMIT + 1).is_err());
        let text = Payload::Text(b"begin \xff".as_slice().into());
        assert!(incoming.take(text, LIMIT).is_err());
        let current = incoming.current.as_ref().unwrap();
        assert_eq!(current.buffer.as_ref().map(Vec::capacity), Some(0));
    }
}
