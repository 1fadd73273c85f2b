//! What one socket may say, and what it means. One owner, no lock, no clock.

use std::sync::Arc;

use mesh_core::{PeerId, Topology};
use signaling::{DecodeError, Message, Notice, Request, decode, encode};

use crate::Config;
use crate::goodbye::Goodbye;

/// A socket's standing at the door: how its texts are read.
#[derive(Debug)]
pub(crate) struct Visitor {
    strict: bool,
    max_message_size: usize,
    /// Its id in its lobby, once it is in one.
    id: Option<PeerId>,
}

/// What a visitor wants of the hall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Take me into a lobby.
    Join { lobby: String, topology: Topology },
    /// Give that member this text, which is ready to be sent.
    Relay { to: u32, text: Arc<str> },
    /// Take nobody any more.
    Seal,
}

impl Visitor {
    pub(crate) const fn new(config: &Config) -> Self {
        Self {
            strict: config.strict,
            max_message_size: config.max_message_size,
            id: None,
        }
    }

    /// It is in a lobby, under that id.
    pub(crate) const fn joined(&mut self, id: PeerId) {
        self.id = Some(id);
    }

    pub(crate) const fn has_joined(&self) -> bool {
        self.id.is_some()
    }

    /// Reads a text; none is to be passed over. An error is why the socket must go.
    pub(crate) fn read(&self, text: &str) -> Result<Option<Ask>, Goodbye> {
        let message = match decode(text, self.max_message_size) {
            Ok(message) => message,
            // Of a newer protocol, and not for us.
            Err(DecodeError::UnknownType(_)) if !self.strict => return Ok(None),
            Err(why) => return Err(self.judge(why)),
        };
        let request = Request::try_from(message);
        if let Ok(Request::Join { lobby, topology }) = request {
            return match self.id {
                None => Ok(Some(Ask::Join { lobby, topology })),
                Some(_) => Err(Goodbye::AlreadyInLobby),
            };
        }
        let from = self.id.ok_or(Goodbye::NoLobby)?;
        match request {
            Ok(Request::Relay { kind, to, data }) => {
                let notice = Notice::Relayed { kind, from, data };
                let text = encode(&Message::from(notice)).into();
                Ok(Some(Ask::Relay { to, text }))
            }
            Ok(Request::Seal) => Ok(Some(Ask::Seal)),
            Ok(Request::Join { .. } | _) | Err(_) => Err(Goodbye::InvalidCommand),
        }
    }

    fn judge(&self, why: DecodeError) -> Goodbye {
        match why {
            DecodeError::TooLarge { limit, .. } => Goodbye::TooLarge { limit },
            DecodeError::UnknownType(0..) if self.has_joined() => Goodbye::InvalidCommand,
            DecodeError::InvalidId(0..) if self.has_joined() => Goodbye::InvalidDestination,
            DecodeError::UnknownType(0..) | DecodeError::InvalidId(0..) => Goodbye::NoLobby,
            why @ (DecodeError::NotAnObject(_)
            | DecodeError::Missing(_)
            | DecodeError::Invalid(_)
            | DecodeError::UnknownType(_)
            | DecodeError::InvalidId(_)
            | _) => Goodbye::Format {
                why: (!self.strict).then_some(why),
            },
        }
    }
}
