//! Godot's way to send and to receive: sticky settings, and one packet at a time.

use alloc::collections::VecDeque;
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};

use crate::{
    ChannelIndex, Event, MultiplayerPeer, Packet, Payload, PeerId, SendError, Sent, Target,
    TransferMode,
};

/// Bytes of packets fetched ahead; what is beyond waits in the peer below, which bounds it.
const AHEAD_BYTES: usize = 1024 * 1024;

/// Packets and events fetched ahead.
const AHEAD: usize = 4096;

/// A [`MultiplayerPeer`] with the habits of Godot's `PacketPeer`, for code that comes from there.
///
/// The target, the transfer mode and the transfer channel are set once and stay. Packets and other events are two queues,
/// as they are in Godot: [`poll`](Self::poll) gives the events, which are Godot's signals; when it has given all of them,
/// [`take_packet`](Self::take_packet) gives the packets.
///
/// Two things differ from Godot. [`packet_peer`](Self::packet_peer), [`packet_mode`](Self::packet_mode) and
/// [`packet_channel`](Self::packet_channel) tell of the very packet that [`take_packet`](Self::take_packet) gives, which
/// carries them as well; and the packets of a peer that has gone can still be read. An empty packet is sent as one.
///
/// Code without a Godot past sends with [`Multiplayer::send`](crate::Multiplayer::send) and reads one queue.
///
/// ```
/// use mesh_core::{MultiplayerPeer, PacketPeer, PeerId, SendError, TransferMode};
///
/// /// Sends back what a peer said, in the way it came.
/// fn echo<P: MultiplayerPeer>(peer: &mut PacketPeer<P>) -> Result<(), SendError> {
///     while let Some(event) = peer.poll() {
///         println!("{event:?}"); // who came, who went
///     }
///     while let Some(from) = peer.packet_peer() {
///         let Some(packet) = peer.take_packet() else { break };
///         peer.set_target_peer(from);
///         peer.set_transfer_mode(packet.mode);
///         peer.set_transfer_channel(packet.channel.transfer_channel());
///         peer.put_packet(packet.payload)?;
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct PacketPeer<P> {
    peer: P,
    target: Target,
    mode: TransferMode,
    transfer_channel: u8,
    events: VecDeque<Event>,
    packets: VecDeque<Packet>,
    packet_bytes: usize,
    /// Whether [`poll`](Self::poll) is giving the events of what it took in.
    polling: bool,
}

impl<P: MultiplayerPeer> PacketPeer<P> {
    /// Sends to all, reliably, on transfer channel 0, until told otherwise.
    #[must_use]
    pub const fn new(peer: P) -> Self {
        Self {
            peer,
            target: Target::All,
            mode: TransferMode::Reliable,
            transfer_channel: 0,
            events: VecDeque::new(),
            packets: VecDeque::new(),
            packet_bytes: 0,
            polling: false,
        }
    }

    /// To whom [`put_packet`](Self::put_packet) sends; [`Target::from_godot`] reads Godot's signed numbers.
    pub fn set_target_peer(&mut self, target: impl Into<Target>) {
        self.target = target.into();
    }

    /// To whom [`put_packet`](Self::put_packet) sends.
    #[must_use]
    pub const fn target_peer(&self) -> Target {
        self.target
    }

    /// How [`put_packet`](Self::put_packet) sends, as long as the transfer channel is 0.
    pub const fn set_transfer_mode(&mut self, mode: TransferMode) {
        self.mode = mode;
    }

    /// How [`put_packet`](Self::put_packet) sends.
    #[doc(alias = "get_transfer_mode")]
    #[must_use]
    pub const fn transfer_mode(&self) -> TransferMode {
        self.mode
    }

    /// On which channel [`put_packet`](Self::put_packet) sends: 0 for the built-in one of the transfer mode, above it for a
    /// custom one, whose own mode counts.
    pub const fn set_transfer_channel(&mut self, transfer_channel: u8) {
        self.transfer_channel = transfer_channel;
    }

    /// On which channel [`put_packet`](Self::put_packet) sends.
    #[doc(alias = "get_transfer_channel")]
    #[must_use]
    pub const fn transfer_channel(&self) -> u8 {
        self.transfer_channel
    }

    /// Sends a packet as set.
    ///
    /// # Errors
    ///
    /// [`SendError`], as [`MultiplayerPeer::send_on`] gives it.
    pub fn put_packet(&mut self, payload: impl Into<Payload>) -> Result<Sent, SendError> {
        let channel = ChannelIndex::for_transfer(self.mode, self.transfer_channel);
        self.peer.send_on(self.target, channel, payload.into())
    }

    /// Gives the events of a frame that are no packets (Godot: the signals) one by one, then `None`.
    ///
    /// The first call of a frame takes in what has happened, packets too. Call it until `None` once a frame:
    /// `while let Some(event) = peer.poll()`. It never blocks. Of events that nobody takes, the latest 4096 are kept;
    /// packets beyond 1 MiB or 4096 wait in the peer below.
    pub fn poll(&mut self) -> Option<Event> {
        if !core::mem::replace(&mut self.polling, true) {
            self.take_in(&mut Context::from_waker(Waker::noop()));
        }
        let event = self.events.pop_front();
        self.polling = event.is_some();
        event
    }

    /// Waits until there is an event or a packet, for programs that sleep in between. Cancel-safe.
    ///
    /// What was there before counts: take all events with [`poll`](Self::poll) and all packets with
    /// [`take_packet`](Self::take_packet) before waiting again.
    pub async fn ready(&mut self) {
        poll_fn(|cx| self.poll_ready(cx)).await;
    }

    /// Whether there is an event or a packet, or a wake-up when there may be one.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.events.is_empty() && self.packets.is_empty() {
            self.take_in(cx);
        }
        if self.events.is_empty() && self.packets.is_empty() {
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    fn take_in(&mut self, cx: &mut Context<'_>) {
        self.peer.pump(cx);
        while self.has_room() {
            match self.peer.take_event() {
                Some(Event::Packet(packet)) => {
                    self.packet_bytes += packet.payload.len();
                    self.packets.push_back(packet);
                }
                Some(event) => {
                    if self.events.len() == AHEAD {
                        self.events.pop_front();
                    }
                    self.events.push_back(event);
                }
                None => break,
            }
        }
    }

    fn has_room(&self) -> bool {
        self.packet_bytes < AHEAD_BYTES && self.packets.len() < AHEAD
    }

    /// How many packets can be taken before the next frame's [`poll`](Self::poll).
    #[doc(alias = "get_available_packet_count")]
    #[must_use]
    pub fn available_packet_count(&self) -> usize {
        self.packets.len()
    }

    /// Takes the next packet.
    #[doc(alias = "get_packet")]
    pub fn take_packet(&mut self) -> Option<Packet> {
        let packet = self.packets.pop_front()?;
        self.packet_bytes -= packet.payload.len();
        Some(packet)
    }

    /// Who sent the next packet (Godot: 0 where there is none).
    #[doc(alias = "get_packet_peer")]
    #[must_use]
    pub fn packet_peer(&self) -> Option<PeerId> {
        self.packets.front().map(|packet| packet.from)
    }

    /// The mode of the channel that the next packet came on.
    #[doc(alias = "get_packet_mode")]
    #[must_use]
    pub fn packet_mode(&self) -> Option<TransferMode> {
        self.packets.front().map(|packet| packet.mode)
    }

    /// The transfer channel that the next packet came on.
    #[doc(alias = "get_packet_channel")]
    #[must_use]
    pub fn packet_channel(&self) -> Option<u8> {
        let packet = self.packets.front()?;
        Some(packet.channel.transfer_channel())
    }

    /// Closes the peer below without events, forgets what was not taken, and sends to all from now on. The transfer mode
    /// and channel stay, as in Godot.
    pub fn close(&mut self) {
        self.peer.close();
        self.events.clear();
        self.packets.clear();
        self.packet_bytes = 0;
        self.polling = false;
        self.target = Target::All;
    }

    /// The peer below.
    #[must_use]
    pub const fn peer(&self) -> &P {
        &self.peer
    }

    /// The peer below. Events taken from it directly are not seen here.
    pub const fn peer_mut(&mut self) -> &mut P {
        &mut self.peer
    }

    /// Gives the peer below back; what was fetched and not taken is lost.
    #[must_use]
    pub fn into_inner(self) -> P {
        self.peer
    }
}
