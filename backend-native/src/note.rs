//! What a connection and its channels tell their link.

use std::sync::Arc;

use async_channel::{Receiver, Sender};
use mesh_core::platform::LinkFault;
use mesh_core::{ConnectionState, IceCandidate};
use webrtc::data_channel::DataChannel;

/// One thing that happened.
pub(crate) enum Note {
    State(ConnectionState),
    /// A local candidate, and whether it is one of a relay.
    Candidate(String, bool),
    Gathered,
    /// One of the planned channels opened.
    Opened,
    /// The address behind the name in a candidate of the far side was found.
    Revealed(IceCandidate),
    /// The far side made a channel.
    RemoteChannel(Arc<dyn DataChannel>),
    /// The control channel has something to answer.
    Control,
    /// The pulse says something else of the far side, or wants to be asked sooner.
    Pulse,
    /// The link cannot go on.
    Fault(LinkFault),
    /// The `webrtc` crate gave the connection up by itself.
    Stopped,
}

/// The link's end of the queue of notes.
///
/// A channel that waits in the queue keeps the connection, and the connection keeps the sender of the queue. So whatever is
/// left goes with this end, whether the link came to its own end or not.
pub(crate) struct Notes(Receiver<Note>);

/// A queue of notes. Bounded by what goes in: the driver and the channels of one connection.
pub(crate) fn notes() -> (Sender<Note>, Notes) {
    let (sender, receiver) = async_channel::unbounded();
    (sender, Notes(receiver))
}

impl Notes {
    /// The next one; `None` when nobody is there to send one.
    pub(crate) async fn next(&self) -> Option<Note> {
        self.0.recv().await.ok()
    }
}

impl Drop for Notes {
    fn drop(&mut self) {
        self.0.close();
        while self.0.try_recv().is_ok() {}
    }
}
