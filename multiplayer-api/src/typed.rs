//! Messages as Rust types: a game sends an enum, not bytes.

use core::fmt;
use core::future::poll_fn;
use core::marker::PhantomData;
use core::task::{Context, Poll};

use bytes::Bytes;
use mesh_core::{ChannelIndex, MultiplayerPeer, PeerId, Sent, Target, TransferMode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{ApiConfig, ApiEvent, MultiplayerApi, wire};

mod codec;
mod messages;
mod outbox;
#[cfg(test)]
mod tests;

pub use codec::{DecodeError, SendMessageError};
pub use messages::{Message, Messages, MessagesEvent, RegisterError};
pub use outbox::Outbox;

/// The largest message in bytes unless the game sets another limit.
const MESSAGE_BYTES: usize = wire::DATA_BYTES;

/// A [`MultiplayerApi`] whose packets are messages of one type, usually an enum.
///
/// ```
/// use mesh_core::{MultiplayerPeer, Target, TransferMode};
/// use multiplayer_api::{SendMessageError, Typed, TypedEvent};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// enum Message {
///     Moved { x: f32, y: f32 },
///     Said(String),
/// }
///
/// fn frame<P: MultiplayerPeer>(game: &mut Typed<Message, P>) -> Result<(), SendMessageError> {
///     while let Some(event) = game.poll() {
///         match event {
///             TypedEvent::Message { from, message: Message::Said(text), .. } => {
///                 let reply = Message::Said(format!("you said {text}"));
///                 game.send(from, TransferMode::Reliable, &reply)?;
///             }
///             TypedEvent::Message { from, message: Message::Moved { x, y }, .. } => println!("{from} is at {x}, {y}"),
///             TypedEvent::Undecodable { from, why, .. } => println!("{from} speaks another game: {why}"),
///             TypedEvent::Api(event) => println!("{event:?}"),
///         }
///     }
///     game.send(Target::All, TransferMode::Unreliable, &Message::Moved { x: 1.0, y: 2.0 })?;
///     Ok(())
/// }
/// ```
///
/// The format is [postcard's](https://postcard.jamesmunns.com/wire-format): a number for the variant, then its fields, and
/// no names. Both sides must have the same type. A variant that is added at the end does not disturb peers that have it.
///
/// **The message type must not be recursive, and must not hold a collection of zero-sized elements**: a peer could make it
/// use up the stack, or the time. Every other type takes no more than the bytes of its packet allow.
pub struct Typed<M, P> {
    api: MultiplayerApi<P>,
    limit: usize,
    message: PhantomData<fn() -> M>,
}

/// What happened, with messages in place of packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypedEvent<M> {
    /// A peer's message.
    Message {
        /// Who sent it.
        from: PeerId,
        /// How it travelled.
        mode: TransferMode,
        /// On which channel.
        channel: ChannelIndex,
        /// The message.
        message: M,
    },
    /// A peer's packet that is no such message.
    Undecodable {
        /// Who sent it.
        from: PeerId,
        /// What is wrong with it.
        why: DecodeError,
        /// The packet's data.
        data: Bytes,
    },
    /// Everything else; never a packet.
    Api(ApiEvent),
}

impl<M: Serialize + DeserializeOwned, P: MultiplayerPeer> Typed<M, P> {
    /// Messages over a network peer, of at most 60000 bytes each, with the default settings of a [`MultiplayerApi`].
    #[must_use]
    pub fn new(peer: P) -> Self {
        Self::with_api(MultiplayerApi::new(peer, ApiConfig::default()))
    }

    /// Messages over an API, of at most 60000 bytes each.
    #[must_use]
    pub const fn with_api(api: MultiplayerApi<P>) -> Self {
        Self {
            api,
            limit: MESSAGE_BYTES,
            message: PhantomData,
        }
    }

    /// Sets the largest message in bytes, in both directions.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Sends a message, on the built-in channel of a [`TransferMode`] or on any other [`ChannelIndex`].
    ///
    /// # Errors
    ///
    /// [`SendMessageError`], where the caller is at fault: the message cannot be written, is larger than the limit, or its
    /// target does not exist. Nobody gets the message then. A peer that could not take it is in [`Sent::refused`].
    pub fn send(
        &mut self,
        target: impl Into<Target>,
        channel: impl Into<ChannelIndex>,
        message: &M,
    ) -> Result<Sent, SendMessageError> {
        let limit = self.limit;
        self.api.send_with(target.into(), channel.into(), |packet| {
            codec::write(packet, None, message, limit)
        })
    }

    /// Gives the events of a frame one by one, then `None`.
    ///
    /// The first call of a frame takes in what has happened; the calls after it only give events. Call it until `None`
    /// once a frame. It never blocks.
    pub fn poll(&mut self) -> Option<TypedEvent<M>> {
        let event = self.api.poll()?;
        Some(self.read(event))
    }

    /// Waits for the next event; for servers and tools, which need not poll once a frame. Cancel-safe.
    pub async fn next_event(&mut self) -> TypedEvent<M> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next event, or a wake-up when there may be one.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<TypedEvent<M>> {
        self.api.poll_next(cx).map(|event| self.read(event))
    }

    fn read(&self, event: ApiEvent) -> TypedEvent<M> {
        let ApiEvent::PeerPacket {
            from,
            mode,
            channel,
            data,
        } = event
        else {
            return TypedEvent::Api(event);
        };
        match codec::read(&data, self.limit) {
            Ok(message) => TypedEvent::Message {
                from,
                mode,
                channel,
                message,
            },
            Err(why) => TypedEvent::Undecodable { from, why, data },
        }
    }

    /// The API below: who is there, and the counters.
    #[must_use]
    pub const fn api(&self) -> &MultiplayerApi<P> {
        &self.api
    }

    /// The API below, to authenticate or to disconnect a peer. Events that are polled from it directly are not given here.
    pub const fn api_mut(&mut self) -> &mut MultiplayerApi<P> {
        &mut self.api
    }

    /// The network peer.
    #[must_use]
    pub const fn peer(&self) -> &P {
        self.api.peer()
    }

    /// The network peer, to set it up, to change its settings or to close it. Do not take its events.
    pub const fn peer_mut(&mut self) -> &mut P {
        self.api.peer_mut()
    }

    /// Gives the API below back.
    #[must_use]
    pub fn into_inner(self) -> MultiplayerApi<P> {
        self.api
    }
}

impl<M, P: fmt::Debug> fmt::Debug for Typed<M, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typed")
            .field("api", &self.api)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
