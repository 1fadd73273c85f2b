//! Doubles of the words of the seam.

use std::time::Duration;

use mesh_core::{
    Capabilities, ChannelIndex, ChannelParameters, ChannelSpec, Command, ConnectionState,
    ConnectionStatus, GivenReason, Goodbye, IceCandidate, IceServer, IceTransportPolicy,
    LinkConfig, LinkId, Payload, PeerId, Reliability, SdpType, SendLimits, SessionDescription,
    TransferMode,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(remote = "LinkId")]
pub(crate) struct LinkIdDef {
    slot: u32,
    generation: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ChannelIndex")]
pub(crate) struct ChannelIndexDef(u16);

#[derive(Serialize, Deserialize)]
#[serde(remote = "TransferMode")]
pub(crate) enum TransferModeDef {
    Reliable,
    UnreliableOrdered,
    Unreliable,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Reliability")]
pub(crate) enum ReliabilityDef {
    Reliable,
    Lifetime(u16),
    Retransmits(u16),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ChannelParameters")]
pub(crate) struct ChannelParametersDef {
    id: u16,
    ordered: bool,
    #[serde(with = "ReliabilityDef")]
    reliability: Reliability,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "SendLimits")]
pub(crate) struct SendLimitsDef {
    high_water: usize,
    low_water: usize,
    age: Duration,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ChannelSpec")]
pub(crate) struct ChannelSpecDef {
    label: String,
    #[serde(with = "ChannelParametersDef")]
    parameters: ChannelParameters,
    #[serde(with = "SendLimitsDef")]
    limits: SendLimits,
    bulk: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "IceTransportPolicy")]
pub(crate) enum IceTransportPolicyDef {
    All,
    Relay,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "LinkConfig")]
pub(crate) struct LinkConfigDef {
    #[serde(with = "ice_servers")]
    ice_servers: Vec<IceServer>,
    #[serde(with = "IceTransportPolicyDef")]
    ice_transport_policy: IceTransportPolicy,
}

mod ice_servers {
    use mesh_core::IceServer;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        servers: &[IceServer],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let servers: Vec<_> = servers
            .iter()
            .map(|server| (&server.urls, &server.username, &server.credential))
            .collect();
        servers.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<IceServer>, D::Error> {
        let servers = Vec::<(Vec<String>, String, String)>::deserialize(from)?;
        Ok(servers
            .into_iter()
            .map(|(urls, username, credential)| IceServer {
                urls,
                username,
                credential,
            })
            .collect())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "SdpType")]
pub(crate) enum SdpTypeDef {
    Offer,
    Answer,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "SessionDescription")]
pub(crate) struct SessionDescriptionDef {
    #[serde(with = "SdpTypeDef")]
    sdp_type: SdpType,
    sdp: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "IceCandidate")]
pub(crate) struct IceCandidateDef {
    sdp_mid: String,
    sdp_m_line_index: u16,
    candidate: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Command")]
pub(crate) enum CommandDef {
    Open {
        #[serde(with = "LinkIdDef")]
        link: LinkId,
        #[serde(with = "LinkConfigDef")]
        config: LinkConfig,
        inbox_bytes: usize,
    },
    CreateChannel {
        #[serde(with = "LinkIdDef")]
        link: LinkId,
        #[serde(with = "ChannelIndexDef")]
        channel: ChannelIndex,
        #[serde(with = "ChannelSpecDef")]
        spec: ChannelSpec,
    },
    // No case gives these by themselves: a mesh does, at its end.
    #[serde(skip)]
    SendLast {
        link: LinkId,
        channel: ChannelIndex,
        payload: Payload,
    },
    #[serde(skip)]
    Abandon { link: LinkId, channel: ChannelIndex },
    CloseChannel {
        #[serde(with = "LinkIdDef")]
        link: LinkId,
        #[serde(with = "ChannelIndexDef")]
        channel: ChannelIndex,
    },
    CreateOffer {
        #[serde(with = "LinkIdDef")]
        link: LinkId,
    },
    SetRemote {
        #[serde(with = "LinkIdDef")]
        link: LinkId,
        #[serde(with = "SessionDescriptionDef")]
        description: SessionDescription,
    },
    AddCandidate {
        #[serde(with = "LinkIdDef")]
        link: LinkId,
        #[serde(with = "IceCandidateDef")]
        candidate: IceCandidate,
    },
    RequestStats {
        #[serde(with = "LinkIdDef")]
        link: LinkId,
    },
    // No case gives these by itself: a mesh does.
    #[serde(skip)]
    TellKick {
        link: LinkId,
        peer: PeerId,
        reason: GivenReason,
    },
    #[serde(skip)]
    Coalesce { link: LinkId },
    #[serde(skip)]
    TellTaken {
        link: LinkId,
        counts: Vec<(u16, u64)>,
    },
    #[serde(skip)]
    Goodbye { link: LinkId, goodbye: Goodbye },
    Close {
        #[serde(with = "LinkIdDef")]
        link: LinkId,
        linger: Duration,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ConnectionState")]
pub(crate) enum ConnectionStateDef {
    New,
    Connecting,
    Connected,
    Disconnected,
    Failed,
    Closed,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ConnectionStatus")]
pub(crate) enum ConnectionStatusDef {
    Disconnected,
    Connecting,
    Connected,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Capabilities")]
pub(crate) struct CapabilitiesDef {
    max_message_size: usize,
    configurable_timeouts: bool,
    coalesces: bool,
}
