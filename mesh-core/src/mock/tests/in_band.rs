//! Channels that one side makes in-band.

use alloc::string::String;
use alloc::vec::Vec;

use super::duo::{Duo, LINK, RELIABLE, numbered};
use crate::{
    ChannelIndex, ChannelParameters, ChannelSpec, Duration, LinkEvent, Reliability, SendLimits,
};

const IN_BAND: ChannelIndex = ChannelIndex(3);

/// A pair of which one makes a channel in-band for each of these streams.
fn connected(streams: &[u16]) -> Duo {
    let mut duo = Duo::new(1);
    for (index, stream) in (IN_BAND.0..).zip(streams) {
        let spec = ChannelSpec {
            label: String::new(),
            parameters: ChannelParameters {
                id: *stream,
                ordered: false,
                reliability: Reliability::Reliable,
            },
            limits: SendLimits::default(),
            bulk: false,
        };
        let backend = duo.a.backend.id();
        let network = &duo.network;
        network.create_in_band_channel(backend, LINK, ChannelIndex(index), &spec);
    }
    duo.a.offer();
    duo.run(Duration::from_secs(1));
    duo
}

fn received(duo: &Duo) -> usize {
    let is_remote =
        |event: &&LinkEvent| matches!(event, LinkEvent::ChannelOpened { remote: true, .. });
    duo.b.seen.iter().filter(is_remote).count()
}

#[test]
fn the_far_side_is_told_and_can_answer() {
    let mut duo = connected(&[9]);
    assert_eq!(received(&duo), 1);
    duo.a.send(IN_BAND, numbered(1)).unwrap();
    duo.b.send(IN_BAND, numbered(2)).unwrap();
    duo.a.send(RELIABLE, numbered(3)).unwrap();
    duo.run(Duration::from_secs(1));
    assert_eq!(duo.b.messages(IN_BAND).len(), 1);
    assert_eq!(duo.a.messages(IN_BAND).len(), 1);
    assert_eq!(duo.b.messages(RELIABLE).len(), 1);
}

#[test]
fn there_is_a_bound() {
    let streams: Vec<_> = (10..40).collect();
    assert_eq!(received(&connected(&streams)), 16);
}
