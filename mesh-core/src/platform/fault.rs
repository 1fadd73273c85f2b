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
    /// The platform did not send a message that was accepted. With its words.
    SendFailed(String),
}

impl From<LinkFault> for CloseReason {
    fn from(fault: LinkFault) -> Self {
        match fault {
            LinkFault::InboxFull => Self::InboxFull,
            LinkFault::TooManyChannels => {
                Self::Protocol("it opened more channels than anybody needs".into())
            }
            LinkFault::SendFailed(why) => Self::Failed(ConnectFailure::Channel(why)),
        }
    }
}
