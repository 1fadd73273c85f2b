//! Doubles of what tells of connections and channels.

use mesh_core::{ChannelState, GatheringState, SignalingState};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(remote = "GatheringState")]
pub(crate) enum GatheringStateDef {
    New,
    Gathering,
    Complete,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "SignalingState")]
pub(crate) enum SignalingStateDef {
    Stable,
    HaveLocalOffer,
    HaveRemoteOffer,
    Closed,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ChannelState")]
pub(crate) enum ChannelStateDef {
    Connecting,
    Open,
    Closing,
    Closed,
}

/// A list of modes by their places among all.
pub(crate) mod modes {
    use mesh_core::TransferMode;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(
        modes: &[TransferMode],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let places: Vec<_> = modes.iter().map(|mode| mode.channel().0).collect();
        places.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<TransferMode>, D::Error> {
        Vec::<usize>::deserialize(from)?
            .into_iter()
            .map(|place| {
                let mode = TransferMode::ALL.get(place).copied();
                mode.ok_or_else(|| D::Error::custom(format!("there is no mode {place}")))
            })
            .collect()
    }
}
