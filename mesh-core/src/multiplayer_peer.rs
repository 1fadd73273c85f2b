//! What a multiplayer API needs of a network peer, whatever is below.

use core::convert::identity;
use core::ops::{Deref, DerefMut};
use core::task::Context;

use crate::{
    Backend, ChannelIndex, ConnectionStatus, Event, Instant, Mesh, Multiplayer, Payload, PeerId,
    SendError, Sent, Session, Signaling, Target, TransferMode,
};

/// A network peer as the layers above see it (Godot: `MultiplayerPeer`): [`Multiplayer`], [`Session`], or one of a test.
///
/// The trait is object-safe and has no futures. A layer above owns a `P: MultiplayerPeer`, which may also be a
/// `Box<dyn MultiplayerPeer>` or a `&mut` of another one. It calls [`pump`](Self::pump), then
/// [`take_event`](Self::take_event) until there is none, then [`set_alarm`](Self::set_alarm) with its own next deadline.
///
/// What an implementation promises:
///
/// 1. `pump` never blocks and does bounded work. Only `pump` takes anything in: events follow from it and from the methods
///    that change something.
/// 2. After `pump` the waker of its `cx` is woken when there is something new to take in, when a deadline of the
///    implementation itself is due, and when the alarm is due. Only the waker given last counts.
/// 3. Events come in the order that [`Event`] promises: of a peer first its `PeerConnected`, then its packets, then its
///    `PeerDisconnected`.
/// 4. [`connection_status`](Self::connection_status) is the present one. The events that led to it may not have been taken
///    yet. A layer that has to tell things in order goes by the events.
/// 5. After `close` there is no event, no peer, no id and the status is `Disconnected`, until it is set up again.
/// 6. [`closes`](Self::closes) has grown after each `close`. That is how a layer above learns that all peers that it knows
///    are gone, also if there is an id again, and even the same one.
#[doc(alias = "NetworkedMultiplayerPeer")]
pub trait MultiplayerPeer {
    /// Takes in what has happened, and has `cx` woken when there is more; the first half of a poll (Godot: `poll`).
    ///
    /// A game that polls once a frame needs no wake-up and gives a context of `Waker::noop()`.
    #[doc(alias = "poll")]
    fn pump(&mut self, cx: &mut Context<'_>);

    /// The next event that is there already, a packet or anything else.
    #[doc(alias = "get_packet")]
    fn take_event(&mut self) -> Option<Event>;

    /// Has the waker of the last [`pump`](Self::pump) woken no later than at `deadline`, on the clock of
    /// [`now`](Self::now). It stands beside the deadlines of the peer itself and replaces the alarm set before; `None` takes
    /// that away. A `pump` after the deadline forgets it.
    fn set_alarm(&mut self, deadline: Option<Instant>);

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

    /// The largest message in bytes that this side can send, to whichever peer.
    fn max_message_size(&self) -> usize;

    /// The largest message in bytes that a peer takes, at most [`max_message_size`](Self::max_message_size). `None` for an
    /// unknown peer.
    fn max_message_size_of(&self, peer: PeerId) -> Option<usize>;

    /// The modes of the channels that peers get, by [`ChannelIndex`]: the three built-in ones, then the custom ones.
    fn channel_modes(&self) -> &[TransferMode];

    /// The time on the clock of this peer's deadlines.
    fn now(&self) -> Instant;

    /// Our own id, while there is one (Godot: `get_unique_id`).
    #[doc(alias = "get_unique_id")]
    #[doc(alias = "get_network_unique_id")]
    fn unique_id(&self) -> Option<PeerId>;

    /// How often [`close`](Self::close) has been called.
    fn closes(&self) -> u64;

    /// Whether it is in use (Godot: `get_connection_status`).
    #[doc(alias = "get_connection_status")]
    fn connection_status(&self) -> ConnectionStatus;

    /// Whether we are peer 1. `false` without an id.
    #[doc(alias = "is_network_server")]
    fn is_server(&self) -> bool {
        self.unique_id().is_some_and(PeerId::is_server)
    }

    /// Whether only the server reaches everybody, so that a layer above has to relay: true in a star, false in a mesh.
    fn is_server_relay_supported(&self) -> bool;

    /// Ends a peer. With `force` at once and without an event, else as a removal that gives its `PeerDisconnected`.
    /// `false` if there is no such peer.
    fn disconnect_peer(&mut self, peer: PeerId, force: bool) -> bool;

    /// Whether new peers are refused for now (Godot: `is_refusing_new_connections`).
    #[doc(alias = "is_refusing_new_connections")]
    fn refuses_new_connections(&self) -> bool;

    /// Refuses new peers, or accepts them again (Godot: `refuse_new_connections`).
    #[doc(alias = "refuse_new_connections")]
    #[doc(alias = "refuse_new_network_connections")]
    fn set_refuse_new_connections(&mut self, refuse: bool);

    /// Ends everything without events (Godot: `close`).
    fn close(&mut self);
}

/// Methods that are those of another type, to which a function leads.
macro_rules! forward {
    (mut $type:ty, $below:path => $(fn $name:ident($($arg:ident: $ty:ty),*) -> $out:ty;)*) => {$(
        fn $name(&mut self, $($arg: $ty),*) -> $out {
            <$type>::$name($below(self), $($arg),*)
        }
    )*};
    ($type:ty, $below:path => $(fn $name:ident($($arg:ident: $ty:ty),*) -> $out:ty;)*) => {$(
        fn $name(&self, $($arg: $ty),*) -> $out {
            <$type>::$name($below(self), $($arg),*)
        }
    )*};
    // What only looks, at another `MultiplayerPeer`.
    ($type:ty, $below:path) => {
        forward! { $type, $below =>
            fn max_message_size() -> usize;
            fn max_message_size_of(peer: PeerId) -> Option<usize>;
            fn channel_modes() -> &[TransferMode];
            fn now() -> Instant;
            fn unique_id() -> Option<PeerId>;
            fn closes() -> u64;
            fn connection_status() -> ConnectionStatus;
            fn is_server_relay_supported() -> bool;
            fn refuses_new_connections() -> bool;
        }
    };
}

impl<B: Backend> MultiplayerPeer for Multiplayer<B> {
    forward! { Mesh, Self::mesh =>
        fn max_message_size() -> usize;
        fn max_message_size_of(peer: PeerId) -> Option<usize>;
        fn channel_modes() -> &[TransferMode];
        fn unique_id() -> Option<PeerId>;
        fn closes() -> u64;
        fn connection_status() -> ConnectionStatus;
        fn is_server_relay_supported() -> bool;
        fn refuses_new_connections() -> bool;
    }

    forward! { B, Self::backend => fn now() -> Instant; }

    // The methods of these names that are not the trait's.
    forward! { mut Self, identity =>
        fn pump(cx: &mut Context<'_>) -> ();
        fn take_event() -> Option<Event>;
        fn set_alarm(deadline: Option<Instant>) -> ();
        fn send_on(target: Target, channel: ChannelIndex, payload: Payload) -> Result<Sent, SendError>;
        fn disconnect_peer(peer: PeerId, force: bool) -> bool;
        fn set_refuse_new_connections(refuse: bool) -> ();
        fn close() -> ();
    }
}

/// `close` is [`Session::leave`]: the lobby is left, too, and what reliable channels have accepted is still sent.
impl<B: Backend, S: Signaling> MultiplayerPeer for Session<B, S> {
    forward!(Multiplayer<B>, Self::multiplayer);

    forward! { mut Self, identity =>
        fn pump(cx: &mut Context<'_>) -> ();
        fn take_event() -> Option<Event>;
        fn send_on(target: Target, channel: ChannelIndex, payload: Payload) -> Result<Sent, SendError>;
        fn disconnect_peer(peer: PeerId, force: bool) -> bool;
        fn set_refuse_new_connections(refuse: bool) -> ();
    }

    forward! { mut Multiplayer<B>, Self::multiplayer_mut => fn set_alarm(deadline: Option<Instant>) -> (); }

    fn close(&mut self) {
        // What the future of `leave` would wait for happens by itself.
        self.depart(None);
    }
}

/// For `Box<P>`, `&mut P` and the like.
impl<D: DerefMut<Target: MultiplayerPeer>> MultiplayerPeer for D {
    forward!(D::Target, Deref::deref);

    forward! { D::Target, Deref::deref => fn is_server() -> bool; }

    forward! { mut D::Target, DerefMut::deref_mut =>
        fn pump(cx: &mut Context<'_>) -> ();
        fn take_event() -> Option<Event>;
        fn set_alarm(deadline: Option<Instant>) -> ();
        fn send_on(target: Target, channel: ChannelIndex, payload: Payload) -> Result<Sent, SendError>;
        fn disconnect_peer(peer: PeerId, force: bool) -> bool;
        fn set_refuse_new_connections(refuse: bool) -> ();
        fn close() -> ();
    }
}
