//! What makes a link end that stood.

use alloc::string::String;

use crate::{CloseReason, ConnectFailure};

/// Something happened on a channel after which its link cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkFault {
    /// A reliable message found no room in the inbox.
    InboxFull,
    /// The far side made more channels than anybody needs.
    TooManyChannels,
    /// What the far side sent made the platform's own code panic.
    Panicked,
    /// What the far side sends takes far longer to process than anything an honest peer sends.
    TooCostly,
    /// The far side skips more numbers than anybody has sent, or begins more associations than anybody needs.
    Leap,
    /// The platform did not send a message that was accepted. With its words.
    SendFailed(String),
    /// The far side sent a message on the [control channel](super::control) that breaks its rules.
    Control(&'static str),
    /// The far side sent a message on the channel of the [pulse](super::pulse) that breaks its rules.
    Pulse(&'static str),
}

impl From<LinkFault> for CloseReason {
    fn from(fault: LinkFault) -> Self {
        match fault {
            LinkFault::InboxFull => Self::InboxFull,
            LinkFault::TooManyChannels => {
                Self::Protocol("it opened more channels than anybody needs".into())
            }
            LinkFault::Control(what) => {
                Self::Protocol(alloc::format!("a message of the control channel: {what}"))
            }
            LinkFault::Pulse(what) => {
                Self::Protocol(alloc::format!("a message of the pulse channel: {what}"))
            }
            LinkFault::Panicked => {
                Self::Protocol("what it sent made the network code of this program fail".into())
            }
            LinkFault::TooCostly => {
                Self::Protocol("what it sends takes too long to process".into())
            }
            LinkFault::Leap => Self::Protocol("it skips more numbers than anybody sends".into()),
            LinkFault::SendFailed(why) => Self::Failed(ConnectFailure::Channel(why)),
        }
    }
}
