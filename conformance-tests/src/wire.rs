//! The serialised forms of mesh-core's types, which know nothing of serde.
//!
//! A double of each that a request or a reply holds; serde keeps them in step at compile time, because a missing or an
//! unknown field is an error there.

mod error;
mod godot;
mod link;

pub(crate) use error::{
    AddPeerErrorDef, BackendSendErrorDef, CloseReasonDef, ConnectionErrorDef, DisconnectReasonDef,
    GivenReasonDef, InitializeErrorDef, LostReasonDef, SendErrorDef, TransportErrorDef,
};
pub(crate) use godot::{ChannelStateDef, GatheringStateDef, SignalingStateDef, modes};
pub(crate) use link::{
    CapabilitiesDef, ChannelIndexDef, ChannelParametersDef, CommandDef, ConnectionStateDef,
    ConnectionStatusDef, IceCandidateDef, LinkConfigDef, LinkIdDef, SessionDescriptionDef,
    TransferModeDef,
};

/// A peer id as its number.
pub(crate) mod peer_id {
    use mesh_core::PeerId;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(id: &PeerId, to: S) -> Result<S::Ok, S::Error> {
        id.get().serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PeerId, D::Error> {
        PeerId::new(u32::deserialize(from)?).map_err(D::Error::custom)
    }
}
