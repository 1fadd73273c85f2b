//! The chat itself: events to lines, lines to messages.

use std::fmt;
use std::io::Write;

use tokio::sync::mpsc;
use webrtc_multiplayer::mesh_core::Refused;
use webrtc_multiplayer::{Event, Packet, Payload, SendError, Sent, Session, Target, TransferMode};

use crate::command::{self, Command};
use crate::escape::escape;

/// Messages of a flood that are sent before the mesh is polled again.
const FLOOD_BURST: u32 = 64;

/// One process's place in the chat.
pub(crate) struct Room {
    session: Session,
    mode: TransferMode,
    exit_on_eof: bool,
    joined: bool,
}

/// Whether to go on.
enum Next {
    Stay,
    Leave,
}

impl Room {
    pub(crate) fn new(session: Session, exit_on_eof: bool) -> Self {
        Self {
            session,
            mode: TransferMode::Reliable,
            exit_on_eof,
            joined: false,
        }
    }

    /// Chats until `/quit`, or until joining fails. What is typed before joining waits.
    pub(crate) async fn run(mut self, mut input: mpsc::Receiver<Vec<u8>>) -> anyhow::Result<()> {
        let mut input_open = true;
        loop {
            tokio::select! {
                event = self.session.next_event() => self.tell(event)?,
                line = input.recv(), if input_open && self.joined => {
                    let next = match line {
                        Some(line) => self.obey(&line),
                        None => {
                            input_open = false;
                            if self.exit_on_eof { Next::Leave } else { Next::Stay }
                        }
                    };
                    if let Next::Leave = next {
                        self.session.leave().await;
                        return Ok(());
                    }
                }
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the rest is of no interest to somebody who chats"
    )]
    fn tell(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Joined { id, lobby, .. } => {
                self.joined = true;
                say(format_args!("id {id} lobby {}", escape(lobby.as_bytes())));
            }
            Event::PeerConnected(peer) => say(format_args!("connected {peer}")),
            Event::PeerDisconnected { peer, reason } => {
                say(format_args!("disconnected {peer}: {}", one_line(&reason)));
            }
            Event::PeerFailed { peer, reason } => {
                say(format_args!("failed {peer}: {}", one_line(&reason)));
            }
            Event::PeerInterrupted(peer) => say(format_args!("interrupted {peer}")),
            Event::PeerResumed(peer) => say(format_args!("resumed {peer}")),
            Event::Packet(Packet {
                from,
                mode,
                payload,
                ..
            }) => say(format_args!(
                "{from} {}: {}",
                mode.label(),
                escape(payload.bytes())
            )),
            Event::PacketsDropped { peer, packets, .. } => {
                say(format_args!("dropped {peer}: {packets}"));
            }
            Event::Sealed => say(format_args!("sealed")),
            Event::SignalingLost(reason) => {
                let reason = one_line(&reason);
                anyhow::ensure!(self.joined, "{reason}");
                say(format_args!("signaling lost: {reason}"));
            }
            _ => {}
        }
        Ok(())
    }

    fn obey(&mut self, line: &[u8]) -> Next {
        match command::parse(line) {
            Ok(Command::Send { target, text }) => self.send(target, text),
            Ok(Command::Mode(mode)) => self.mode = mode,
            Ok(Command::Peers) => self.list(),
            Ok(Command::Seal) => {
                if let Err(error) = self.session.signaling_mut().seal() {
                    say(format_args!("error: {error}"));
                }
            }
            Ok(Command::Flood { messages, size }) => self.flood(messages, size),
            Ok(Command::Quit) => return Next::Leave,
            Err(error) => say(format_args!("error: {}", escape(error.as_bytes()))),
        }
        Next::Stay
    }

    fn send(&mut self, target: Target, text: Vec<u8>) {
        match self.session.send(target, self.mode, text) {
            Ok(sent) if sent.accepted == 0 && sent.is_complete() => {
                say(format_args!("error: nobody is connected"));
            }
            Ok(sent) => {
                for Refused { peer, reason } in sent.refused {
                    say(format_args!(
                        "error: peer {peer} did not take it: {reason:?}"
                    ));
                }
            }
            Err(error) => say(format_args!("error: {error}")),
        }
    }

    fn list(&self) {
        let mut alone = true;
        for peer in self.session.peers() {
            alone = false;
            let state = if peer.connected {
                "connected"
            } else {
                "connecting"
            };
            say(format_args!("peer {} {state}", peer.id));
        }
        if alone {
            say(format_args!("no peers"));
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
                    say(format_args!("error: {error}"));
                    return;
                }
            }
            if message % FLOOD_BURST == 0 {
                // The events stay in the session; only its work is done.
                let _ = self.session.poll();
            }
        }
        say(format_args!("flood accepted {accepted} refused {refused}"));
    }

    fn flood_one(&mut self, payload: Payload) -> Result<Sent, SendError> {
        self.session.send(Target::All, self.mode, payload)
    }
}

/// A message of that many bytes that is readable on the other side.
fn bytes(size: usize) -> Payload {
    vec![b'.'; size].into()
}

fn one_line(reason: &impl ToString) -> String {
    escape(reason.to_string().as_bytes())
}

/// Prints a line at once: whoever reads us through a pipe waits for it.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let mut output = std::io::stdout().lock();
    // A reader that has gone is no reason to stop being a peer.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}
