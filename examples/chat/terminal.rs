//! The chat on standard input and output.

use std::fmt;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use webrtc_multiplayer::{Event, Payload, PeerId, Session};

use crate::bars::Bars;
use crate::downloads;
use crate::escape::escape;
use crate::files::File;
use crate::room::{Kind, Next, Output, Room, one_line};
use crate::sharing::{Document, largest_file};

/// How often the progress of what is sent is drawn.
const FRAME: Duration = Duration::from_millis(200);

/// Standard output, a line an event.
pub(crate) struct Terminal {
    bars: Bars,
    /// Where the files of peers are stored.
    downloads: PathBuf,
}

impl Terminal {
    pub(crate) fn new(downloads: PathBuf) -> Self {
        Self {
            bars: Bars::new(),
            downloads,
        }
    }
}

impl Output for Terminal {
    fn line(&mut self, _kind: Kind, line: fmt::Arguments<'_>) {
        self.bars.above(|| say(line));
    }

    fn show(&mut self, file: &File) {
        if file.is_here() {
            self.bars.hide(file.number);
        } else {
            self.bars
                .show(file.number, file, file.arrived(), file.bytes);
        }
    }

    fn hide(&mut self, number: u32) {
        self.bars.hide(number);
    }

    fn open(&mut self, _to: Option<PeerId>, path: &[u8]) -> Result<Option<Document>, String> {
        downloads::read(path, largest_file()).map(Some)
    }

    fn save(&mut self, name: &str, bytes: &Payload) -> Result<(), String> {
        let saved = downloads::save(&self.downloads, name, bytes.bytes());
        let path = saved.map_err(|error| format!("{}: {error}", self.downloads.display()))?;
        let path = escape(path.to_string_lossy().as_bytes());
        self.line(Kind::News, format_args!("saved {path}"));
        Ok(())
    }
}

/// Chats until `/quit` or Ctrl-C, or until joining fails. What is typed before joining waits.
///
/// `joined` hears the name of the lobby, which may be the server's choice.
pub(crate) async fn chat(
    session: Session,
    terminal: Terminal,
    exit_on_eof: bool,
    joined: impl Fn(&str),
) -> anyhow::Result<()> {
    let mut room = Room::new(session, terminal);
    let mut frames = interval(FRAME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
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
                    Next::Stay
                }
            },
            _ = frames.tick(), if room.is_sharing() => {
                room.show_progress();
                Next::Stay
            }
            // Where the system gives no such signal it cannot come either.
            Ok(()) = &mut interrupt => Next::Leave,
        };
        // A file ends with its sender.
        let is_over = exit_on_eof && !input_open && !room.is_sharing();
        if next == Next::Leave || is_over {
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
