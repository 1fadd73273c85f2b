//! The unit of the wire: a type, an id and a string.

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
            _ => return None,
        })
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
        assert_eq!(MessageType::from_number(8), None);
        assert_eq!(MessageType::from_number(-1), None);
    }
}
