//! Refuses an SCTP packet that skips so many numbers that the `webrtc` crate would compute for seconds.
//!
//! FORWARD-TSN (RFC 3758) says that everything up to a number was given up. The crate makes one turn of a loop for each number
//! between, and a member can name any. What the crate has received is known from its own acknowledgements. An honest member is
//! ahead of them by what it has sent and given up since. docs/upstream.md, "one turn of a loop for each number skipped".

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many numbers may be skipped at once: more than anybody sends within an outage that a link outlives. The crate needs a
/// few milliseconds for them.
const MAX_LEAP: u32 = 1 << 20;

/// How many associations a far side may begin. An honest one begins one, and says so again when that was lost; whoever begins
/// others has the crate keep each of them.
const MAX_BEGINNINGS: usize = 16;

/// How many different tags a far side may choose. An honest one may choose another each time that it is asked.
const MAX_TAGS: usize = 8;

/// Ports, tag and checksum.
const PACKET_HEADER: usize = 12;

const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const SACK: u8 = 3;
const FORWARD_TSN: u8 = 192;

/// What is known of the numbers of the associations of one connection.
#[derive(Debug, Default)]
pub(crate) struct Leaps(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    beginnings: usize,
    far_sides: Vec<FarSide>,
    /// Each of our tags, and that of the far side.
    tags: Vec<(u32, u32)>,
}

/// What the far side counts in an association. Those that have one tag of its begin with one number.
#[derive(Debug)]
struct FarSide {
    tag: u32,
    /// The number before the first one.
    beginning: u32,
    /// The last number of our last acknowledgement.
    acknowledged: Option<u32>,
}

impl Leaps {
    /// Takes note of a packet of ours.
    pub(super) fn sent(&self, packet: &[u8]) {
        let Some(far) = number(packet, 4) else {
            return;
        };
        for (kind, body) in chunks(packet) {
            match (kind, number(body, 0)) {
                (SACK, Some(number)) => self.known().acknowledge(far, number),
                (INIT_ACK, Some(ours)) => self.known().pair(ours, far),
                _ => {}
            }
        }
    }

    /// Whether a packet of the far side may be processed.
    pub(super) fn admits(&self, packet: &[u8]) -> bool {
        let Some(ours) = number(packet, 4) else {
            return true;
        };
        let mut known = self.known();
        chunks(packet).all(|(kind, body)| match (kind, number(body, 0)) {
            (INIT, Some(far)) => {
                known.beginnings += 1;
                known.beginnings <= MAX_BEGINNINGS && known.begin(far, number(body, 12))
            }
            (INIT_ACK, Some(far)) => {
                known.pair(ours, far);
                known.begin(far, number(body, 12))
            }
            (FORWARD_TSN, Some(number)) => known.admits(ours, number),
            _ => true,
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Whether the far side may use this tag with this first number.
    fn begin(&mut self, tag: u32, first: Option<u32>) -> bool {
        let Some(beginning) = first.map(|first| first.wrapping_sub(1)) else {
            return true;
        };
        if let Some(known) = self.far_side(tag) {
            return known.beginning == beginning;
        }
        if self.far_sides.len() >= MAX_TAGS {
            return false;
        }
        self.far_sides.push(FarSide {
            tag,
            beginning,
            acknowledged: None,
        });
        true
    }

    /// An association has these tags. What is paired first stays: the crate does not change it either.
    fn pair(&mut self, ours: u32, far: u32) {
        let is_known = self.tags.iter().any(|(tag, _)| *tag == ours);
        if !is_known && self.tags.len() < 2 * MAX_BEGINNINGS {
            self.tags.push((ours, far));
        }
    }

    fn acknowledge(&mut self, far: u32, number: u32) {
        if let Some(far) = self.far_side(far) {
            far.acknowledged = Some(number);
        }
    }

    /// Nobody skips numbers of an association that is not agreed on.
    fn admits(&mut self, ours: u32, number: u32) -> bool {
        let tags = self.tags.iter().find(|(tag, _)| *tag == ours).copied();
        let Some(far) = tags.and_then(|(_, far)| self.far_side(far)) else {
            return false;
        };
        // What is behind is nothing new.
        let leap = number.wrapping_sub(far.acknowledged.unwrap_or(far.beginning));
        leap <= MAX_LEAP || leap >= 1 << 31
    }

    fn far_side(&mut self, tag: u32) -> Option<&mut FarSide> {
        self.far_sides.iter_mut().find(|far| far.tag == tag)
    }
}

/// Kind and body of each chunk, as far as their lengths make sense.
fn chunks(packet: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = packet.get(PACKET_HEADER..).unwrap_or_default();
    core::iter::from_fn(move || {
        let [kind, _, high, low, ..] = *rest else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let body = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, body))
    })
}

fn number(body: &[u8], at: usize) -> Option<u32> {
    let bytes = body.get(at..at + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use hostile_member::{chunk, forward_tsn, packet};

    use super::{FORWARD_TSN, INIT, INIT_ACK, Leaps, MAX_BEGINNINGS, MAX_LEAP, MAX_TAGS, SACK};

    const FIRST: u32 = u32::MAX - 10;
    const OURS: u32 = 5;
    const FAR: u32 = 7;

    /// An association that begins with this number, of which nothing is acknowledged.
    fn begun(first: u32) -> Leaps {
        let leaps = Leaps::default();
        assert!(begin(&leaps, FAR, first));
        answer(&leaps, FAR, OURS);
        leaps
    }

    fn begin(leaps: &Leaps, tag: u32, first: u32) -> bool {
        leaps.admits(&packet(0, &chunk(INIT, 0, &beginning(tag, first))))
    }

    fn beginning(tag: u32, first: u32) -> Vec<u8> {
        [&tag.to_be_bytes()[..], &[0; 8], &first.to_be_bytes()].concat()
    }

    /// We take part in the association that the far side has begun.
    fn answer(leaps: &Leaps, far: u32, ours: u32) {
        leaps.sent(&packet(far, &chunk(INIT_ACK, 0, &beginning(ours, 1))));
    }

    fn acknowledge(leaps: &Leaps, far: u32, number: u32) {
        let body = [&number.to_be_bytes()[..], &[0; 8]].concat();
        leaps.sent(&packet(far, &chunk(SACK, 0, &body)));
    }

    fn admits(leaps: &Leaps, number: u32) -> bool {
        leaps.admits(&packet(OURS, &forward_tsn(number)))
    }

    #[test]
    fn a_leap_is_measured_from_the_beginning_and_then_from_what_was_acknowledged() {
        let leaps = begun(FIRST);
        let before = FIRST.wrapping_sub(1);
        assert!(admits(&leaps, before.wrapping_add(MAX_LEAP)));
        assert!(!admits(&leaps, before.wrapping_add(MAX_LEAP + 1)));
        assert!(!admits(&leaps, before.wrapping_add((1 << 31) - 1)));
        acknowledge(&leaps, FAR, 1000);
        assert!(admits(&leaps, 1000 + MAX_LEAP));
        assert!(!admits(&leaps, 1001 + MAX_LEAP));
        // Old ones come again, and change nothing.
        assert!(admits(&leaps, 1));
    }

    #[test]
    fn an_association_that_we_have_begun_counts_as_well() {
        let leaps = Leaps::default();
        assert!(!admits(&leaps, 5), "it is not agreed on");
        let answer = chunk(INIT_ACK, 0, &beginning(FAR, 1));
        assert!(leaps.admits(&packet(OURS, &answer)));
        assert!(admits(&leaps, 5) && !admits(&leaps, 1 << 30));
    }

    #[test]
    fn each_association_is_measured_by_its_own_numbers() {
        let leaps = begun(1);
        acknowledge(&leaps, FAR, 10);
        let far_behind = 10_u32.wrapping_sub((1 << 31) - 2);
        assert!(begin(&leaps, FAR + 1, far_behind));
        answer(&leaps, FAR + 1, OURS + 1);
        let skip = |number| leaps.admits(&packet(OURS + 1, &forward_tsn(number)));
        assert!(!skip(10), "near the other one");
        assert!(skip(far_behind.wrapping_add(10)));
        assert!(admits(&leaps, 20));
    }

    #[test]
    fn one_tag_has_one_beginning() {
        let leaps = begun(1);
        assert!(begin(&leaps, FAR, 1), "the first one was lost");
        assert!(!begin(&leaps, FAR, 1 << 31));
        let other = chunk(INIT_ACK, 0, &beginning(FAR, 1 << 31));
        assert!(!leaps.admits(&packet(OURS, &other)));
    }

    #[test]
    fn who_begins_again_and_again_is_refused() {
        let leaps = begun(1);
        assert!((1..MAX_BEGINNINGS).all(|_| begin(&leaps, FAR, 1)));
        assert!(!begin(&leaps, FAR, 1));
        let leaps = begun(1);
        assert!((1..MAX_TAGS as u32).all(|other| begin(&leaps, FAR + other, 1)));
        assert!(!begin(&leaps, 1, 1));
    }

    #[test]
    fn a_leap_behind_other_chunks_is_seen() {
        let leaps = begun(1);
        let far = forward_tsn(1 << 30);
        let chunks = [chunk(0, 3, &[7; 13]), chunk(4, 0, &[0; 5]), far].concat();
        assert!(!leaps.admits(&packet(OURS, &chunks)));
        assert_eq!(chunks[chunks.len() - 8], FORWARD_TSN);
    }

    #[test]
    fn what_is_no_packet_passes() {
        let leaps = Leaps::default();
        for length in 0..40 {
            assert!(leaps.admits(&vec![0; length]));
            leaps.sent(&vec![3; length]);
        }
    }
}
