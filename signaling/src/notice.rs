//! What a server tells a client.

use mesh_core::{InvalidPeerId, PeerId, Topology};
use thiserror::Error;

use crate::{Message, MessageType, SignalType};

/// A message on its way from a server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// Your id, and the lobby's topology.
    Id {
        /// 1 for the host.
        id: PeerId,
        /// As its host wanted it.
        topology: Topology,
    },
    /// You are in; the lobby's name.
    Joined {
        /// Its name.
        lobby: String,
    },
    /// Another member is there.
    PeerConnect(PeerId),
    /// It left.
    PeerDisconnect(PeerId),
    /// Another member's signal, not yet read: it is that member's fault if it cannot be.
    Relayed {
        /// What it is.
        kind: SignalType,
        /// Whose.
        from: PeerId,
        /// What it says.
        data: String,
    },
    /// Nobody is taken any more.
    Sealed,
}

/// Why a message is no notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoticeError {
    /// It names no peer where it must.
    #[error(transparent)]
    Id(#[from] InvalidPeerId),
}

impl TryFrom<Message> for Notice {
    type Error = NoticeError;

    fn try_from(message: Message) -> Result<Self, NoticeError> {
        let Message { kind, id, data } = message;
        let peer = PeerId::new(id);
        Ok(match kind {
            MessageType::Join => Self::Joined { lobby: data },
            MessageType::Id => Self::Id {
                id: peer?,
                topology: match data.as_str() {
                    "true" => Topology::Mesh,
                    _ => Topology::ClientServer,
                },
            },
            MessageType::PeerConnect => Self::PeerConnect(peer?),
            MessageType::PeerDisconnect => Self::PeerDisconnect(peer?),
            MessageType::Offer => Self::relayed(SignalType::Offer, peer?, data),
            MessageType::Answer => Self::relayed(SignalType::Answer, peer?, data),
            MessageType::Candidate => Self::relayed(SignalType::Candidate, peer?, data),
            MessageType::Seal => Self::Sealed,
        })
    }
}

impl From<Notice> for Message {
    fn from(notice: Notice) -> Self {
        let plain = |kind, id| Self {
            kind,
            id,
            data: String::new(),
        };
        match notice {
            Notice::Id { id, topology } => Self {
                kind: MessageType::Id,
                id: id.get(),
                data: match topology {
                    Topology::Mesh => "true".to_owned(),
                    Topology::ClientServer => String::new(),
                },
            },
            Notice::Joined { lobby } => Self {
                kind: MessageType::Join,
                id: 0,
                data: lobby,
            },
            Notice::PeerConnect(peer) => plain(MessageType::PeerConnect, peer.get()),
            Notice::PeerDisconnect(peer) => plain(MessageType::PeerDisconnect, peer.get()),
            Notice::Relayed { kind, from, data } => Self {
                kind: kind.into(),
                id: from.get(),
                data,
            },
            Notice::Sealed => plain(MessageType::Seal, 0),
        }
    }
}

impl Notice {
    const fn relayed(kind: SignalType, from: PeerId, data: String) -> Self {
        Self::Relayed { kind, from, data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode;

    #[test]
    fn notices_are_the_demos() -> Result<(), InvalidPeerId> {
        let seven = PeerId::new(7)?;
        let cases = [
            (
                Notice::Id {
                    id: PeerId::SERVER,
                    topology: Topology::Mesh,
                },
                r#"{"type":1,"id":1,"data":"true"}"#,
            ),
            (
                Notice::Id {
                    id: seven,
                    topology: Topology::ClientServer,
                },
                r#"{"type":1,"id":7,"data":""}"#,
            ),
            (
                Notice::Joined {
                    lobby: "demo".to_owned(),
                },
                r#"{"type":0,"id":0,"data":"demo"}"#,
            ),
            (Notice::PeerConnect(seven), r#"{"type":2,"id":7,"data":""}"#),
            (
                Notice::PeerDisconnect(seven),
                r#"{"type":3,"id":7,"data":""}"#,
            ),
            (
                Notice::relayed(SignalType::Offer, seven, "v=0".to_owned()),
                r#"{"type":4,"id":7,"data":"v=0"}"#,
            ),
            (Notice::Sealed, r#"{"type":7,"id":0,"data":""}"#),
        ];
        for (notice, text) in cases {
            let message = Message::from(notice.clone());
            assert_eq!(encode(&message), text);
            assert_eq!(Notice::try_from(message), Ok(notice));
        }
        Ok(())
    }

    #[test]
    fn nobody_has_the_id_0() {
        for kind in [
            MessageType::Id,
            MessageType::PeerConnect,
            MessageType::PeerDisconnect,
            MessageType::Offer,
        ] {
            let message = Message {
                kind,
                id: 0,
                data: String::new(),
            };
            assert!(Notice::try_from(message).is_err());
        }
    }
}
