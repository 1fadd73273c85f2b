//! The arena in a native window, on a screen in memory (Xvfb), where there is one.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::Options;
use crate::game::{DEADLINE, Game, LOOK, here, logged};
use crate::lines::Lines;
use crate::print::say;

/// How the arena begins a line when it cannot open a window.
const NO_WINDOW: &str = "there is no window here ";

/// Joins from a window, sees that the browser sees it, and has the window write a picture of itself.
pub(crate) fn check(options: &Options, url: &str, lobby: &str, ada: &Game) -> Result<(), String> {
    let Some((_screen, display)) = screen() else {
        say!("[ci] NOT RUN: the native window, because there is no Xvfb");
        return Ok(());
    };
    let picture = options.pictures.join("play-window.png");
    let _from_before = std::fs::remove_file(&picture);
    let mut command = Command::new(&options.arena);
    command
        .args([
            "--url",
            url,
            "--lobby",
            lobby,
            "--name",
            "Window",
            "--picture",
        ])
        .arg(&picture)
        .env("DISPLAY", display)
        .env_remove("WAYLAND_DISPLAY")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let child = command.spawn();
    let mut window = Ended(child.map_err(|error| format!("{}: {error}", options.arena.display()))?);
    // It ends when the picture is written, and its output with it.
    let lines = Lines::of(window.0.stdout.take());
    let no_window = |line: &str| line.strip_prefix(NO_WINDOW).map(str::to_owned);
    if let Some(why) = lines.find(DEADLINE, no_window) {
        say!("[ci] NOT RUN: the native window, which cannot be opened here: {why}");
        return Ok(());
    }
    let deadline = Instant::now() + DEADLINE;
    let status = loop {
        match window.0.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                return Err("the window does not end with its picture".to_owned());
            }
            None => std::thread::sleep(LOOK),
        }
    };
    if !status.success() || !picture.is_file() {
        return Err(format!(
            "the window ended with {status}, and has written no picture"
        ));
    }
    ada.wait("told of the window", |it| logged(it, "Window is here"))?;
    say!("[ci] written: {}", picture.display());
    ada.wait("told that the window has left", |it| {
        // A busy machine may take longer over the goodbye than the window waits for it.
        !here(it).any(|player| player["name"] == "Window")
    })?;
    Ok(())
}

/// A screen in memory and its name, if Xvfb is there.
fn screen() -> Option<(Ended, String)> {
    let child = Command::new("Xvfb")
        // It chooses a free display and says which.
        .args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            "1280x800x24",
            "-nolisten",
            "tcp",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut screen = Ended(child.ok()?);
    let mut line = String::new();
    BufReader::new(screen.0.stdout.take()?)
        .read_line(&mut line)
        .ok()?;
    let number = line.trim();
    (!number.is_empty()).then(|| (screen, format!(":{number}")))
}

/// A process that ends with this.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _ = self.0.wait();
    }
}
