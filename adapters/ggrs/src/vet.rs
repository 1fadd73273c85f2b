//! Packets that GGRS would not survive.
//!
//! GGRS unpacks the inputs of a message with `bitfield-rle` 0.2, which believes the lengths that it reads. A packet of a few bytes
//! could ask for more memory than there is, which ends the program and cannot be caught. So the lengths are added up here first.

/// How many bytes the inputs of one message may be, unpacked. A message has at most 128 inputs.
const MAX_UNPACKED: u64 = 256 * 1024;

/// The last frame that inputs may begin with: more than a year at 60 Hz, and far enough from the end of `i32` for all inputs of a message.
const MAX_FRAME: i32 = i32::MAX - 1_000_000;

/// The number of `MessageBody::Input`.
const INPUT: u32 = 2;

/// The fields of `Input`: the state of each player's connection, whether to disconnect, the first frame, the last frame received, the
/// packed inputs.
type Input<'a> = (Vec<(bool, i32)>, bool, i32, i32, &'a [u8]);

/// Whether a packet that is a message of GGRS can be given to it.
pub(crate) fn is_harmless(packet: &[u8]) -> bool {
    let Ok(((_magic, body), fields)) = postcard::take_from_bytes::<(u16, u32)>(packet) else {
        return false;
    };
    if body != INPUT {
        return true;
    }
    let Ok((_, _, first_frame, _, inputs)) = postcard::from_bytes::<Input<'_>>(fields) else {
        return false;
    };
    first_frame <= MAX_FRAME && unpacked_size(inputs).is_some_and(|size| size <= MAX_UNPACKED)
}

/// How many bytes packed inputs become. `None` if they end too early.
fn unpacked_size(mut packed: &[u8]) -> Option<u64> {
    let mut size = 0_u64;
    while !packed.is_empty() {
        let (number, rest) = varint(packed)?;
        packed = rest;
        // A run of equal bytes, or so many bytes as they are.
        let is_run = number & 1 == 1;
        let length = if is_run { number >> 2 } else { number >> 1 };
        if !is_run {
            packed = packed.get(usize::try_from(length).ok()?..)?;
        }
        size = size.checked_add(length)?;
    }
    Some(size)
}

/// A number of 7 bits a byte, the lowest first. None that is needed here has more than five bytes.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (place, byte) in bytes.iter().take(5).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(place + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message with inputs from a frame on.
    fn input(first_frame: i32, inputs: &[u8]) -> Vec<u8> {
        let fields: Input<'_> = (vec![(false, 7); 2], false, first_frame, 3, inputs);
        let packet = postcard::to_allocvec(&(5_u16, INPUT)).unwrap();
        postcard::to_extend(&fields, packet).unwrap()
    }

    #[test]
    fn the_fields_are_those_of_ggrs() {
        let packet = input(9, &[8, 1, 2, 3, 4]);
        let message: ggrs::Message = postcard::from_bytes(&packet).unwrap();
        let text = format!("{message:?}");
        for part in [
            "magic: 5",
            "last_frame: 7",
            "start_frame: 9",
            "ack_frame: 3",
            "0x0801020304",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(is_harmless(&packet));
    }

    #[test]
    fn a_run_that_is_too_long_is_not_unpacked() {
        // As many zeros as may be, then one more.
        let run = |length: u64| {
            let number = length << 2 | 1;
            let bytes = [
                number & 0x7f | 0x80,
                number >> 7 & 0x7f | 0x80,
                number >> 14,
            ];
            bytes.map(|byte| u8::try_from(byte).unwrap()).to_vec()
        };
        assert_eq!(unpacked_size(&run(MAX_UNPACKED)), Some(MAX_UNPACKED));
        assert!(is_harmless(&input(0, &run(MAX_UNPACKED))));
        assert!(!is_harmless(&input(0, &run(MAX_UNPACKED + 1))));
        let twice = [run(MAX_UNPACKED), run(1)].concat();
        assert!(!is_harmless(&input(0, &twice)));
        assert!(!is_harmless(&input(0, &[0xff, 0xff, 0xff, 0xff, 0x7f])));
        assert!(!is_harmless(&input(0, &[0xff; 12])));
    }

    #[test]
    fn packed_inputs_that_end_too_early_are_not_unpacked() {
        assert_eq!(unpacked_size(&[]), Some(0));
        assert_eq!(unpacked_size(&[4, 1, 2]), Some(2));
        assert_eq!(unpacked_size(&[4, 1]), None, "bytes are missing");
        assert_eq!(unpacked_size(&[0x80]), None, "a number is cut off");
    }

    #[test]
    fn frames_do_not_reach_the_end_of_their_numbers() {
        assert!(is_harmless(&input(MAX_FRAME, &[])));
        assert!(!is_harmless(&input(i32::MAX, &[])));
    }
}
