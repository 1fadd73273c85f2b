//! The chat itself, in the terminal as in the browser: events to lines, lines to messages.

use std::collections::BTreeSet;
use std::fmt;
use std::task::{Context, Waker};

use webrtc_multiplayer::{
    Event, LostReason, MultiplayerPeer, Packet, Payload, PeerId, Refused, SendError, Sent, Session,
    Target, TransferMode,
};

use crate::command::{self, Command};
use crate::escape::escape;
use crate::files::{File, Files};
use crate::peers::{Peer, State};
use crate::sharing::Document;

/// Messages of a flood that are sent before the mesh is polled again.
const FLOOD_BURST: u32 = 64;

/// Where the lines go, and the files come from.
pub(crate) trait Output {
    /// One line without its end, harmless whatever a peer sent.
    fn line(&mut self, kind: Kind, line: fmt::Arguments<'_>);

    /// Shows a file that is on its way or waits, and how much of it has arrived.
    fn show(&mut self, file: &File);

    /// Shows a file no more.
    fn hide(&mut self, number: u32);

    /// Reads a file that is to be sent. `None` where somebody chooses one, which comes to [`Room::share`] later.
    ///
    /// # Errors
    ///
    /// Why it cannot be read.
    fn open(&mut self, to: Option<PeerId>, path: &[u8]) -> Result<Option<Document>, String>;

    /// Stores the bytes under this safe name, or under one with a number if there is such a file, and says where.
    ///
    /// # Errors
    ///
    /// Why they cannot be stored.
    fn save(&mut self, name: &str, bytes: &Payload) -> Result<(), String>;
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
    pub(crate) files: Files,
    /// Peers of which nothing comes at the moment.
    interrupted: BTreeSet<PeerId>,
}

impl<O: Output> Room<O> {
    pub(crate) fn new(session: Session, output: O) -> Self {
        Self {
            session,
            output,
            mode: TransferMode::Reliable,
            joined: false,
            files: Files::default(),
            interrupted: BTreeSet::new(),
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
                self.interrupted.remove(&peer);
                self.forget_files_of(peer);
            }
            Event::PeerFailed { peer, reason } => {
                self.news(format_args!("failed {peer}: {}", one_line(&reason)));
            }
            Event::PeerInterrupted(peer) => {
                self.interrupted.insert(peer);
                self.news(format_args!("interrupted {peer}"));
            }
            Event::PeerResumed(peer) => {
                self.interrupted.remove(&peer);
                self.news(format_args!("resumed {peer}"));
            }
            Event::Transfer {
                peer,
                transfer,
                event,
            } => self.tell_transfer(peer, transfer, event),
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
            Ok(Command::SendFile { to, path }) => match self.output.open(to, &path) {
                Ok(Some(document)) => self.share(to, document),
                Ok(None) => {}
                Err(error) => self.error(format_args!("{}", escape(error.as_bytes()))),
            },
            Ok(Command::Cancel(number)) => self.cancel(number),
            Ok(Command::Save(number)) => self.save(number),
            Ok(Command::Refuse(number)) => self.refuse(number),
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

    /// All peers and how they are doing.
    pub(crate) fn peers(&self) -> Vec<Peer> {
        let peer = |id, is_connected: bool| {
            let stats = self.session.stats(id).unwrap_or_default();
            let state = if !is_connected {
                State::Connecting
            } else if self.interrupted.contains(&id) {
                State::Interrupted
            } else {
                State::Connected((&stats.link).into())
            };
            Peer { id, state }
        };
        let peers = self.session.peers();
        peers.map(|info| peer(info.id, info.connected)).collect()
    }

    fn list(&mut self) {
        let peers = self.peers();
        for Peer { id, state } in &peers {
            self.news(format_args!("peer {id} {state}"));
        }
        if peers.is_empty() {
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

    pub(crate) fn news(&mut self, line: fmt::Arguments<'_>) {
        self.output.line(Kind::News, line);
    }

    pub(crate) fn error(&mut self, what: fmt::Arguments<'_>) {
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
