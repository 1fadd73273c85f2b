//! The chat itself, in the terminal as in the browser: events to lines, lines to messages.

use std::fmt;
use std::task::{Context, Waker};

use webrtc_multiplayer::{
    Event, LostReason, MultiplayerPeer, Packet, Payload, Refused, SendError, Sent, Session, Target,
    TransferMode,
};

use crate::command::{self, Command};
use crate::escape::escape;

/// Messages of a flood that are sent before the mesh is polled again.
const FLOOD_BURST: u32 = 64;

/// Where the lines go.
pub(crate) trait Output {
    /// One line without its end, harmless whatever a peer sent.
    fn line(&mut self, kind: Kind, line: fmt::Arguments<'_>);
}

/// What a line is about, for who tells lines apart by more than their words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What became of a peer or of the lobby, and answers to commands.
    News,
    /// What a peer said.
    Message,
    /// What went wrong.
    Error,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Stay,
    Leave,
}

/// One member's place in the chat.
pub(crate) struct Room<O> {
    pub(crate) session: Session,
    pub(crate) output: O,
    /// How what is typed travels.
    pub(crate) mode: TransferMode,
    /// Whether the server has taken us in; what is typed before that has to wait.
    pub(crate) joined: bool,
}

impl<O: Output> Room<O> {
    pub(crate) fn new(session: Session, output: O) -> Self {
        Self {
            session,
            output,
            mode: TransferMode::Reliable,
            joined: false,
        }
    }

    /// Tells of an event.
    ///
    /// # Errors
    ///
    /// Why the lobby could not be joined; nothing else will happen then.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the rest is of no interest to somebody who chats"
    )]
    pub(crate) fn tell(&mut self, event: Event) -> Result<(), LostReason> {
        match event {
            Event::Joined { id, lobby, .. } => {
                self.joined = true;
                self.news(format_args!("id {id} lobby {}", escape(lobby.as_bytes())));
            }
            Event::PeerConnected(peer) => self.news(format_args!("connected {peer}")),
            Event::PeerDisconnected { peer, reason } => {
                self.news(format_args!("disconnected {peer}: {}", one_line(&reason)));
            }
            Event::PeerFailed { peer, reason } => {
                self.news(format_args!("failed {peer}: {}", one_line(&reason)));
            }
            Event::PeerInterrupted(peer) => self.news(format_args!("interrupted {peer}")),
            Event::PeerResumed(peer) => self.news(format_args!("resumed {peer}")),
            Event::Packet(packet) => self.message(&packet),
            Event::PacketsDropped { peer, packets, .. } => {
                self.news(format_args!("dropped {peer}: {packets}"));
            }
            Event::Sealed => self.news(format_args!("sealed")),
            Event::SignalingInterrupted(reason) => {
                self.news(format_args!("signaling interrupted: {}", one_line(&reason)));
            }
            Event::SignalingResumed => self.news(format_args!("signaling resumed")),
            Event::SignalingLost(reason) if self.joined => {
                self.news(format_args!("signaling lost: {}", one_line(&reason)));
            }
            Event::SignalingLost(reason) => return Err(reason),
            _ => {}
        }
        Ok(())
    }

    /// Does what a line asks for.
    pub(crate) fn obey(&mut self, line: &[u8]) -> Next {
        match command::parse(line) {
            Ok(Command::Send { target, text }) => self.send(target, text),
            Ok(Command::Mode(mode)) => self.mode = mode,
            Ok(Command::Peers) => self.list(),
            Ok(Command::Seal) => {
                if let Err(error) = self.session.seal() {
                    self.error(format_args!("{error}"));
                }
            }
            Ok(Command::Flood { messages, size }) => self.flood(messages, size),
            Ok(Command::Quit) => return Next::Leave,
            Err(error) => self.error(format_args!("{}", escape(error.as_bytes()))),
        }
        Next::Stay
    }

    fn message(&mut self, packet: &Packet) {
        let (from, mode) = (packet.from, packet.mode.label());
        let text = escape(packet.payload.bytes());
        self.output
            .line(Kind::Message, format_args!("{from} {mode}: {text}"));
    }

    fn send(&mut self, target: Target, text: Vec<u8>) {
        match self.session.send(target, self.mode, text) {
            Ok(sent) if sent.accepted == 0 && sent.is_complete() => {
                self.error(format_args!("nobody is connected"));
            }
            Ok(sent) => {
                for Refused { peer, reason } in sent.refused {
                    self.error(format_args!("peer {peer} did not take it: {reason:?}"));
                }
            }
            Err(error) => self.error(format_args!("{error}")),
        }
    }

    fn list(&mut self) {
        let mut alone = true;
        for peer in self.session.peers() {
            alone = false;
            let state = if peer.connected {
                "connected"
            } else {
                "connecting"
            };
            self.output
                .line(Kind::News, format_args!("peer {} {state}", peer.id));
        }
        if alone {
            self.news(format_args!("no peers"));
        }
    }

    fn flood(&mut self, messages: u32, size: usize) {
        let mut accepted = 0;
        let mut refused = 0;
        let payload = bytes(size);
        for message in 0..messages {
            match self.flood_one(payload.clone()) {
                Ok(sent) => {
                    accepted += sent.accepted;
                    refused += sent.refused.len();
                }
                Err(error) => {
                    self.error(format_args!("{error}"));
                    return;
                }
            }
            if message % FLOOD_BURST == 0 {
                // The events stay in the session; only its work is done. Whoever waits for them polls again after this.
                let mut cx = Context::from_waker(Waker::noop());
                MultiplayerPeer::pump(&mut self.session, &mut cx);
            }
        }
        self.news(format_args!("flood accepted {accepted} refused {refused}"));
    }

    fn flood_one(&mut self, payload: Payload) -> Result<Sent, SendError> {
        self.session.send(Target::All, self.mode, payload)
    }

    fn news(&mut self, line: fmt::Arguments<'_>) {
        self.output.line(Kind::News, line);
    }

    fn error(&mut self, what: fmt::Arguments<'_>) {
        self.output.line(Kind::Error, format_args!("error: {what}"));
    }
}

/// A message of that many bytes that is readable on the other side.
fn bytes(size: usize) -> Payload {
    vec![b'.'; size].into()
}

/// A reason may quote what a peer or a server said.
pub(crate) fn one_line(reason: &impl ToString) -> String {
    escape(reason.to_string().as_bytes())
}
