//! The sending end of transfers: one after the other, cut into parts as the far side takes them.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::wire::{MAX_WINDOW, Word};
use crate::transfer::MAX_TRANSFERS;
use crate::{Payload, TransferError, TransferId, TransferInfo};

/// The bytes of a part. Larger ones would keep the messages of the game waiting: without interleaving, which neither browser
/// has, a message goes as a whole.
const PART: usize = 16 * 1024;

/// How many bytes may be under way at first. The more there are, the longer it takes until a transfer is given up.
const FIRST_WINDOW: usize = 128 * 1024;

/// What we transfer to the far side.
#[derive(Debug)]
pub(in crate::mesh) struct Outgoing {
    /// The number of the newest one, and of the one that the far side has been told of last.
    last: u32,
    begun: u32,
    queue: VecDeque<Sending>,
    /// Messages that the far side has not said it has taken.
    under_way: VecDeque<Part>,
    /// The bytes of those.
    bytes: usize,
    /// How many messages it has said it has taken.
    taken: u64,
    window: usize,
}

#[derive(Debug)]
struct Sending {
    number: u32,
    name: String,
    bytes: Bytes,
    /// Whether the far side has been told that it begins.
    is_begun: bool,
    /// How much of it has been cut off.
    cut: usize,
    /// How much of that the far side has taken.
    taken: usize,
    /// Whether the far side does not want it, though it has been given all of it.
    is_refused: bool,
}

/// One message that is under way.
#[derive(Debug)]
struct Part {
    number: u32,
    bytes: usize,
}

impl Default for Outgoing {
    fn default() -> Self {
        Self {
            last: 0,
            begun: 0,
            queue: VecDeque::new(),
            under_way: VecDeque::new(),
            bytes: 0,
            taken: 0,
            window: FIRST_WINDOW,
        }
    }
}

impl Outgoing {
    pub(in crate::mesh) fn add(
        &mut self,
        name: String,
        bytes: Bytes,
    ) -> Result<TransferId, TransferError> {
        if self.queue.len() >= MAX_TRANSFERS {
            return Err(TransferError::TooMany);
        }
        self.last = self.last.wrapping_add(1);
        self.queue.push_back(Sending {
            number: self.last,
            name,
            bytes,
            is_begun: false,
            cut: 0,
            taken: 0,
            is_refused: false,
        });
        Ok(TransferId(self.last))
    }

    /// The next message, if the far side can take it. `part` is the largest one that it takes, `window` how many bytes it holds.
    pub(in crate::mesh) fn next(&mut self, part: usize, window: usize) -> Option<Payload> {
        if self.bytes >= self.window.min(window) {
            return None;
        }
        let next = |sending: &&mut Sending| !sending.is_begun || sending.left() > 0;
        let sending = self.queue.iter_mut().find(next)?;
        let number = sending.number;
        if !core::mem::replace(&mut sending.is_begun, true) {
            self.begun = number;
            let begin = Word::Begin {
                number,
                bytes: sending.bytes.len(),
                name: &sending.name,
            };
            let begin = begin.to_payload();
            return Some(self.sent(number, 0, begin));
        }
        let room = self.window.min(window) - self.bytes;
        let end = sending.cut + sending.left().min(PART).min(part).min(room);
        let bytes = sending.bytes.slice(sending.cut..end);
        sending.cut = end;
        Some(self.sent(number, bytes.len(), Payload::Binary(bytes)))
    }

    /// A word that is no part of a transfer of ours.
    pub(in crate::mesh) fn say(&mut self, word: &Word<'_>) -> Payload {
        self.sent(0, 0, word.to_payload())
    }

    fn sent(&mut self, number: u32, bytes: usize, payload: Payload) -> Payload {
        self.bytes += bytes;
        self.under_way.push_back(Part { number, bytes });
        payload
    }

    /// The backend has nothing left to send, though there is something: more may be under way from now on. Whether that makes
    /// a difference.
    pub(in crate::mesh) fn widen(&mut self) -> bool {
        let is_held_up = self.bytes >= self.window && self.window < MAX_WINDOW;
        if is_held_up {
            self.window *= 2;
        }
        is_held_up
    }

    /// The far side has taken so many messages altogether. Gives the transfers that it has whole.
    pub(in crate::mesh) fn confirm(&mut self, count: u64) -> Vec<TransferId> {
        while self.taken < count {
            let Some(part) = self.under_way.pop_front() else {
                break;
            };
            self.taken += 1;
            self.bytes -= part.bytes;
            let mut sending = self.queue.iter_mut();
            if let Some(sending) = sending.find(|sending| sending.number == part.number) {
                sending.taken += part.bytes;
            }
        }
        let under_way = &self.under_way;
        // One without bytes may still have its beginning under way.
        let is_whole = |sending: &mut Sending| {
            sending.is_begun
                && sending.taken == sending.bytes.len()
                && !under_way.iter().any(|part| part.number == sending.number)
        };
        let mut whole = Vec::new();
        while let Some(done) = self.queue.pop_front_if(is_whole) {
            if !done.is_refused {
                whole.push(TransferId(done.number));
            }
        }
        whole
    }

    /// Takes one out. `None` if there is no such one, or the far side has been given all of it; else what it has to be told, if
    /// it knows of it.
    pub(in crate::mesh) fn remove(&mut self, id: TransferId) -> Option<Option<Word<'static>>> {
        let is_open =
            |sending: &Sending| sending.number == id.0 && (!sending.is_begun || sending.left() > 0);
        let at = self.queue.iter().position(is_open)?;
        let removed = self.queue.remove(at)?;
        Some(removed.is_begun.then_some(Word::Cancel))
    }

    /// The far side does not want one that it has been given all of. Whether that is news.
    pub(in crate::mesh) fn refused(&mut self, id: TransferId) -> bool {
        let mut sending = self.queue.iter_mut();
        let sending = sending.find(|sending| sending.number == id.0);
        sending.is_some_and(|sending| !core::mem::replace(&mut sending.is_refused, true))
    }

    /// Whether the far side has yet to take something.
    pub(in crate::mesh) fn is_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Whether the far side may know of a transfer of this number.
    pub(in crate::mesh) const fn has_begun(&self, id: TransferId) -> bool {
        id.0 > 0 && id.0 <= self.begun
    }

    pub(in crate::mesh) fn list(&self) -> impl Iterator<Item = TransferInfo> {
        let wanted = self.queue.iter().filter(|sending| !sending.is_refused);
        wanted.map(|sending| TransferInfo {
            id: TransferId(sending.number),
            name: sending.name.clone(),
            bytes_sent: sending.taken,
            bytes: sending.bytes.len(),
        })
    }
}

impl Sending {
    fn left(&self) -> usize {
        self.bytes.len() - self.cut
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const WINDOW: usize = 1024 * 1024;

    fn outgoing(sizes: &[usize]) -> Outgoing {
        let mut outgoing = Outgoing::default();
        for (number, size) in (1..).zip(sizes) {
            let added = outgoing.add(String::from("x"), vec![7; *size].into());
            assert_eq!(added, Ok(TransferId(number)));
        }
        outgoing
    }

    fn drain(outgoing: &mut Outgoing) -> Vec<Payload> {
        core::iter::from_fn(|| outgoing.next(usize::MAX, WINDOW)).collect()
    }

    #[test]
    fn a_transfer_is_cut_and_is_over_when_all_of_it_is_taken() {
        let mut outgoing = outgoing(&[2 * PART + 1, 0]);
        let messages = drain(&mut outgoing);
        let lengths: Vec<_> = messages
            .iter()
            .map(|message| (message.is_text(), message.len()))
            .collect();
        let word = |text: &str| (true, text.len());
        let binary = [PART, PART, 1].map(|length| (false, length));
        assert_eq!(
            lengths,
            [
                &[word("begin 1 32769 x")],
                &binary[..],
                &[word("begin 2 0 x")]
            ]
            .concat()
        );
        assert_eq!(outgoing.confirm(2), []);
        let sent: Vec<_> = outgoing.list().map(|info| info.bytes_sent).collect();
        assert_eq!(sent, [PART, 0]);
        assert_eq!(outgoing.confirm(4), [TransferId(1)]);
        assert_eq!(outgoing.confirm(5), [TransferId(2)]);
        assert_eq!((outgoing.bytes, outgoing.list().count()), (0, 0));
    }

    #[test]
    fn no_more_is_under_way_than_the_window() {
        let mut outgoing = outgoing(&[2 * WINDOW]);
        let first = drain(&mut outgoing);
        assert_eq!(first.len(), 1 + FIRST_WINDOW / PART);
        let mut window = FIRST_WINDOW;
        while window < WINDOW {
            assert!(outgoing.widen());
            assert!(
                !outgoing.widen(),
                "what is under way is not all that may be"
            );
            assert_eq!(drain(&mut outgoing).len(), window / PART);
            window *= 2;
        }
        // The far side holds no more.
        assert!(outgoing.widen() && drain(&mut outgoing).is_empty());
        outgoing.confirm(3);
        assert_eq!(drain(&mut outgoing).len(), 2);
    }

    #[test]
    fn one_that_is_given_up_makes_way_for_the_next() {
        let mut outgoing = outgoing(&[2 * WINDOW, 5, 6]);
        drain(&mut outgoing);
        assert_eq!(
            outgoing.remove(TransferId(2)),
            Some(None),
            "the far side knows nothing of it"
        );
        assert_eq!(outgoing.remove(TransferId(1)), Some(Some(Word::Cancel)));
        assert_eq!(outgoing.remove(TransferId(1)), None);
        let begun = [0, 1, 3].map(|id| outgoing.has_begun(TransferId(id)));
        assert_eq!(begun, [false, true, false]);
        let cancel = outgoing.say(&Word::Cancel);
        assert_eq!(cancel.text(), Some("cancel"));
        outgoing.widen();
        let rest = drain(&mut outgoing);
        assert_eq!(rest.first().and_then(Payload::text), Some("begin 3 6 x"));
        let all = 1 + FIRST_WINDOW / PART + 1 + 2;
        assert_eq!(outgoing.confirm(all as u64 - 1), []);
        assert_eq!(outgoing.confirm(all as u64), [TransferId(3)]);
        assert_eq!(outgoing.bytes, 0);
    }

    #[test]
    fn one_that_the_far_side_was_given_whole_cannot_be_taken_back() {
        let mut outgoing = outgoing(&[5]);
        drain(&mut outgoing);
        assert_eq!(outgoing.remove(TransferId(1)), None);
        assert_eq!(outgoing.list().count(), 1);
    }

    #[test]
    fn one_that_is_refused_after_it_was_given_whole_was_not_sent() {
        let mut outgoing = outgoing(&[5, 6]);
        drain(&mut outgoing);
        assert_eq!(outgoing.remove(TransferId(1)), None);
        assert!(outgoing.refused(TransferId(1)) && !outgoing.refused(TransferId(1)));
        assert_eq!(outgoing.list().count(), 1);
        assert_eq!(outgoing.confirm(4), [TransferId(2)]);
        assert!(!outgoing.refused(TransferId(2)), "it was sent before");
    }

    #[test]
    fn so_many_may_wait() {
        let mut outgoing = outgoing(&[1; MAX_TRANSFERS]);
        let one_more = outgoing.add(String::new(), Bytes::new());
        assert_eq!(one_more, Err(TransferError::TooMany));
    }

    #[test]
    fn the_last_part_is_cut_to_the_window() {
        let mut outgoing = outgoing(&[WINDOW]);
        let messages = core::iter::from_fn(|| outgoing.next(usize::MAX, 2 * PART + 1)).skip(1);
        let lengths: Vec<_> = messages.map(|message| message.len()).collect();
        assert_eq!(lengths, [PART, PART, 1]);
    }

    #[test]
    fn the_window_is_not_widened_beyond_the_largest() {
        let mut outgoing = outgoing(&[2 * MAX_WINDOW]);
        while outgoing.window < MAX_WINDOW {
            while outgoing.next(usize::MAX, usize::MAX).is_some() {}
            assert!(outgoing.widen());
        }
        while outgoing.next(usize::MAX, usize::MAX).is_some() {}
        assert!(!outgoing.widen());
    }

    #[test]
    fn one_that_is_not_cut_to_its_end_is_not_whole() {
        let mut one = outgoing(&[2 * WINDOW]);
        let messages = drain(&mut one).len();
        assert_eq!(one.confirm(messages as u64), []);
        assert_eq!(outgoing(&[0]).confirm(0), [], "it has not begun");
    }
}
