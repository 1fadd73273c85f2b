//! Who meets whom, and what the server passes on.

use mesh_core::mock::Conditions;
use mesh_core::{ChannelIndex, Duration, Target, TransferMode};
use multiplayer_api::ApiEvent;

use super::{CUSTOM, Star};
use crate::kit::{connected, id};

#[test]
fn everybody_meets_everybody_through_the_server() {
    let mut star = Star::connected(1, 3);
    assert_eq!(
        star.node(1).take(),
        [connected(2), connected(3), connected(4)]
    );
    for client in 2..=4 {
        let others = (2..=4).filter(|other| *other != client).map(connected);
        let told: Vec<ApiEvent> = [ApiEvent::ConnectedToServer, connected(1)]
            .into_iter()
            .chain(others)
            .collect();
        assert_eq!(star.node(client).take(), told);
    }
}

#[test]
fn every_target_reaches_whom_it_means() {
    let mut star = Star::connected(2, 3);
    star.nodes.iter_mut().for_each(|node| drop(node.take()));
    let (all, one) = (Target::All, Target::One);
    let except = Target::AllExcept;
    assert_eq!(star.spread(2, all), [1, 3, 4]);
    assert_eq!(star.spread(2, one(id(1))), [1]);
    assert_eq!(star.spread(2, one(id(4))), [4]);
    assert_eq!(star.spread(2, except(id(4))), [1, 3]);
    assert_eq!(star.spread(2, except(id(1))), [3, 4]);
    assert_eq!(star.spread(2, except(id(2))), [1, 3, 4]);
    assert_eq!(star.spread(1, all), [2, 3, 4]);
    assert_eq!(star.spread(1, one(id(3))), [3]);
    assert_eq!(star.spread(1, except(id(3))), [2, 4]);
    assert_eq!(star.spread(1, except(id(1))), [2, 3, 4]);
}

#[test]
fn a_relayed_packet_keeps_its_mode_and_its_channel() {
    let mut star = Star::connected(3, 2);
    star.nodes.iter_mut().for_each(|node| drop(node.take()));
    let ways = [
        (
            ChannelIndex::from(TransferMode::Reliable),
            TransferMode::Reliable,
            0,
        ),
        (
            TransferMode::UnreliableOrdered.into(),
            TransferMode::UnreliableOrdered,
            1,
        ),
        (TransferMode::Unreliable.into(), TransferMode::Unreliable, 2),
        (
            ChannelIndex::for_transfer(TransferMode::Reliable, 1),
            CUSTOM[0],
            3,
        ),
    ];
    for (via, mode, index) in ways {
        star.node(2).send(Target::One(id(3)), via, b"hi");
        star.run(Duration::from_millis(500));
        let packet = ApiEvent::PeerPacket {
            from: id(2),
            mode,
            channel: ChannelIndex(index),
            data: b"hi".as_slice().into(),
        };
        assert_eq!(star.node(3).take(), [packet]);
    }
}

#[test]
fn reliable_packets_arrive_all_and_in_order_through_the_server() {
    let mut star = Star::connected(4, 2);
    star.nodes.iter_mut().for_each(|node| drop(node.take()));
    star.network.set_conditions(Conditions {
        latency: Duration::from_millis(20),
        loss: 0.2,
        ..Conditions::default()
    });
    // More than the server's channel to 3 takes at once: what does not fit waits at the server.
    let size = 60_000;
    for number in 0..30 {
        let data = vec![number; size];
        star.node(2)
            .send(Target::One(id(3)), TransferMode::Reliable, &data);
        star.run(Duration::from_millis(200));
    }
    star.run(Duration::from_secs(60));
    let heard = star.node(3).heard();
    assert_eq!(heard.len(), 30);
    for (number, (from, data)) in (0..).zip(heard) {
        assert_eq!((from, data), (2, vec![number; size]));
    }
}
