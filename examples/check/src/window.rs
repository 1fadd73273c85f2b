//! The arena in a native window, on a screen in memory (Xvfb), where there is one.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
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
    let mut command = window(options, &display, &picture);
    command.args(["--url", url, "--lobby", lobby, "--name", "Window"]);
    let (no_window, status) = run(command)?;
    if let Some(why) = no_window {
        say!("[ci] NOT RUN: the native window, which cannot be opened here: {why}");
        return Ok(());
    }
    without_a_library(options, &display)?;
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

/// The arena in a window that writes a picture and ends with it.
fn window(options: &Options, display: &str, picture: &Path) -> Command {
    let mut command = Command::new(&options.arena);
    command
        .arg("--picture")
        .arg(picture)
        .env("DISPLAY", display)
        .env_remove("WAYLAND_DISPLAY");
    command
}

/// Why it has opened no window, if it has not; and how it ended.
fn run(mut command: Command) -> Result<(Option<String>, ExitStatus), String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let child = command.spawn();
    let program = command.get_program().to_string_lossy();
    let mut window = Ended(child.map_err(|error| format!("{program}: {error}"))?);
    // It ends when the picture is written, and its output with it.
    let lines = Lines::of(window.0.stdout.take());
    let no_window = |line: &str| line.strip_prefix(NO_WINDOW).map(str::to_owned);
    let no_window = lines.find(DEADLINE, no_window);
    let deadline = Instant::now() + DEADLINE;
    loop {
        match window.0.try_wait().map_err(|error| error.to_string())? {
            Some(status) => return Ok((no_window, status)),
            None if Instant::now() > deadline => {
                return Err("the window does not end with its picture".to_owned());
            }
            None => std::thread::sleep(LOOK),
        }
    }
}

/// Where a library is missing that a window loads, a sentence says what to install, and nothing crashes.
fn without_a_library(options: &Options, display: &str) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("a folder without libraries: {error}");
    let name = format!("examples-check-libraries-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).map_err(cannot)?;
    // The loader finds these first, and they are no libraries.
    for library in ["libxkbcommon-x11.so.0", "libxkbcommon-x11.so"] {
        std::fs::write(folder.join(library), "no library").map_err(cannot)?;
    }
    let mut command = window(options, display, &folder.join("picture.png"));
    command
        .env("LD_LIBRARY_PATH", &folder)
        .stderr(Stdio::null());
    let ended = run(command);
    std::fs::remove_dir_all(&folder).map_err(cannot)?;
    let (no_window, status) = ended?;
    let why = no_window.unwrap_or_default();
    // A crash ends with 101 or a signal.
    if status.code() == Some(1) && why.contains("libxkbcommon-x11") {
        say!("[ci] a library that is missing is named instead of a window");
        return Ok(());
    }
    Err(format!(
        "without a library of the window's the arena ended with {status}, and said {why:?}"
    ))
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
