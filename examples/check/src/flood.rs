//! A server whose list of lobbies has no end: the page reads a little of it and gives it up.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use crate::game::{DEADLINE, Game};
use crate::print::say;

/// What a browser and the system take in before a page asks for it is far below this.
const FAR_TOO_MUCH: usize = 256 * 1024 * 1024;
/// To a page from elsewhere.
const HEAD: &str = "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\n\r\n";

/// Shows the start screen with such a server, and then the one that is at `start` again.
pub(crate) fn check(game: &Game, start: &str) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("a server without end: {error}");
    let server = TcpListener::bind("127.0.0.1:0").map_err(cannot)?;
    let address = server.local_addr().map_err(cannot)?;
    let (ended, ends) = channel();
    thread::spawn(move || {
        for stream in server.incoming().flatten() {
            let ended = ended.clone();
            thread::spawn(move || answer(stream, &ended));
        }
    });
    let (page, _) = start.split_once('?').unwrap_or((start, ""));
    game.visit(&format!("{page}?url=ws://{address}&name=Grace"))?;
    game.wait("giving up a list without end", |it| {
        let why = it["unlisted"].as_str();
        why.is_some_and(|why| why.contains("more than"))
    })?;
    let written = ends
        .recv_timeout(DEADLINE)
        .map_err(|_| "the page goes on reading a list without end".to_owned())?;
    if written >= FAR_TOO_MUCH {
        return Err(format!("the page has read {written} bytes of a list"));
    }
    say!("[ci] a list of lobbies without end is given up");
    game.visit(start)
}

/// Answers without end, and tells how much was written when nobody wants more.
fn answer(mut stream: TcpStream, ended: &Sender<usize>) {
    let Ok(request) = stream.try_clone() else {
        return;
    };
    // The head of the request ends with an empty line. A browser opens connections in advance, which say nothing.
    let mut lines = BufReader::new(request).lines().map_while(Result::ok);
    if !lines.any(|line| line.is_empty()) || stream.write_all(HEAD.as_bytes()).is_err() {
        return;
    }
    let part = [b' '; 64 * 1024];
    let mut written = 0;
    while written < FAR_TOO_MUCH && stream.write_all(&part).is_ok() {
        written += part.len();
    }
    let _the_check_is_over = ended.send(written);
}
