//! What a multiplayer API needs of a network peer, whatever is below.

use alloc::boxed::Box;
use core::task::{Context, Waker};

use crate::{
    Backend, ChannelIndex, ConnectionStatus, Event, Incarnation, Instant, Multiplayer, Payload,
    PeerId, SendError, Sent, Session, Signaling, Target, TransferMode,
};

/// A network peer as the layers above see it (Godot: `MultiplayerPeer`): [`Multiplayer`], [`Session`], or one of a test.
///
/// Object-safe and free of futures: a layer above takes a `&mut dyn MultiplayerPeer` and calls, once a frame,
/// [`pump`](Self::pump) and then [`take_event`](Self::take_event) until there is none.
///
/// What an implementation promises:
///
/// 1. `pump` never blocks and does bounded work. Only `pump` takes anything in: events follow from it and from the verbs.
/// 2. Events come in the order that [`Event`] promises: of a peer first its `PeerConnected`, then its packets, then its
///    `PeerDisconnected`.
/// 3. [`connection_status`](Self::connection_status) is that of now, which the events that led to it may still have to
///    tell. A layer that keeps a story goes by the events.
/// 4. After `close` there is no event, no peer, no id and the status is `Disconnected`, until it is set up anew.
/// 5. [`incarnation`](Self::incarnation) is another after each `close`, and no other peer has it: that is how a layer above
///    learns that all whom it knows are gone, also if there is an id again, and even the same one.
#[doc(alias = "NetworkedMultiplayerPeer")]
pub trait MultiplayerPeer {
    /// Takes in what has happened; the first half of a poll (Godot: `poll`).
    #[doc(alias = "poll")]
    fn pump(&mut self);

    /// The next event that is there already, a packet or anything else.
    #[doc(alias = "get_packet")]
    fn take_event(&mut self) -> Option<Event>;

    /// Sends a message on a channel; [`ChannelIndex::for_transfer`] finds it as Godot does.
    ///
    /// # Errors
    ///
    /// [`SendError`], where the caller is at fault. Nobody gets the message then.
    #[doc(alias = "put_packet")]
    fn send_on(
        &mut self,
        target: Target,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<Sent, SendError>;

    /// The modes of the channels that peers get, by [`ChannelIndex`]: the three built-in ones, then the custom ones.
    fn channel_modes(&self) -> &[TransferMode];

    /// The time on the clock of this peer's deadlines.
    fn now(&self) -> Instant;

    /// Our own id, while there is one (Godot: `get_unique_id`).
    #[doc(alias = "get_unique_id")]
    #[doc(alias = "get_network_unique_id")]
    fn unique_id(&self) -> Option<PeerId>;

    /// Which of its lives this is: another after each [`close`](Self::close), and the same until then.
    fn incarnation(&self) -> Incarnation;

    /// Whether it is in use (Godot: `get_connection_status`).
    #[doc(alias = "get_connection_status")]
    fn connection_status(&self) -> ConnectionStatus;

    /// Whether we are peer 1. Not so without an id.
    #[doc(alias = "is_network_server")]
    fn is_server(&self) -> bool {
        self.unique_id().is_some_and(PeerId::is_server)
    }

    /// Whether only the server reaches everybody, so that a layer above has to relay: true in a star, false in a mesh.
    fn is_server_relay_supported(&self) -> bool;

    /// Ends a peer. With `force` at once and without an event, else as a removal that gives its `PeerDisconnected`.
    /// `false` if there is no such peer.
    fn disconnect_peer(&mut self, peer: PeerId, force: bool) -> bool;

    /// Whether nobody new may connect for now (Godot: `is_refusing_new_connections`).
    #[doc(alias = "is_refusing_new_connections")]
    fn refuses_new_connections(&self) -> bool;

    /// Lets nobody new connect, or lets them again (Godot: `refuse_new_connections`).
    #[doc(alias = "refuse_new_connections")]
    #[doc(alias = "refuse_new_network_connections")]
    fn set_refuse_new_connections(&mut self, refuse: bool);

    /// Ends everything without events (Godot: `close`).
    fn close(&mut self);
}

impl<B: Backend> MultiplayerPeer for Multiplayer<B> {
    fn pump(&mut self) {
        Self::pump(self, &mut Context::from_waker(Waker::noop()));
    }

    fn take_event(&mut self) -> Option<Event> {
        Self::take_event(self)
    }

    fn send_on(
        &mut self,
        target: Target,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<Sent, SendError> {
        Self::send_on(self, target, channel, payload)
    }

    fn channel_modes(&self) -> &[TransferMode] {
        self.mesh().channel_modes()
    }

    fn now(&self) -> Instant {
        self.backend().now()
    }

    fn unique_id(&self) -> Option<PeerId> {
        Self::unique_id(self)
    }

    fn incarnation(&self) -> Incarnation {
        self.mesh().incarnation()
    }

    fn connection_status(&self) -> ConnectionStatus {
        Self::connection_status(self)
    }

    fn is_server_relay_supported(&self) -> bool {
        self.mesh().is_server_relay_supported()
    }

    fn disconnect_peer(&mut self, peer: PeerId, force: bool) -> bool {
        Self::disconnect_peer(self, peer, force)
    }

    fn refuses_new_connections(&self) -> bool {
        self.mesh().refuses_new_connections()
    }

    fn set_refuse_new_connections(&mut self, refuse: bool) {
        Self::set_refuse_new_connections(self, refuse);
    }

    fn close(&mut self) {
        Self::close(self);
    }
}

/// Answers as the peer below does, which is found from `self` by what is put before and after it.
macro_rules! forward_answers {
    ([$($before:tt)*] [$($after:tt)*]) => {
        fn channel_modes(&self) -> &[TransferMode] {
            MultiplayerPeer::channel_modes($($before)* self $($after)*)
        }

        fn now(&self) -> Instant {
            MultiplayerPeer::now($($before)* self $($after)*)
        }

        fn unique_id(&self) -> Option<PeerId> {
            MultiplayerPeer::unique_id($($before)* self $($after)*)
        }

        fn incarnation(&self) -> Incarnation {
            MultiplayerPeer::incarnation($($before)* self $($after)*)
        }

        fn connection_status(&self) -> ConnectionStatus {
            MultiplayerPeer::connection_status($($before)* self $($after)*)
        }

        fn is_server(&self) -> bool {
            MultiplayerPeer::is_server($($before)* self $($after)*)
        }

        fn is_server_relay_supported(&self) -> bool {
            MultiplayerPeer::is_server_relay_supported($($before)* self $($after)*)
        }

        fn refuses_new_connections(&self) -> bool {
            MultiplayerPeer::refuses_new_connections($($before)* self $($after)*)
        }
    };
}

/// `close` is [`Session::leave`]: the lobby is left, too, and what reliable channels have accepted is still sent.
impl<B: Backend, S: Signaling> MultiplayerPeer for Session<B, S> {
    fn pump(&mut self) {
        Self::pump(self, &mut Context::from_waker(Waker::noop()));
    }

    fn take_event(&mut self) -> Option<Event> {
        Self::take_event(self)
    }

    fn send_on(
        &mut self,
        target: Target,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<Sent, SendError> {
        Self::send_on(self, target, channel, payload)
    }

    forward_answers!([] [.multiplayer()]);

    fn disconnect_peer(&mut self, peer: PeerId, force: bool) -> bool {
        Self::disconnect_peer(self, peer, force)
    }

    fn set_refuse_new_connections(&mut self, refuse: bool) {
        Self::set_refuse_new_connections(self, refuse);
    }

    fn close(&mut self) {
        // What a leave would wait for happens by itself.
        self.depart();
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<P: MultiplayerPeer + ?Sized> MultiplayerPeer for $pointer {
            fn pump(&mut self) {
                (**self).pump();
            }

            fn take_event(&mut self) -> Option<Event> {
                (**self).take_event()
            }

            fn send_on(
                &mut self,
                target: Target,
                channel: ChannelIndex,
                payload: Payload,
            ) -> Result<Sent, SendError> {
                (**self).send_on(target, channel, payload)
            }

            forward_answers!([&**] []);

            fn disconnect_peer(&mut self, peer: PeerId, force: bool) -> bool {
                (**self).disconnect_peer(peer, force)
            }

            fn set_refuse_new_connections(&mut self, refuse: bool) {
                (**self).set_refuse_new_connections(refuse);
            }

            fn close(&mut self) {
                (**self).close();
            }
        }
    )*};
}

forward!(&mut P, Box<P>);
