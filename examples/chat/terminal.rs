//! The chat on standard input and output.

use std::fmt;
use std::io::{BufRead, Write};

use tokio::sync::mpsc;
use webrtc_multiplayer::{Event, Session};

use crate::room::{Kind, Next, Output, Room, one_line};

/// Standard output, a line an event.
struct Terminal;

impl Output for Terminal {
    fn line(&mut self, _kind: Kind, line: fmt::Arguments<'_>) {
        say(line);
    }
}

/// Chats until `/quit` or Ctrl-C, or until joining fails. What is typed before joining waits.
///
/// `joined` hears the name of the lobby, which may be the server's choice.
pub(crate) async fn chat(
    session: Session,
    exit_on_eof: bool,
    joined: impl Fn(&str),
) -> anyhow::Result<()> {
    let mut room = Room::new(session, Terminal);
    let mut input = input();
    let mut input_open = true;
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        let next = tokio::select! {
            event = room.session.next_event() => {
                let lobby = if let Event::Joined { lobby, .. } = &event {
                    Some(lobby.clone())
                } else {
                    None
                };
                if let Err(reason) = room.tell(event) {
                    anyhow::bail!(one_line(&reason));
                }
                if let Some(lobby) = lobby {
                    joined(&lobby);
                }
                Next::Stay
            }
            line = input.recv(), if input_open && room.joined => match line {
                Some(line) => room.obey(&line),
                None => {
                    input_open = false;
                    if exit_on_eof { Next::Leave } else { Next::Stay }
                }
            },
            // Where the system gives no such signal it cannot come either.
            Ok(()) = &mut interrupt => Next::Leave,
        };
        if next == Next::Leave {
            room.session.leave().await;
            return Ok(());
        }
    }
}

/// The lines of standard input, read on a thread of their own: a blocking read cannot be cancelled.
fn input() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().split(b'\n') {
            let Ok(mut line) = line else { return };
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Prints a line at once: whoever reads us through a pipe waits for it.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let mut output = std::io::stdout().lock();
    // A reader that has gone is no reason to stop being a peer.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}
