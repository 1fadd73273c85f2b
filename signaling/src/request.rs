//! What a client asks of a server.

use mesh_core::Topology;
use thiserror::Error;

use crate::{Message, MessageType, SignalType};

/// A message on its way to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request {
    /// Take me into a lobby.
    Join {
        /// Its name; empty makes a new one.
        lobby: String,
        /// What it is to be, if it is made now.
        topology: Topology,
    },
    /// Pass this on. The server does not look into it.
    Relay {
        /// What it is.
        kind: SignalType,
        /// For whom: a number that may be nobody's id.
        to: u32,
        /// What it says.
        data: String,
    },
    /// Take nobody any more.
    Seal,
}

/// Why a message is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Only a server sends messages of that type.
    #[error("only a server sends {0:?}")]
    ServerOnly(MessageType),
}

impl TryFrom<Message> for Request {
    type Error = RequestError;

    fn try_from(message: Message) -> Result<Self, RequestError> {
        let Message { kind, id, data } = message;
        let relay = |kind, data| Self::Relay { kind, to: id, data };
        Ok(match kind {
            MessageType::Join => Self::Join {
                lobby: data,
                topology: match id {
                    0 => Topology::Mesh,
                    _ => Topology::ClientServer,
                },
            },
            MessageType::Offer => relay(SignalType::Offer, data),
            MessageType::Answer => relay(SignalType::Answer, data),
            MessageType::Candidate => relay(SignalType::Candidate, data),
            MessageType::Seal => Self::Seal,
            MessageType::Id | MessageType::PeerConnect | MessageType::PeerDisconnect => {
                return Err(RequestError::ServerOnly(kind));
            }
        })
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Self {
        match request {
            Request::Join { lobby, topology } => Self {
                kind: MessageType::Join,
                id: match topology {
                    Topology::Mesh => 0,
                    Topology::ClientServer => 1,
                },
                data: lobby,
            },
            Request::Relay { kind, to, data } => Self {
                kind: kind.into(),
                id: to,
                data,
            },
            Request::Seal => Self {
                kind: MessageType::Seal,
                id: 0,
                data: String::new(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode;

    #[test]
    fn requests_are_the_demos() {
        let cases = [
            (
                Request::Join {
                    lobby: String::new(),
                    topology: Topology::Mesh,
                },
                r#"{"type":0,"id":0,"data":""}"#,
            ),
            (
                Request::Join {
                    lobby: "demo".to_owned(),
                    topology: Topology::ClientServer,
                },
                r#"{"type":0,"id":1,"data":"demo"}"#,
            ),
            (
                Request::Relay {
                    kind: SignalType::Answer,
                    to: 9,
                    data: "v=0".to_owned(),
                },
                r#"{"type":5,"id":9,"data":"v=0"}"#,
            ),
            (Request::Seal, r#"{"type":7,"id":0,"data":""}"#),
        ];
        for (request, text) in cases {
            let message = Message::from(request.clone());
            assert_eq!(encode(&message), text);
            assert_eq!(Request::try_from(message), Ok(request));
        }
    }

    #[test]
    fn a_server_is_told_nothing_by_what_only_servers_say() {
        for kind in [
            MessageType::Id,
            MessageType::PeerConnect,
            MessageType::PeerDisconnect,
        ] {
            let message = Message {
                kind,
                id: 3,
                data: String::new(),
            };
            assert_eq!(
                Request::try_from(message),
                Err(RequestError::ServerOnly(kind))
            );
        }
    }
}
