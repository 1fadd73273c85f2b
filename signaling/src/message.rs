//! The unit of the wire: a type, an id and a string.

use crate::SignalNumber;

/// What a message is about (Godot demo: `enum Message`). The wire carries the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageType {
    /// 0. To the server: take me into this lobby. From it: you are in.
    Join,
    /// 1. From the server: your id.
    Id,
    /// 2. From the server: another member is there.
    PeerConnect,
    /// 3. From the server: it left.
    PeerDisconnect,
    /// 4. An offer for, or from, another member.
    Offer,
    /// 5. An answer.
    Answer,
    /// 6. A candidate.
    Candidate,
    /// 7. To the server, from the host: take nobody any more. From it: nobody is taken any more.
    Seal,
    /// 32, of our extension. To the server: are you there?
    Ping,
    /// 33, of our extension. From the server: the answer to a ping.
    Pong,
    /// 34, of our extension. From the server: it speaks the extension, and this token brings you back.
    Welcome,
    /// 35, of our extension. From the server: a member whose connection had broken is back.
    PeerResumed,
    /// 36, of our extension. To the server: I leave, keep no seat for me.
    Leave,
    /// 37, of our extension. To the server, from the host: send this member away.
    Kick,
    /// 38, of our extension. To the server, from the host: send this member away and do not let it join again.
    Ban,
    /// 39, of our extension. To the server, from the host: take nobody new, or take them again. From it: so it is.
    Lock,
    /// 40, of our extension. To the server, from the host: the lobby's data. From it: so they are.
    Data,
    /// 41, of our extension. To the server: the member's own data. From it: those of a member.
    MemberData,
    /// 42, of our extension. To the server, from the host: put the lobby on the public list, or take it off. From it: so it is.
    List,
    /// 43, of our extension. From the server: this member is the host now.
    Host,
    /// 44, of our extension. From the server: it stops within that time, and this is where to come back to.
    Drain,
}

impl MessageType {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Join => 0,
            Self::Id => 1,
            Self::PeerConnect => 2,
            Self::PeerDisconnect => 3,
            Self::Offer => 4,
            Self::Answer => 5,
            Self::Candidate => 6,
            Self::Seal => 7,
            Self::Ping => 32,
            Self::Pong => 33,
            Self::Welcome => 34,
            Self::PeerResumed => 35,
            Self::Leave => 36,
            Self::Kick => 37,
            Self::Ban => 38,
            Self::Lock => 39,
            Self::Data => 40,
            Self::MemberData => 41,
            Self::List => 42,
            Self::Host => 43,
            Self::Drain => 44,
        }
    }

    /// The type of that number, if there is one.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        Some(match number {
            0 => Self::Join,
            1 => Self::Id,
            2 => Self::PeerConnect,
            3 => Self::PeerDisconnect,
            4 => Self::Offer,
            5 => Self::Answer,
            6 => Self::Candidate,
            7 => Self::Seal,
            32 => Self::Ping,
            33 => Self::Pong,
            34 => Self::Welcome,
            35 => Self::PeerResumed,
            36 => Self::Leave,
            37 => Self::Kick,
            38 => Self::Ban,
            39 => Self::Lock,
            40 => Self::Data,
            41 => Self::MemberData,
            42 => Self::List,
            43 => Self::Host,
            44 => Self::Drain,
            _ => return None,
        })
    }

    /// Whether Godot's protocol has it. The others are sent only to those who have said that they speak our extension.
    #[must_use]
    pub const fn is_godots(self) -> bool {
        self.number() <= Self::Seal.number()
    }
}

/// One message as it travels, not yet judged: [`Request`](crate::Request) and [`Notice`](crate::Notice) do that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is about.
    pub kind: MessageType,
    /// A peer, or 0, by its type: 0..=2147483647.
    pub id: u32,
    /// A lobby's name, a description, a candidate, or nothing, by its type.
    pub data: String,
    /// What our extension adds; nothing in a message of Godot's.
    pub extra: Extra,
}

/// The fields that our extension adds to a message. Readers of Godot's protocol pass over them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extra {
    /// `v`: the version of the extension that the client that joins, or the member that is named, speaks.
    pub version: Option<u32>,
    /// `token`, in a join: what brings the client back into its seat.
    pub token: Option<String>,
    /// `try`, in a join: which of the client's attempts to come back it is.
    pub attempt: Option<u32>,
    /// `seq` and `prev`, in a signal: its number, and the one before it.
    pub number: Option<SignalNumber>,
    /// `max`, in a join: how many members the lobby may have, if it is made now.
    pub max_players: Option<u32>,
    /// `list`, in a join: 1 if the lobby is to be on the public list, if it is made now.
    pub is_listed: bool,
    /// `next`, in a join: how many members make a group.
    pub group_of: Option<u32>,
    /// `migrate`, in a join: 1 if the lobby is to go on when its host leaves, if it is made now.
    pub host_migration: bool,
    /// `why`, in a `PEER_DISCONNECT`: 1 if the host has kicked the member, 2 if it has banned it. `data` has its words.
    pub why: Option<u32>,
}

impl Message {
    /// A message of Godot's protocol.
    #[must_use]
    pub fn new(kind: MessageType, id: u32, data: impl Into<String>) -> Self {
        Self {
            kind,
            id,
            data: data.into(),
            extra: Extra::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_godots() {
        let all = [
            MessageType::Join,
            MessageType::Id,
            MessageType::PeerConnect,
            MessageType::PeerDisconnect,
            MessageType::Offer,
            MessageType::Answer,
            MessageType::Candidate,
            MessageType::Seal,
        ];
        for (number, kind) in (0_u8..).zip(all) {
            assert_eq!(kind.number(), number);
            assert_eq!(MessageType::from_number(i64::from(number)), Some(kind));
        }
        for kind in all {
            assert!(kind.is_godots());
        }
        let ours = [
            MessageType::Ping,
            MessageType::Pong,
            MessageType::Welcome,
            MessageType::PeerResumed,
            MessageType::Leave,
            MessageType::Kick,
            MessageType::Ban,
            MessageType::Lock,
            MessageType::Data,
            MessageType::MemberData,
            MessageType::List,
            MessageType::Host,
            MessageType::Drain,
        ];
        for (number, kind) in (32_u8..).zip(ours) {
            assert_eq!(kind.number(), number);
            assert_eq!(MessageType::from_number(i64::from(number)), Some(kind));
            assert!(!kind.is_godots());
        }
        assert_eq!(MessageType::from_number(8), None);
        assert_eq!(MessageType::from_number(-1), None);
    }
}
