//! What one socket may say, and what it means. One owner, no lock, no clock.

use mesh_core::{PeerId, Topology};
use signaling::{
    DecodeError, Extension, Message, Notice, Request, decode, decode_godot3, is_godot3,
};

use super::letter::Letter;
use crate::Config;
use crate::goodbye::Goodbye;

/// A socket's standing at the door: how its texts are read.
#[derive(Debug)]
pub(crate) struct Visitor {
    strict: bool,
    max_message_size: usize,
    /// Its id in its lobby, once it is in one.
    id: Option<PeerId>,
    /// Whether our extension is spoken with it.
    is_ours: bool,
    /// Which protocol it speaks, once it has said something.
    dialect: Option<Dialect>,
}

/// A protocol of Godot's demos.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// That of the 4.x demo, and our extension of it.
    #[default]
    Godot4,
    /// That of the 3.x demo. Its members have another rule for who makes an offer, so they have lobbies of their own.
    Godot3,
}

/// What a visitor wants of the hall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Take me into a lobby.
    Join {
        lobby: String,
        topology: Topology,
        extension: Option<Extension>,
        dialect: Dialect,
    },
    /// Give that member this signal.
    Relay { to: u32, letter: Letter },
    /// Take nobody any more.
    Seal,
    /// Are you there? The visitor's own id.
    Ping(PeerId),
    /// I leave.
    Leave,
    /// Do this with my lobby.
    Control(Control),
}

/// What a member wants done with its lobby.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    /// Send a member away.
    Remove {
        /// Whom: a number that may be nobody's id.
        peer: u32,
        /// Whether it may not join again.
        is_banned: bool,
        /// The host's words.
        reason: String,
    },
    /// Take nobody new, or take them again.
    Lock(bool),
    /// Put the lobby on the public list, or take it off.
    List(bool),
    /// These are the lobby's data.
    Data(String),
    /// These are my own data.
    MemberData(String),
}

impl Visitor {
    pub(crate) const fn new(config: &Config) -> Self {
        Self {
            strict: config.strict,
            max_message_size: config.max_message_size,
            id: None,
            is_ours: false,
            dialect: None,
        }
    }

    /// It is in a lobby, under that id; whether our extension is spoken with it.
    pub(crate) const fn joined(&mut self, id: PeerId, is_ours: bool) {
        self.id = Some(id);
        self.is_ours = is_ours;
    }

    pub(crate) const fn has_joined(&self) -> bool {
        self.id.is_some()
    }

    /// Reads a text; none is to be passed over. An error is why the socket must go.
    pub(crate) fn read(&mut self, text: &str) -> Result<Option<Ask>, Goodbye> {
        let is_strict = self.strict;
        let dialect = *self
            .dialect
            .get_or_insert_with(|| match is_godot3(text) && !is_strict {
                true => Dialect::Godot3,
                false => Dialect::Godot4,
            });
        let decoded = match dialect {
            Dialect::Godot4 => decode(text, self.max_message_size),
            Dialect::Godot3 => decode_godot3(text, self.max_message_size),
        };
        let message = match decoded {
            Ok(message) => message,
            // Of a newer protocol, and not for us.
            Err(DecodeError::UnknownType(_)) if !self.strict => return Ok(None),
            Err(why) => return Err(self.judge(why)),
        };
        if !message.kind.is_godots() && !self.is_ours {
            // Ours, and not spoken with this one.
            let kind = i64::from(message.kind.number());
            return match self.strict {
                true => Err(self.judge(DecodeError::UnknownType(kind))),
                false => Ok(None),
            };
        }
        let request = Request::try_from(message);
        if let Ok(Request::Join {
            lobby,
            topology,
            extension,
        }) = request
        {
            return match self.id {
                None => Ok(Some(Ask::Join {
                    lobby,
                    topology,
                    extension,
                    dialect,
                })),
                Some(_) => Err(Goodbye::AlreadyInLobby),
            };
        }
        let from = self.id.ok_or(Goodbye::NoLobby)?;
        match request {
            Ok(Request::Relay {
                kind,
                to,
                data,
                number,
            }) => {
                let message = Message::from(Notice::Relayed {
                    kind,
                    from,
                    data,
                    number: number.filter(|_| self.is_ours),
                });
                let letter = Letter::new(message);
                Ok(Some(Ask::Relay { to, letter }))
            }
            Ok(Request::Seal) => Ok(Some(Ask::Seal)),
            Ok(Request::Ping) => Ok(Some(Ask::Ping(from))),
            Ok(Request::Leave) => Ok(Some(Ask::Leave)),
            Ok(Request::Remove {
                peer,
                is_banned,
                reason,
            }) => Ok(Some(Ask::Control(Control::Remove {
                peer,
                is_banned,
                reason,
            }))),
            Ok(Request::Lock(is_locked)) => Ok(Some(Ask::Control(Control::Lock(is_locked)))),
            Ok(Request::List(is_listed)) => Ok(Some(Ask::Control(Control::List(is_listed)))),
            Ok(Request::Data(data)) => Ok(Some(Ask::Control(Control::Data(data)))),
            Ok(Request::MemberData(data)) => Ok(Some(Ask::Control(Control::MemberData(data)))),
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
            | DecodeError::NotGodot3
            | _) => Goodbye::Format {
                why: (!self.strict).then_some(why),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number that is too large for an id.
    const TO_NOBODY: &str = r#"{"type":4,"id":2147483648,"data":"v=0"}"#;

    #[test]
    fn a_signal_for_an_id_that_there_cannot_be_is_judged_by_where_its_sender_is() {
        let mut visitor = Visitor::new(&Config::default());
        assert_eq!(visitor.read(TO_NOBODY), Err(Goodbye::NoLobby));
        visitor.joined(PeerId::SERVER, true);
        assert_eq!(visitor.read(TO_NOBODY), Err(Goodbye::InvalidDestination));
    }
}
