//! Messages as Rust types: a game sends an enum, not bytes.

use core::fmt;
use core::marker::PhantomData;

use bytes::Bytes;
use mesh_core::{ChannelIndex, MultiplayerPeer, PeerId, Sent, Target, TransferMode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::post::Post;
use crate::{ApiEvent, MultiplayerApi, Via, wire};

mod codec;
mod messages;
mod post;
#[cfg(test)]
mod tests;

pub use codec::{DecodeError, SendMessageError};
pub use messages::{Message, Messages, MessagesEvent, RegisterError};

/// A message in its written form is not larger than this unless a game wishes so.
const MESSAGE_BYTES: usize = wire::DATA_BYTES;

/// A [`MultiplayerApi`] whose packets are messages of one type, usually an enum.
///
/// ```
/// use mesh_core::{MultiplayerPeer, Target, TransferMode};
/// use multiplayer_api::{ApiConfig, ApiEvent, MultiplayerApi, Typed, TypedEvent};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// enum Message {
///     Moved { x: f32, y: f32 },
///     Said(String),
/// }
///
/// # fn frame(game: &mut Typed<Message>, network: &mut dyn MultiplayerPeer) -> Result<(), multiplayer_api::SendMessageError> {
/// game.send(network, Target::All, TransferMode::Unreliable, &Message::Moved { x: 1.0, y: 2.0 })?;
/// while let Some(event) = game.poll(network) {
///     match event {
///         TypedEvent::Message { from, message: Message::Said(text), .. } => println!("{from}: {text}"),
///         TypedEvent::Message { from, message: Message::Moved { x, y }, .. } => println!("{from} is at {x}, {y}"),
///         TypedEvent::Undecodable { from, why, .. } => println!("{from} speaks another game: {why}"),
///         TypedEvent::Api(event) => println!("{event:?}"),
///     }
/// }
/// # Ok(())
/// # }
/// # let _ = frame as fn(&mut Typed<Message>, &mut dyn MultiplayerPeer) -> _;
/// ```
///
/// The format is [postcard's](https://postcard.jamesmunns.com/wire-format): a number for the variant, then its fields, and
/// no names. Both sides must have the same type; a variant added at the end does not disturb those that know it.
///
/// **Let no message type be recursive, or hold a collection of zero-sized elements**: a peer could have it take all of the
/// stack, or of the time. Everything else takes no more than the bytes of its packet allow.
pub struct Typed<M> {
    post: Post,
    message: PhantomData<fn() -> M>,
}

/// What happened, with messages in place of packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypedEvent<M> {
    /// A peer's message.
    Message {
        /// Who made it.
        from: PeerId,
        /// How it travelled.
        mode: TransferMode,
        /// On which channel.
        channel: ChannelIndex,
        /// What.
        message: M,
    },
    /// A peer's packet that is no such message.
    Undecodable {
        /// Who sent it.
        from: PeerId,
        /// What is wrong with it.
        why: DecodeError,
        /// What came.
        data: Bytes,
    },
    /// Everything else; never a packet.
    Api(ApiEvent),
}

impl<M: Serialize + DeserializeOwned> Typed<M> {
    /// Messages over an API, at most 60000 bytes each.
    #[must_use]
    pub const fn new(api: MultiplayerApi) -> Self {
        Self::with_limit(api, MESSAGE_BYTES)
    }

    /// Messages of at most `limit` bytes each, in both directions.
    #[must_use]
    pub const fn with_limit(api: MultiplayerApi, limit: usize) -> Self {
        Self {
            post: Post { api, limit },
            message: PhantomData,
        }
    }

    /// Sends a message; see [`MultiplayerApi::send_bytes`].
    ///
    /// # Errors
    ///
    /// As there, and for a message that cannot be written or is larger than the limit.
    pub fn send(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        target: impl Into<Target>,
        via: impl Into<Via>,
        message: &M,
    ) -> Result<Sent, SendMessageError> {
        self.post.send(network, target, via, None, message)
    }

    /// The next event; see [`MultiplayerApi::poll`].
    pub fn poll(&mut self, network: &mut dyn MultiplayerPeer) -> Option<TypedEvent<M>> {
        let event = self.post.api.poll(network)?;
        let ApiEvent::PeerPacket {
            from,
            mode,
            channel,
            data,
        } = event
        else {
            return Some(TypedEvent::Api(event));
        };
        Some(match codec::read(&data, self.post.limit) {
            Ok(message) => TypedEvent::Message {
                from,
                mode,
                channel,
                message,
            },
            Err(why) => TypedEvent::Undecodable { from, why, data },
        })
    }

    /// The API below.
    #[must_use]
    pub const fn api(&self) -> &MultiplayerApi {
        &self.post.api
    }

    /// The API below, to authenticate or to send a peer away. What is polled from it directly is not told here.
    pub const fn api_mut(&mut self) -> &mut MultiplayerApi {
        &mut self.post.api
    }
}

impl<M: Serialize + DeserializeOwned> Default for Typed<M> {
    fn default() -> Self {
        Self::new(MultiplayerApi::default())
    }
}

impl<M> fmt::Debug for Typed<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typed")
            .field("post", &self.post)
            .finish_non_exhaustive()
    }
}
