//! Several types of message, each with a handler of its own.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use core::fmt;
use core::future::poll_fn;
use core::task::{Context, Poll, ready};

use bytes::Bytes;
use mesh_core::{ChannelIndex, MultiplayerPeer, PeerId, Sent, Target, TransferMode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::{MESSAGE_BYTES, codec, outbox};
use crate::{ApiConfig, ApiEvent, DecodeError, MultiplayerApi, Outbox, SendMessageError};

/// Messages handed over in one [`Messages::poll_next`].
const MESSAGES_AT_ONCE: usize = 1024;

/// A type of message that [`Messages`] can send and hand to a handler.
pub trait Message: Serialize + DeserializeOwned {
    /// The number of this type on the wire, the same on all sides. It takes one byte up to 127.
    const ID: u16;
    /// How it travels, unless it is sent with [`Messages::send_on`].
    const MODE: TransferMode = TransferMode::Reliable;
    /// On which custom channel it travels, from 1. 0 is the built-in channel of its mode.
    const TRANSFER_CHANNEL: u8 = 0;
}

/// A [`MultiplayerApi`] whose packets are messages of several types, handed to registered handlers.
///
/// `S` is what the handlers work on, the game's state; it is lent to [`poll`](Self::poll). A handler gets the state, the
/// sender, the message, and an [`Outbox`] to reply with.
///
/// ```
/// use mesh_core::{MultiplayerPeer, Target, TransferMode};
/// use multiplayer_api::{Message, Messages, RegisterError, SendMessageError};
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
/// fn start<P: MultiplayerPeer>(peer: P) -> Result<Messages<Game, P>, RegisterError> {
///     let mut messages = Messages::new(peer);
///     messages.register(|game: &mut Game, from, Said(text), outbox| {
///         game.log.push(format!("{from}: {text}"));
///         if text == "hello" && let Err(error) = outbox.reply(&Said("hello yourself".into())) {
///             game.log.push(error.to_string());
///         }
///     })?;
///     messages.register(|game: &mut Game, from, Moved { x, y }, _| {
///         game.log.push(format!("{from} is at {x}, {y}"));
///     })?;
///     Ok(messages)
/// }
///
/// fn frame<P: MultiplayerPeer>(messages: &mut Messages<Game, P>, game: &mut Game) -> Result<(), SendMessageError> {
///     while let Some(event) = messages.poll(game) {
///         println!("{event:?}");
///     }
///     messages.send(Target::All, &Moved { x: 1.0, y: 2.0 })?;
///     Ok(())
/// }
/// ```
///
/// A message is written as its id and then its content, in the format that [`Typed`](crate::Typed) has. **A message type must
/// not be recursive, and must not hold a collection of zero-sized elements**: a peer could make it use up the stack, or the
/// time.
pub struct Messages<S, P> {
    api: MultiplayerApi<P>,
    limit: usize,
    handlers: BTreeMap<u16, Handler<S, P>>,
}

/// Reads a message and hands it over.
type Handler<S, P> = Box<
    dyn FnMut(&mut S, PeerId, &[u8], &mut Outbox<'_, P>) -> Result<(), DecodeError> + Send + Sync,
>;

/// What no handler has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessagesEvent {
    /// A peer's packet that is no message with a handler here.
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

/// Why a handler could not be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The id has a handler already.
    #[error("messages with the id {id} have a handler already")]
    Taken {
        /// Which.
        id: u16,
    },
}

impl<S, P: MultiplayerPeer> Messages<S, P> {
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
            handlers: BTreeMap::new(),
        }
    }

    /// Sets the largest message in bytes, its id included, in both directions.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Has messages of a type handed to `handler`, with the peer that sent them and an [`Outbox`] to reply with.
    ///
    /// # Errors
    ///
    /// [`RegisterError::Taken`] if the type, or another one with its id, has a handler already.
    pub fn register<M: Message>(
        &mut self,
        mut handler: impl FnMut(&mut S, PeerId, M, &mut Outbox<'_, P>) + Send + Sync + 'static,
    ) -> Result<(), RegisterError> {
        match self.handlers.entry(M::ID) {
            Entry::Occupied(_) => Err(RegisterError::Taken { id: M::ID }),
            Entry::Vacant(vacant) => {
                vacant.insert(Box::new(move |state, from, data, outbox| {
                    handler(state, from, codec::read_all(data)?, outbox);
                    Ok(())
                }));
                Ok(())
            }
        }
    }

    /// Sends a message the way its type says. The type need not have a handler here.
    ///
    /// # Errors
    ///
    /// [`SendMessageError`], where the caller is at fault: the message cannot be written, is larger than the limit, or its
    /// target does not exist. Nobody gets the message then. A peer that could not take it is in [`Sent::refused`].
    pub fn send<M: Message>(
        &mut self,
        target: impl Into<Target>,
        message: &M,
    ) -> Result<Sent, SendMessageError> {
        self.send_on(target, outbox::channel::<M>(), message)
    }

    /// Sends a message on another channel than its type says.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn send_on<M: Message>(
        &mut self,
        target: impl Into<Target>,
        channel: impl Into<ChannelIndex>,
        message: &M,
    ) -> Result<Sent, SendMessageError> {
        outbox::send(&mut self.api, self.limit, target, channel, message)
    }

    /// Hands the messages of a frame to their handlers, and gives everything else one by one, then `None`.
    ///
    /// The first call of a frame takes in what has happened. Call it until `None` once a frame. It never blocks.
    pub fn poll(&mut self, state: &mut S) -> Option<MessagesEvent> {
        loop {
            let event = self.api.poll()?;
            if let Some(event) = self.handle(state, event) {
                return Some(event);
            }
        }
    }

    /// Waits for the next event that is no message, and hands messages to their handlers meanwhile; for servers and tools,
    /// which need not poll once a frame. Cancel-safe.
    pub async fn next_event(&mut self, state: &mut S) -> MessagesEvent {
        poll_fn(|cx| self.poll_next(state, cx)).await
    }

    /// Hands messages to their handlers, and gives the next event that is no message, or a wake-up when there may be one.
    pub fn poll_next(&mut self, state: &mut S, cx: &mut Context<'_>) -> Poll<MessagesEvent> {
        for _ in 0..MESSAGES_AT_ONCE {
            let event = ready!(self.api.poll_next(cx));
            if let Some(event) = self.handle(state, event) {
                return Poll::Ready(event);
            }
        }
        // Peers that never stop sending must not keep other tasks from running.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Hands a message to its handler; gives any other event.
    fn handle(&mut self, state: &mut S, event: ApiEvent) -> Option<MessagesEvent> {
        let ApiEvent::PeerPacket { from, data, .. } = event else {
            return Some(MessagesEvent::Api(event));
        };
        let handled = self.dispatch(state, from, &data);
        handled
            .err()
            .map(|why| MessagesEvent::Undecodable { from, why, data })
    }

    fn dispatch(&mut self, state: &mut S, from: PeerId, data: &[u8]) -> Result<(), DecodeError> {
        let (id, message) = codec::read_id(data, self.limit)?;
        let Some(handler) = self.handlers.get_mut(&id) else {
            return Err(DecodeError::UnknownMessage { id });
        };
        let mut outbox = Outbox {
            api: &mut self.api,
            limit: self.limit,
            from,
        };
        handler(state, from, message, &mut outbox)
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

impl<S, P: fmt::Debug> fmt::Debug for Messages<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages")
            .field("api", &self.api)
            .field("limit", &self.limit)
            .field("handlers", &self.handlers.keys())
            .finish()
    }
}
