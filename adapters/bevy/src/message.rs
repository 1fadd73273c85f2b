//! Messages as types: a number for the type, then its content in postcard's format.

use std::collections::{BTreeMap, BTreeSet};

use bevy_ecs::prelude::{Message, Resource, World};
use webrtc_multiplayer::api::Message as MeshMessage;
use webrtc_multiplayer::{ChannelIndex, Packet, PeerId, TransferMode};

/// A peer's message of a type that the game has added with [`add_mesh_message`](crate::MeshAppExt::add_mesh_message).
#[derive(Clone, Debug, PartialEq, Eq, Message)]
pub struct Received<M: Send + Sync + 'static> {
    /// Who sent it.
    pub from: PeerId,
    /// What it says. It is that peer's word: judge it as such.
    pub message: M,
}

/// A peer's packet that is no message of a type that the game has added, or came on a raw channel.
#[derive(Clone, Debug, PartialEq, Eq, Message)]
pub struct MeshPacket(pub Packet);

/// How the content of a message is read and handed to the game. `None`: it is no such message.
type Read = fn(&mut World, PeerId, &[u8]) -> Option<()>;

/// A type of message.
#[derive(Debug)]
struct Type {
    read: Read,
    mode: TransferMode,
}

/// How messages are read, and the way they go.
#[derive(Debug, Default, Resource)]
pub(crate) struct Registry {
    /// The types of message that the game has added, by their numbers.
    types: BTreeMap<u16, Type>,
    /// Channels whose packets are no messages, whatever they look like.
    raw: BTreeSet<ChannelIndex>,
}

impl Registry {
    /// Adds a type. `false` if its number is taken.
    pub(crate) fn add<M: MeshMessage + Send + Sync + 'static>(
        &mut self,
        mode: TransferMode,
    ) -> bool {
        let read = read::<M>;
        self.types.insert(M::ID, Type { read, mode }).is_none()
    }

    /// The channel for a type: that of the mode it was added with, or else of its own.
    pub(crate) fn channel<M: MeshMessage>(&self) -> ChannelIndex {
        let added = self.types.get(&M::ID);
        let mode = added.map_or(M::MODE, |added| added.mode);
        ChannelIndex::for_transfer(mode, M::TRANSFER_CHANNEL)
    }

    /// Reads no packet of a channel.
    pub(crate) fn add_raw(&mut self, channel: ChannelIndex) {
        self.raw.insert(channel);
    }
}

/// The packet of a message.
pub(crate) fn write<M: MeshMessage>(message: &M) -> Result<Vec<u8>, postcard::Error> {
    let packet = postcard::to_allocvec(&M::ID)?;
    postcard::to_extend(message, packet)
}

fn read<M: MeshMessage + Send + Sync + 'static>(
    world: &mut World,
    from: PeerId,
    content: &[u8],
) -> Option<()> {
    let (message, rest) = postcard::take_from_bytes::<M>(content).ok()?;
    if !rest.is_empty() {
        return None;
    }
    world.write_message(Received { from, message });
    Some(())
}

/// Hands a packet to the game, as a message of its type where it is one.
pub(crate) fn dispatch(world: &mut World, packet: Packet) {
    if read_typed(world, &packet).is_none() {
        world.write_message(MeshPacket(packet));
    }
}

fn read_typed(world: &mut World, packet: &Packet) -> Option<()> {
    if packet.payload.is_text() {
        return None;
    }
    let registry = world.get_resource::<Registry>()?;
    if registry.raw.contains(&packet.channel) {
        return None;
    }
    let (id, content) = postcard::take_from_bytes::<u16>(packet.payload.bytes()).ok()?;
    let read = registry.types.get(&id)?.read;
    read(world, packet.from, content)
}
