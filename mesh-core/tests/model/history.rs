//! What can happen to a mesh, and the translation of it into calls.

use std::collections::BTreeMap;
use std::time::Duration;

use mesh_core::{
    ChannelIndex, ChannelParameters, CloseReason, ConnectFailure, ConnectionState, Instant,
    LinkConfig, LinkEvent, LinkId, Mesh, Payload, PeerId, Reliability, TransferMode,
};
use proptest::prelude::*;

use crate::reference::Reference;

/// One thing that happens; about the peer with that id, if it has a link, else nothing.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Add(u32),
    /// All that makes a peer complete, at once: what is left to chance alone is seldom more than one of them.
    Arrive(u32),
    Remove(u32),
    /// `disconnect_peer` with force.
    Force(u32),
    CloseChannel(u32, u16),
    State(u32, ConnectionState),
    Opened(u32, u16),
    ChannelClosed(u32, u16),
    Message(u32, u16),
    Gone(u32, bool),
    Pass(u64),
    Listen,
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let id = || prop_oneof![Just(1_u32), 3_u32..=6];
    let state = prop_oneof![
        4 => Just(ConnectionState::Connected),
        1 => Just(ConnectionState::Connecting),
        2 => Just(ConnectionState::Disconnected),
        1 => Just(ConnectionState::Failed),
    ];
    prop_oneof![
        3 => id().prop_map(Step::Add),
        3 => id().prop_map(Step::Arrive),
        1 => id().prop_map(Step::Remove),
        1 => id().prop_map(Step::Force),
        1 => (id(), 0_u16..3).prop_map(|(id, channel)| Step::CloseChannel(id, channel)),
        4 => (id(), state).prop_map(|(id, state)| Step::State(id, state)),
        8 => (id(), 0_u16..3).prop_map(|(id, channel)| Step::Opened(id, channel)),
        1 => (id(), 0_u16..3).prop_map(|(id, channel)| Step::ChannelClosed(id, channel)),
        6 => (id(), 0_u16..3).prop_map(|(id, channel)| Step::Message(id, channel)),
        1 => (id(), any::<bool>()).prop_map(|(id, failed)| Step::Gone(id, failed)),
        1 => (0_u64..4000).prop_map(Step::Pass),
        3 => Just(Step::Listen),
    ]
}

/// Time and the names of links, which only the mesh gives.
pub(crate) struct History {
    now: Instant,
    links: BTreeMap<u32, LinkId>,
    next_message: u32,
}

impl Default for History {
    fn default() -> Self {
        Self {
            now: Instant::from_micros(7),
            links: BTreeMap::new(),
            next_message: 0,
        }
    }
}

impl History {
    /// Has a step happen to the mesh and to the reference.
    pub(crate) fn tell(&mut self, step: &Step, mesh: &mut Mesh, reference: &mut Reference) {
        let now = self.now;
        match *step {
            Step::Add(id) => {
                let link = mesh.create_connection(LinkConfig::default());
                let added = mesh.add_peer(now, link, peer(id), None).is_ok();
                assert_eq!(added, reference.add(now, id), "add {id}");
                if added {
                    self.links.insert(id, link);
                } else {
                    mesh.close_connection(link);
                }
            }
            Step::Arrive(id) => {
                self.tell(&Step::Add(id), mesh, reference);
                self.tell(
                    &Step::State(id, ConnectionState::Connected),
                    mesh,
                    reference,
                );
                for channel in 0..3 {
                    self.tell(&Step::Opened(id, channel), mesh, reference);
                }
            }
            Step::Remove(id) => {
                assert_eq!(
                    mesh.remove_peer(peer(id)),
                    reference.remove(id),
                    "remove {id}"
                );
            }
            Step::Force(id) => {
                assert_eq!(
                    mesh.disconnect_peer(peer(id), true),
                    reference.force(id),
                    "force {id}"
                );
            }
            Step::CloseChannel(id, channel) => {
                assert_eq!(
                    mesh.close_channel(now, peer(id), ChannelIndex(channel)),
                    reference.close_channel(now, id, usize::from(channel)),
                    "close channel {channel} of {id}"
                );
            }
            Step::State(id, state) => {
                self.event(mesh, id, |link| LinkEvent::State { link, state });
                reference.state(now, id, state);
            }
            Step::Opened(id, channel) => {
                self.event(mesh, id, |link| LinkEvent::ChannelOpened {
                    link,
                    channel: ChannelIndex(channel),
                    remote: false,
                    actual: parameters(channel),
                });
                reference.opened(id, usize::from(channel));
            }
            Step::ChannelClosed(id, channel) => {
                self.event(mesh, id, |link| LinkEvent::ChannelClosed {
                    link,
                    channel: ChannelIndex(channel),
                });
                reference.channel_closed(now, id, usize::from(channel));
            }
            Step::Message(id, channel) => {
                let payload = Payload::from(self.next_message.to_le_bytes().as_slice());
                self.event(mesh, id, |link| LinkEvent::Message {
                    link,
                    channel: ChannelIndex(channel),
                    payload: payload.clone(),
                });
                reference.message(id, channel, self.next_message);
                self.next_message += 1;
            }
            Step::Gone(id, failed) => {
                let reason = if failed {
                    CloseReason::Failed(ConnectFailure::NoRoute)
                } else {
                    CloseReason::Remote
                };
                self.event(mesh, id, |link| LinkEvent::Closed {
                    link,
                    reason: reason.clone(),
                });
                reference.gone(id, failed);
            }
            Step::Pass(milliseconds) => {
                self.now += Duration::from_millis(milliseconds);
                mesh.handle_timeout(self.now);
                reference.pass(self.now);
            }
            Step::Listen => {}
        }
    }

    /// Also for links that are no more: the mesh must not take their events for their successors'.
    fn event(&self, mesh: &mut Mesh, id: u32, event: impl FnOnce(LinkId) -> LinkEvent) {
        if let Some(&link) = self.links.get(&id) {
            mesh.handle_event(self.now, event(link));
        }
    }
}

fn peer(id: u32) -> PeerId {
    PeerId::new(id).unwrap()
}

fn parameters(channel: u16) -> ChannelParameters {
    let mode = TransferMode::ALL[usize::from(channel)];
    ChannelParameters {
        id: channel + 1,
        ordered: mode.is_ordered(),
        reliability: if mode.is_reliable() {
            Reliability::Reliable
        } else {
            Reliability::Retransmits(0)
        },
    }
}
