//! What a line of input means.

use webrtc_multiplayer::{PeerId, Target, TransferMode};

/// The largest message a flood may try; far above what any peer takes, far below what hurts this process.
const LARGEST_FLOOD: usize = 16 * 1024 * 1024;

/// One line of input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Send {
        target: Target,
        text: Vec<u8>,
    },
    Mode(TransferMode),
    Peers,
    Seal,
    Flood {
        messages: u32,
        size: usize,
    },
    /// A file; without a peer to everybody. The path is empty if none was typed.
    SendFile {
        to: Option<PeerId>,
        path: Vec<u8>,
    },
    /// These name a file by its number, or mean the only one, or all of ours.
    Cancel(Option<u32>),
    Save(Option<u32>),
    Refuse(Option<u32>),
    Quit,
}

/// Reads a line; the error is for the person who typed it.
pub(crate) fn parse(line: &[u8]) -> Result<Command, String> {
    if line.first() != Some(&b'/') {
        return Ok(Command::Send {
            target: Target::All,
            text: line.to_vec(),
        });
    }
    let (verb, rest) = split(line);
    match verb {
        b"/to" => addressed(rest, Target::One),
        b"/except" => addressed(rest, Target::AllExcept),
        b"/mode" => TransferMode::ALL
            .into_iter()
            .find(|mode| mode.label().as_bytes() == rest.trim_ascii())
            .map(Command::Mode)
            .ok_or_else(|| String::from("usage: /mode reliable|ordered|unreliable")),
        b"/peers" => Ok(Command::Peers),
        b"/seal" => Ok(Command::Seal),
        b"/flood" => flood(rest),
        b"/send" => Ok(Command::SendFile {
            to: None,
            path: rest.trim_ascii().to_vec(),
        }),
        b"/send-to" => send_to(rest),
        b"/cancel" => file(rest, "/cancel").map(Command::Cancel),
        b"/save" => file(rest, "/save").map(Command::Save),
        b"/refuse" => file(rest, "/refuse").map(Command::Refuse),
        b"/quit" => Ok(Command::Quit),
        _ => Err(format!(
            "unknown command {}; there are /to /except /mode /peers /send /send-to /cancel /save /refuse /seal /flood /quit",
            String::from_utf8_lossy(verb)
        )),
    }
}

fn addressed(rest: &[u8], target: impl FnOnce(PeerId) -> Target) -> Result<Command, String> {
    let (id, text) = split(rest);
    Ok(Command::Send {
        target: target(peer(id, "/to ID TEXT or /except ID TEXT")?),
        text: text.to_vec(),
    })
}

fn send_to(rest: &[u8]) -> Result<Command, String> {
    let (id, path) = split(rest);
    Ok(Command::SendFile {
        to: Some(peer(id, "/send-to ID FILE")?),
        path: path.trim_ascii().to_vec(),
    })
}

fn peer(id: &[u8], usage: &str) -> Result<PeerId, String> {
    let id = number::<u32>(id).ok_or_else(|| format!("usage: {usage}"))?;
    PeerId::new(id).map_err(|error| error.to_string())
}

/// The number of a file, if there is one.
fn file(rest: &[u8], verb: &str) -> Result<Option<u32>, String> {
    match rest.trim_ascii() {
        b"" => Ok(None),
        word => number(word)
            .map(Some)
            .ok_or_else(|| format!("usage: {verb} or {verb} N, with the number of a file")),
    }
}

fn flood(rest: &[u8]) -> Result<Command, String> {
    let (messages, size) = split(rest);
    number(messages)
        .zip(number(size.trim_ascii()).filter(|&size| size <= LARGEST_FLOOD))
        .map(|(messages, size)| Command::Flood { messages, size })
        .ok_or_else(|| format!("usage: /flood N SIZE, with SIZE up to {LARGEST_FLOOD} bytes"))
}

fn number<T: std::str::FromStr>(word: &[u8]) -> Option<T> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The first word and what follows the space after it.
fn split(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|&byte| byte == b' ') {
        Some(space) => (&line[..space], &line[space + 1..]),
        None => (line, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let peer = PeerId::new(7).unwrap();
        let text = b"hi  there".to_vec();
        for (line, command) in [
            (
                "hi  there",
                Command::Send {
                    target: Target::All,
                    text: text.clone(),
                },
            ),
            (
                "/to 7 hi  there",
                Command::Send {
                    target: Target::One(peer),
                    text: text.clone(),
                },
            ),
            (
                "/except 7 hi  there",
                Command::Send {
                    target: Target::AllExcept(peer),
                    text,
                },
            ),
            (
                "/mode ordered",
                Command::Mode(TransferMode::UnreliableOrdered),
            ),
            ("/peers", Command::Peers),
            ("/seal", Command::Seal),
            (
                "/flood 10 2000",
                Command::Flood {
                    messages: 10,
                    size: 2000,
                },
            ),
            (
                "/send  my map.png ",
                Command::SendFile {
                    to: None,
                    path: b"my map.png".to_vec(),
                },
            ),
            (
                "/send",
                Command::SendFile {
                    to: None,
                    path: Vec::new(),
                },
            ),
            (
                "/send-to 7 my map.png",
                Command::SendFile {
                    to: Some(peer),
                    path: b"my map.png".to_vec(),
                },
            ),
            ("/save", Command::Save(None)),
            ("/save 3", Command::Save(Some(3))),
            ("/refuse 3 ", Command::Refuse(Some(3))),
            ("/cancel", Command::Cancel(None)),
            ("/quit", Command::Quit),
        ] {
            assert_eq!(parse(line.as_bytes()), Ok(command), "{line}");
        }
    }

    #[test]
    fn faults_are_explained() {
        for line in [
            "/to",
            "/to x y",
            "/to 0 y",
            "/to 4294967295 y",
            "/mode fast",
            "/flood 1",
            "/flood -1 2",
            "/send-to",
            "/send-to 0 a.txt",
            "/send-to a.txt",
            "/save it",
            "/refuse -1",
            "/cancel 4294967296",
            "/nope",
        ] {
            assert!(parse(line.as_bytes()).is_err(), "{line}");
        }
    }
}
