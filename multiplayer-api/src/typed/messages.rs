//! Several types of message, each with a handler of its own.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use core::fmt;

use bytes::Bytes;
use mesh_core::{MultiplayerPeer, PeerId, Sent, Target, TransferMode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::post::Post;
use super::{MESSAGE_BYTES, codec};
use crate::{ApiEvent, DecodeError, MultiplayerApi, SendMessageError, Via};

/// A type of message that [`Messages`] can send and hand to a handler.
pub trait Message: Serialize + DeserializeOwned {
    /// What tells it from the other types on the wire; the same on all sides. One byte up to 127.
    const ID: u16;
    /// How it travels, unless it is sent with [`Messages::send_via`].
    const MODE: TransferMode = TransferMode::Reliable;
    /// On which of the custom channels; 0 is the built-in one of its mode.
    const TRANSFER_CHANNEL: u8 = 0;
}

/// A [`MultiplayerApi`] whose packets are messages of several types, handed to registered handlers.
///
/// `S` is what the handlers work on, the game's state; it is lent to [`poll`](Self::poll).
///
/// ```
/// use mesh_core::{MultiplayerPeer, Target, TransferMode};
/// use multiplayer_api::{Message, Messages};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Said(String);
/// impl Message for Said {
///     const ID: u16 = 1;
/// }
///
/// #[derive(Serialize, Deserialize)]
/// struct Moved { x: f32, y: f32 }
/// impl Message for Moved {
///     const ID: u16 = 2;
///     const MODE: TransferMode = TransferMode::UnreliableOrdered;
/// }
///
/// #[derive(Default)]
/// struct Game { log: Vec<String> }
///
/// let mut messages = Messages::<Game>::default();
/// messages.register(|game, from, Said(text)| game.log.push(format!("{from}: {text}")))?;
/// messages.register(|game, from, Moved { x, y }| game.log.push(format!("{from} is at {x}, {y}")))?;
///
/// # fn frame(messages: &mut Messages<Game>, network: &mut dyn MultiplayerPeer, game: &mut Game)
/// # -> Result<(), multiplayer_api::SendMessageError> {
/// messages.send(network, Target::All, &Said("hello".into()))?;
/// while let Some(event) = messages.poll(network, game) {
///     println!("{event:?}");
/// }
/// # Ok(())
/// # }
/// # let _ = frame as fn(&mut Messages<Game>, &mut dyn MultiplayerPeer, &mut Game) -> _;
/// # Ok::<(), multiplayer_api::RegisterError>(())
/// ```
///
/// The format is that of [`Typed`](crate::Typed), after the id of the type, and the same care is due in choosing types.
pub struct Messages<S> {
    post: Post,
    handlers: BTreeMap<u16, Handler<S>>,
}

/// Reads a message and hands it over.
type Handler<S> = Box<dyn FnMut(&mut S, PeerId, &[u8]) -> Result<(), DecodeError> + Send + Sync>;

/// What no handler has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessagesEvent {
    /// A peer's packet that is no message of ours.
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

/// Why a handler could not be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The id has a handler.
    #[error("messages with the id {id} have a handler already")]
    Taken {
        /// Which.
        id: u16,
    },
}

impl<S> Messages<S> {
    /// Messages over an API, at most 60000 bytes each.
    #[must_use]
    pub const fn new(api: MultiplayerApi) -> Self {
        Self::with_limit(api, MESSAGE_BYTES)
    }

    /// Messages of at most `limit` bytes each with their id, in both directions.
    #[must_use]
    pub const fn with_limit(api: MultiplayerApi, limit: usize) -> Self {
        Self {
            post: Post { api, limit },
            handlers: BTreeMap::new(),
        }
    }

    /// Has messages of a type handed to `handler`, with the peer that made them.
    ///
    /// # Errors
    ///
    /// [`RegisterError::Taken`] if the type, or another one of that id, has a handler already.
    pub fn register<M: Message>(
        &mut self,
        mut handler: impl FnMut(&mut S, PeerId, M) + Send + Sync + 'static,
    ) -> Result<(), RegisterError> {
        match self.handlers.entry(M::ID) {
            Entry::Occupied(_) => Err(RegisterError::Taken { id: M::ID }),
            Entry::Vacant(vacant) => {
                vacant.insert(Box::new(move |state, from, data| {
                    handler(state, from, codec::read_all(data)?);
                    Ok(())
                }));
                Ok(())
            }
        }
    }

    /// Sends a message the way its type says; see [`MultiplayerApi::send_bytes`]. It need not have a handler here.
    ///
    /// # Errors
    ///
    /// As there, and for a message that cannot be written or is larger than the limit.
    pub fn send<M: Message>(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        target: impl Into<Target>,
        message: &M,
    ) -> Result<Sent, SendMessageError> {
        let via = Via::new(M::MODE, M::TRANSFER_CHANNEL);
        self.send_via(network, target, via, message)
    }

    /// Sends a message another way than its type says.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_via<M: Message>(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        target: impl Into<Target>,
        via: impl Into<Via>,
        message: &M,
    ) -> Result<Sent, SendMessageError> {
        self.post.send(network, target, via, Some(M::ID), message)
    }

    /// Hands messages to their handlers until something else happens, and gives that; see [`MultiplayerApi::poll`].
    pub fn poll(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        state: &mut S,
    ) -> Option<MessagesEvent> {
        loop {
            let event = self.post.api.poll(network)?;
            let ApiEvent::PeerPacket { from, data, .. } = event else {
                return Some(MessagesEvent::Api(event));
            };
            if let Err(why) = self.dispatch(state, from, &data) {
                return Some(MessagesEvent::Undecodable { from, why, data });
            }
        }
    }

    fn dispatch(&mut self, state: &mut S, from: PeerId, data: &[u8]) -> Result<(), DecodeError> {
        let (id, message) = codec::read_id(data, self.post.limit)?;
        let handler = self.handlers.get_mut(&id);
        handler.ok_or(DecodeError::UnknownMessage { id })?(state, from, message)
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

impl<S> Default for Messages<S> {
    fn default() -> Self {
        Self::new(MultiplayerApi::default())
    }
}

impl<S> fmt::Debug for Messages<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages")
            .field("post", &self.post)
            .field("handlers", &self.handlers.keys())
            .finish()
    }
}
