//! Where frames and messages begin and end in the bytes that a WebSocket client sends.

/// The longest head of a frame: two bytes, a length of eight, a mask of four.
const MAX_HEAD: usize = 14;

/// The opcode of a close, and the first one of a control frame (RFC 6455, section 5.2).
const CLOSE: u8 = 8;

/// The beginning of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Whether it is the last one of its message.
    pub(super) last: bool,
    opcode: u8,
    /// How many bytes it says it has.
    pub(super) size: u64,
}

impl Frame {
    /// Whether it is a ping, a pong or a close, which may come in the middle of a message.
    pub(super) const fn is_control(self) -> bool {
        self.opcode >= CLOSE
    }

    pub(super) const fn is_close(self) -> bool {
        self.opcode == CLOSE
    }
}

/// Follows the frames in a stream of bytes that comes in any portions. Keeps the head of one frame and nothing else.
///
/// It judges nothing: a stream that breaks the rules of WebSocket is found out by the WebSocket.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; MAX_HEAD],
    /// How much of the head is there.
    have: usize,
    /// How many bytes of the frame are still to come.
    left: u64,
}

impl Frames {
    /// Whether the frame whose head came last has not ended.
    pub(super) const fn is_inside(&self) -> bool {
        self.left > 0
    }

    /// The next frame that begins in `bytes`, which become what follows its head; none when they are used up.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Option<Frame> {
        self.skip(bytes);
        while self.left == 0
            && let Some((first, rest)) = bytes.split_first()
        {
            *bytes = rest;
            if let Some(byte) = self.head.get_mut(self.have) {
                *byte = *first;
            }
            self.have += 1;
            if let Some(frame) = self.head() {
                self.have = 0;
                self.left = frame.size;
                self.skip(bytes);
                return Some(frame);
            }
        }
        None
    }

    /// Passes over what belongs to the frame that has begun.
    fn skip(&mut self, bytes: &mut &[u8]) {
        let size = usize::try_from(self.left).unwrap_or(usize::MAX);
        let (skipped, rest) = bytes.split_at(size.min(bytes.len()));
        self.left -= skipped.len() as u64;
        *bytes = rest;
    }

    /// What the head says, if it is whole.
    fn head(&self) -> Option<Frame> {
        let head = self.head.get(..self.have)?;
        let (&[first, second], rest) = head.split_first_chunk()?;
        let mask = if second & 0x80 == 0 { 0 } else { 4 };
        let (size, rest) = match second & 0x7f {
            126 => {
                let (size, rest) = rest.split_first_chunk()?;
                (u16::from_be_bytes(*size).into(), rest)
            }
            127 => {
                let (size, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*size), rest)
            }
            size => (size.into(), rest),
        };
        (rest.len() >= mask).then_some(Frame {
            last: first & 0x80 != 0,
            opcode: first & 0x0f,
            size,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(last: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![u8::from(last) << 7 | opcode];
        match payload.len() {
            size @ 0..126 => bytes.push(0x80 | u8::try_from(size).expect("small")),
            size @ 126..65536 => {
                bytes.push(0x80 | 126);
                bytes.extend(u16::try_from(size).expect("small").to_be_bytes());
            }
            size => {
                bytes.push(0x80 | 127);
                bytes.extend((size as u64).to_be_bytes());
            }
        }
        bytes.extend([0, 0, 0, 0]);
        bytes.extend(payload);
        bytes
    }

    proptest! {
        /// However the bytes are cut, the same frames are found, and the last one ends with the last byte.
        #[test]
        fn frames_are_found_in_any_portions(
            sizes in proptest::collection::vec((any::<bool>(), 0..16_u8, prop_oneof![0..130_usize, 65_530..65_540_usize]), 0..6),
            cut in 1..2000_usize,
        ) {
            let mut bytes = Vec::new();
            let mut expected = Vec::new();
            for (last, opcode, size) in sizes {
                bytes.extend(written(last, opcode, &vec![0xff; size]));
                expected.push(Frame { last, opcode, size: size as u64 });
            }
            let mut frames = Frames::default();
            let mut found = Vec::new();
            for mut portion in bytes.chunks(cut) {
                while let Some(frame) = frames.next(&mut portion) {
                    found.push(frame);
                }
                prop_assert!(portion.is_empty());
            }
            prop_assert_eq!(found, expected);
            prop_assert!(!frames.is_inside());
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut frames = Frames::default();
            let mut rest = bytes.as_slice();
            while frames.next(&mut rest).is_some() {}
        }
    }

    #[test]
    fn a_frame_that_has_not_ended_is_known() {
        let mut frames = Frames::default();
        let bytes = written(true, 1, b"ab");
        let (mut start, mut end) = bytes.split_at(bytes.len() - 1);
        assert!(frames.next(&mut start).is_some());
        assert!(frames.is_inside());
        assert!(frames.next(&mut end).is_none());
        assert!(!frames.is_inside());
    }

    #[test]
    fn a_frame_without_a_mask_is_known_too() {
        let mut frames = Frames::default();
        let mut bytes: &[u8] = &[0x81, 2, b'a', b'b'];
        let frame = Frame {
            last: true,
            opcode: 1,
            size: 2,
        };
        assert_eq!(frames.next(&mut bytes), Some(frame));
        assert!(bytes.is_empty() && !frames.is_inside());
    }
}
