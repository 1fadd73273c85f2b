//! What a server tells a client.

use mesh_core::{InvalidPeerId, PeerId, Topology};
use thiserror::Error;

use crate::{Extension, Message, MessageType, SignalNumber, SignalType};

/// What a `why` says.
const KICKED: u32 = 1;
const BANNED: u32 = 2;

/// The `data` of a `LOCK` that locks, or of a `LIST` that lists.
const YES: &str = "true";

/// A `LOCK` or a `LIST`, to a server or from it.
pub(crate) fn switch(kind: MessageType, is_on: bool) -> Message {
    Message::new(kind, 0, if is_on { YES } else { "" })
}

/// Whether a `LOCK` locks, or a `LIST` lists.
pub(crate) fn is_on(data: &str) -> bool {
    data == YES
}

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
    PeerConnect {
        /// Who.
        peer: PeerId,
        /// Whether it speaks our extension. Told only to those who speak it.
        is_ours: bool,
    },
    /// It left.
    PeerDisconnect(PeerId),
    /// Our extension: the host has sent it away. It comes instead of a `PeerDisconnect`.
    PeerRemoved {
        /// Who.
        peer: PeerId,
        /// Whether it may not join again.
        is_banned: bool,
        /// The host's words, as they came.
        reason: String,
    },
    /// Another member's signal, not yet read: it is that member's fault if it cannot be.
    Relayed {
        /// What it is.
        kind: SignalType,
        /// Whose.
        from: PeerId,
        /// What it says.
        data: String,
        /// Its number, from a member that speaks our extension.
        number: Option<SignalNumber>,
    },
    /// Our extension: the server speaks it, and this brings us back if the connection breaks. A later one replaces it.
    Welcome {
        /// To be shown with the next join.
        token: String,
        /// How many seconds the server keeps our seat once the connection has broken.
        term: u32,
    },
    /// Our extension: a member whose connection with the server had broken is back. What was sent to it may be lost.
    PeerResumed(PeerId),
    /// Our extension: the answer to a ping.
    Pong,
    /// Nobody is taken any more.
    Sealed,
    /// Our extension: nobody new is taken for now, or they are taken again.
    Locked(bool),
    /// Our extension: the lobby is on the public list, or is not any more.
    Listed(bool),
    /// Our extension: this member is the host now.
    Host(PeerId),
    /// Our extension: the lobby's data, which the client judges.
    Data(String),
    /// Our extension: a member's data.
    MemberData {
        /// Whose.
        peer: PeerId,
        /// What they are.
        data: String,
    },
    /// Our extension: the server stops, and ends the connection before long.
    Draining {
        /// How many seconds the connection stands at most.
        within: u32,
        /// Where to come back to, which the client judges ([`check_hint`](crate::check_hint)). Empty: to where we are.
        url: String,
    },
}

/// Why a message is no notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoticeError {
    /// It names no peer where it must.
    #[error(transparent)]
    Id(#[from] InvalidPeerId),
    /// Only a client sends messages of that type.
    #[error("only a client sends {0:?}")]
    ClientOnly(MessageType),
}

impl TryFrom<Message> for Notice {
    type Error = NoticeError;

    fn try_from(message: Message) -> Result<Self, NoticeError> {
        let Message {
            kind,
            id,
            data,
            extra,
        } = message;
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
            MessageType::PeerConnect => Self::PeerConnect {
                peer: peer?,
                is_ours: extra.version.is_some_and(|version| version > 0),
            },
            MessageType::PeerDisconnect => match extra.why {
                Some(why @ (KICKED | BANNED)) => Self::PeerRemoved {
                    peer: peer?,
                    is_banned: why == BANNED,
                    reason: data,
                },
                Some(_) | None => Self::PeerDisconnect(peer?),
            },
            MessageType::Offer => Self::relayed(SignalType::Offer, peer?, data, extra.number),
            MessageType::Answer => Self::relayed(SignalType::Answer, peer?, data, extra.number),
            MessageType::Candidate => {
                Self::relayed(SignalType::Candidate, peer?, data, extra.number)
            }
            MessageType::Seal => Self::Sealed,
            MessageType::Welcome => Self::Welcome {
                token: data,
                term: id,
            },
            MessageType::PeerResumed => Self::PeerResumed(peer?),
            MessageType::Pong => Self::Pong,
            MessageType::Lock => Self::Locked(is_on(&data)),
            MessageType::List => Self::Listed(is_on(&data)),
            MessageType::Host => Self::Host(peer?),
            MessageType::Data => Self::Data(data),
            MessageType::MemberData => Self::MemberData { peer: peer?, data },
            MessageType::Drain => Self::Draining {
                within: id,
                url: data,
            },
            MessageType::Ping | MessageType::Leave | MessageType::Kick | MessageType::Ban => {
                return Err(NoticeError::ClientOnly(kind));
            }
        })
    }
}

impl From<Notice> for Message {
    fn from(notice: Notice) -> Self {
        match notice {
            Notice::Id { id, topology } => {
                let data = match topology {
                    Topology::Mesh => "true",
                    Topology::ClientServer => "",
                };
                Self::new(MessageType::Id, id.get(), data)
            }
            Notice::Joined { lobby } => Self::new(MessageType::Join, 0, lobby),
            Notice::PeerConnect { peer, is_ours } => {
                let mut message = Self::new(MessageType::PeerConnect, peer.get(), "");
                message.extra.version = is_ours.then_some(Extension::VERSION);
                message
            }
            Notice::PeerDisconnect(peer) => Self::new(MessageType::PeerDisconnect, peer.get(), ""),
            Notice::PeerRemoved {
                peer,
                is_banned,
                reason,
            } => {
                let mut message = Self::new(MessageType::PeerDisconnect, peer.get(), reason);
                message.extra.why = Some(if is_banned { BANNED } else { KICKED });
                message
            }
            Notice::Relayed {
                kind,
                from,
                data,
                number,
            } => {
                let mut message = Self::new(kind.into(), from.get(), data);
                message.extra.number = number;
                message
            }
            Notice::Welcome { token, term } => Self::new(MessageType::Welcome, term, token),
            Notice::PeerResumed(peer) => Self::new(MessageType::PeerResumed, peer.get(), ""),
            Notice::Pong => Self::new(MessageType::Pong, 0, ""),
            Notice::Sealed => Self::new(MessageType::Seal, 0, ""),
            Notice::Locked(is_locked) => switch(MessageType::Lock, is_locked),
            Notice::Host(peer) => Self::new(MessageType::Host, peer.get(), ""),
            Notice::Listed(is_listed) => switch(MessageType::List, is_listed),
            Notice::Data(data) => Self::new(MessageType::Data, 0, data),
            Notice::MemberData { peer, data } => {
                Self::new(MessageType::MemberData, peer.get(), data)
            }
            Notice::Draining { within, url } => Self::new(MessageType::Drain, within, url),
        }
    }
}

impl Notice {
    const fn relayed(
        kind: SignalType,
        from: PeerId,
        data: String,
        number: Option<SignalNumber>,
    ) -> Self {
        Self::Relayed {
            kind,
            from,
            data,
            number,
        }
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
            (
                Notice::PeerConnect {
                    peer: seven,
                    is_ours: false,
                },
                r#"{"type":2,"id":7,"data":""}"#,
            ),
            (
                Notice::PeerConnect {
                    peer: seven,
                    is_ours: true,
                },
                r#"{"type":2,"id":7,"data":"","v":1}"#,
            ),
            (
                Notice::Welcome {
                    token: "abc".to_owned(),
                    term: 60,
                },
                r#"{"type":34,"id":60,"data":"abc"}"#,
            ),
            (
                Notice::PeerResumed(seven),
                r#"{"type":35,"id":7,"data":""}"#,
            ),
            (Notice::Pong, r#"{"type":33,"id":0,"data":""}"#),
            (
                Notice::PeerDisconnect(seven),
                r#"{"type":3,"id":7,"data":""}"#,
            ),
            (
                Notice::relayed(SignalType::Offer, seven, "v=0".to_owned(), None),
                r#"{"type":4,"id":7,"data":"v=0"}"#,
            ),
            (
                Notice::relayed(
                    SignalType::Offer,
                    seven,
                    "v=0".to_owned(),
                    Some(SignalNumber {
                        this: 3,
                        previous: 2,
                    }),
                ),
                r#"{"type":4,"id":7,"data":"v=0","seq":3,"prev":2}"#,
            ),
            (Notice::Sealed, r#"{"type":7,"id":0,"data":""}"#),
            (
                Notice::PeerRemoved {
                    peer: seven,
                    is_banned: false,
                    reason: "spam".to_owned(),
                },
                r#"{"type":3,"id":7,"data":"spam","why":1}"#,
            ),
            (
                Notice::PeerRemoved {
                    peer: seven,
                    is_banned: true,
                    reason: String::new(),
                },
                r#"{"type":3,"id":7,"data":"","why":2}"#,
            ),
            (Notice::Locked(true), r#"{"type":39,"id":0,"data":"true"}"#),
            (Notice::Locked(false), r#"{"type":39,"id":0,"data":""}"#),
            (Notice::Host(seven), r#"{"type":43,"id":7,"data":""}"#),
            (Notice::Listed(true), r#"{"type":42,"id":0,"data":"true"}"#),
            (Notice::Listed(false), r#"{"type":42,"id":0,"data":""}"#),
            (
                Notice::Data("{}".to_owned()),
                r#"{"type":40,"id":0,"data":"{}"}"#,
            ),
            (
                Notice::MemberData {
                    peer: seven,
                    data: r#"{"a":1}"#.to_owned(),
                },
                r#"{"type":41,"id":7,"data":"{\"a\":1}"}"#,
            ),
            (
                Notice::Draining {
                    within: 30,
                    url: "wss://b.example/".to_owned(),
                },
                r#"{"type":44,"id":30,"data":"wss://b.example/"}"#,
            ),
            (
                Notice::Draining {
                    within: 0,
                    url: String::new(),
                },
                r#"{"type":44,"id":0,"data":""}"#,
            ),
        ];
        for (notice, text) in cases {
            let message = Message::from(notice.clone());
            assert_eq!(encode(&message), text);
            assert_eq!(Notice::try_from(message), Ok(notice));
        }
        Ok(())
    }

    #[test]
    fn a_member_of_version_0_does_not_speak_our_extension() {
        let mut message = Message::new(MessageType::PeerConnect, 1, "");
        message.extra.version = Some(0);
        let notice = Notice::PeerConnect {
            peer: PeerId::SERVER,
            is_ours: false,
        };
        assert_eq!(Notice::try_from(message), Ok(notice));
    }

    #[test]
    fn nobody_has_the_id_0() {
        for kind in [
            MessageType::Id,
            MessageType::PeerConnect,
            MessageType::PeerDisconnect,
            MessageType::Offer,
            MessageType::Host,
        ] {
            let message = Message::new(kind, 0, "");
            assert!(Notice::try_from(message).is_err());
        }
    }
}
