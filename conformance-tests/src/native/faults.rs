//! What a case's weather is to a path of ours: faults by chance.

use std::time::Duration;

use crate::stream::Weather;

/// Chance is the same in each run, the order in which the datagrams come is not.
const SEED: u64 = 20_261_125;

/// How much later than the others a datagram comes that is overtaken.
const OVERTAKEN_BY: Duration = Duration::from_millis(30);

/// What a datagram has besides chunks of SCTP, at least: a record of DTLS 1.3 (RFC 9147: head, type and tag) and SCTP's common head.
const FRAME: usize = 3 + 1 + 16 + 12;

/// The head of a chunk of data (RFC 9260).
const CHUNK: usize = 16;

/// No faults yet.
pub(crate) fn calm() -> socket_faults::Weather {
    socket_faults::Weather::seeded(SEED)
}

/// From now on the path is like this, in each direction.
pub(crate) fn set(faults: &socket_faults::Weather, weather: Weather) {
    faults.set(|chance| {
        chance
            .loss(weather.loss())
            .late(weather.reorder(), OVERTAKEN_BY)
            .delay(weather.delay, weather.jitter)
    });
}

/// How many messages of so many bytes can have been in the datagrams so far that were lost or held up.
pub(crate) fn spoilt(faults: &socket_faults::Weather, len: usize) -> u64 {
    messages(&faults.spoilt(), len)
}

fn messages(sizes: &[usize], len: usize) -> u64 {
    let of_one = |size: &usize| (size.saturating_sub(FRAME) / (CHUNK + len)) as u64;
    sizes.iter().map(of_one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_has_as_many_messages_as_fit() {
        let len = 64;
        let of = |count| FRAME + count * (CHUNK + len);
        assert_eq!(messages(&[of(3), of(1), of(1) - 1, 10], len), 4);
    }
}
