//! What a client asks of a server.

use mesh_core::Topology;
use thiserror::Error;

use crate::notice::{is_on, switch};
use crate::{Message, MessageType, SignalNumber, SignalType};

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
        /// What of our extension the client speaks; none for a client of Godot's protocol alone.
        extension: Option<Extension>,
    },
    /// Pass this on. The server does not look into it.
    Relay {
        /// What it is.
        kind: SignalType,
        /// For whom: a number that may be nobody's id.
        to: u32,
        /// What it says.
        data: String,
        /// Its number, if its receiver speaks our extension, too.
        number: Option<SignalNumber>,
    },
    /// Take nobody any more.
    Seal,
    /// Our extension: are you there?
    Ping,
    /// Our extension: we leave, and come back no more.
    Leave,
    /// Our extension: send a member away.
    Remove {
        /// Whom: a number that may be nobody's id.
        peer: u32,
        /// Whether it may not join again.
        is_banned: bool,
        /// Words for it and the others.
        reason: String,
    },
    /// Our extension: take nobody new, or take them again.
    Lock(bool),
    /// Our extension: put the lobby on the public list, or take it off.
    List(bool),
    /// Our extension: the lobby's data.
    Data(String),
    /// Our extension: our own data.
    MemberData(String),
}

/// What a client offers with its join: our extension of Godot's protocol. A server that does not know it passes over it, and
/// the client then never uses it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extension {
    /// The highest version that the client speaks.
    pub version: u32,
    /// What the server gave it for coming back.
    pub token: Option<String>,
    /// Which of the client's attempts to come back it is, from 1. Each is higher than those before, so that one that was abandoned and
    /// arrives late does not take the seat from a later one.
    pub attempt: Option<u32>,
    /// How many members the lobby may have, if it is made now: at most what the server allows.
    pub max_players: Option<u32>,
    /// Whether the lobby is to be on the public list, if it is made now.
    pub is_listed: bool,
    /// How many members make a group: the client is put into a lobby with others that join with the same name and number.
    pub group_of: Option<u32>,
    /// Whether the lobby is to go on when its host leaves, if it is made now.
    pub host_migration: bool,
}

impl Extension {
    /// The version of the extension that this crate speaks.
    pub const VERSION: u32 = 1;
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
        let Message {
            kind,
            id,
            data,
            extra,
        } = message;
        let number = extra.number;
        let relay = |kind, data| Self::Relay {
            kind,
            to: id,
            data,
            number,
        };
        Ok(match kind {
            MessageType::Join => Self::Join {
                lobby: data,
                topology: match id {
                    0 => Topology::Mesh,
                    _ => Topology::ClientServer,
                },
                extension: extra
                    .version
                    .filter(|version| *version > 0)
                    .map(|version| Extension {
                        version,
                        token: extra.token,
                        attempt: extra.attempt,
                        max_players: extra.max_players,
                        is_listed: extra.is_listed,
                        group_of: extra.group_of,
                        host_migration: extra.host_migration,
                    }),
            },
            MessageType::Offer => relay(SignalType::Offer, data),
            MessageType::Answer => relay(SignalType::Answer, data),
            MessageType::Candidate => relay(SignalType::Candidate, data),
            MessageType::Seal => Self::Seal,
            MessageType::Ping => Self::Ping,
            MessageType::Leave => Self::Leave,
            MessageType::Kick | MessageType::Ban => Self::Remove {
                peer: id,
                is_banned: kind == MessageType::Ban,
                reason: data,
            },
            MessageType::Lock => Self::Lock(is_on(&data)),
            MessageType::List => Self::List(is_on(&data)),
            MessageType::Data => Self::Data(data),
            MessageType::MemberData => Self::MemberData(data),
            MessageType::Id
            | MessageType::PeerConnect
            | MessageType::PeerDisconnect
            | MessageType::Pong
            | MessageType::Host
            | MessageType::Drain
            | MessageType::Welcome
            | MessageType::PeerResumed => {
                return Err(RequestError::ServerOnly(kind));
            }
        })
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Self {
        match request {
            Request::Join {
                lobby,
                topology,
                extension,
            } => {
                let id = match topology {
                    Topology::Mesh => 0,
                    Topology::ClientServer => 1,
                };
                let mut message = Self::new(MessageType::Join, id, lobby);
                if let Some(Extension {
                    version,
                    token,
                    attempt,
                    max_players,
                    is_listed,
                    group_of,
                    host_migration,
                }) = extension
                {
                    message.extra.version = Some(version);
                    message.extra.token = token;
                    message.extra.attempt = attempt;
                    message.extra.max_players = max_players;
                    message.extra.is_listed = is_listed;
                    message.extra.group_of = group_of;
                    message.extra.host_migration = host_migration;
                }
                message
            }
            Request::Relay {
                kind,
                to,
                data,
                number,
            } => {
                let mut message = Self::new(kind.into(), to, data);
                message.extra.number = number;
                message
            }
            Request::Seal => Self::new(MessageType::Seal, 0, ""),
            Request::Ping => Self::new(MessageType::Ping, 0, ""),
            Request::Leave => Self::new(MessageType::Leave, 0, ""),
            Request::Remove {
                peer,
                is_banned,
                reason,
            } => {
                let kind = match is_banned {
                    true => MessageType::Ban,
                    false => MessageType::Kick,
                };
                Self::new(kind, peer, reason)
            }
            Request::Lock(is_locked) => switch(MessageType::Lock, is_locked),
            Request::List(is_listed) => switch(MessageType::List, is_listed),
            Request::Data(data) => Self::new(MessageType::Data, 0, data),
            Request::MemberData(data) => Self::new(MessageType::MemberData, 0, data),
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
                    extension: None,
                },
                r#"{"type":0,"id":0,"data":""}"#,
            ),
            (
                Request::Join {
                    lobby: "demo".to_owned(),
                    topology: Topology::ClientServer,
                    extension: Some(Extension {
                        version: 1,
                        max_players: Some(4),
                        is_listed: true,
                        group_of: Some(4),
                        host_migration: true,
                        ..Extension::default()
                    }),
                },
                r#"{"type":0,"id":1,"data":"demo","v":1,"max":4,"list":1,"next":4,"migrate":1}"#,
            ),
            (
                Request::Join {
                    lobby: "demo".to_owned(),
                    topology: Topology::Mesh,
                    extension: Some(Extension {
                        version: 1,
                        token: Some("abc".to_owned()),
                        attempt: Some(3),
                        ..Extension::default()
                    }),
                },
                r#"{"type":0,"id":0,"data":"demo","v":1,"token":"abc","try":3}"#,
            ),
            (
                Request::Relay {
                    kind: SignalType::Answer,
                    to: 9,
                    data: "v=0".to_owned(),
                    number: None,
                },
                r#"{"type":5,"id":9,"data":"v=0"}"#,
            ),
            (Request::Seal, r#"{"type":7,"id":0,"data":""}"#),
            (
                Request::Remove {
                    peer: 9,
                    is_banned: false,
                    reason: "spam".to_owned(),
                },
                r#"{"type":37,"id":9,"data":"spam"}"#,
            ),
            (
                Request::Remove {
                    peer: 9,
                    is_banned: true,
                    reason: String::new(),
                },
                r#"{"type":38,"id":9,"data":""}"#,
            ),
            (Request::Lock(true), r#"{"type":39,"id":0,"data":"true"}"#),
            (Request::Lock(false), r#"{"type":39,"id":0,"data":""}"#),
            (
                Request::Data("{}".to_owned()),
                r#"{"type":40,"id":0,"data":"{}"}"#,
            ),
            (Request::List(true), r#"{"type":42,"id":0,"data":"true"}"#),
            (
                Request::MemberData(String::new()),
                r#"{"type":41,"id":0,"data":""}"#,
            ),
        ];
        for (request, text) in cases {
            let message = Message::from(request.clone());
            assert_eq!(encode(&message), text);
            assert_eq!(Request::try_from(message), Ok(request));
        }
    }

    #[test]
    fn version_0_offers_nothing() {
        let mut message = Message::new(MessageType::Join, 0, "demo");
        message.extra.version = Some(0);
        let join = Request::Join {
            lobby: "demo".to_owned(),
            topology: Topology::Mesh,
            extension: None,
        };
        assert_eq!(Request::try_from(message), Ok(join));
    }

    #[test]
    fn a_server_is_told_nothing_by_what_only_servers_say() {
        for kind in [
            MessageType::Id,
            MessageType::PeerConnect,
            MessageType::PeerDisconnect,
            MessageType::Host,
            MessageType::Drain,
        ] {
            let message = Message::new(kind, 3, "");
            assert_eq!(
                Request::try_from(message),
                Err(RequestError::ServerOnly(kind))
            );
        }
    }
}
