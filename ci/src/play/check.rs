//! Plays on its own, with a headless Chromium in the place of whoever would open the page, and says what it saw.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::chat::Chat;
use super::driver::Driver;
use super::tab::Tab;
use super::{Options, program};
use crate::build_web;
use crate::children::Children;
use crate::print::say;
use crate::web::Toolchain;
use crate::workspace::Workspace;

/// How soon the others have to see that a tab was closed.
const CLOSE_SEEN: Duration = Duration::from_secs(1);

/// What a peer could send to do harm: markup, and what turns the direction of text.
const HARM: &str = "<b>hello</b> from %, \u{202e}harmless";
/// How every chat shows that.
const HARMLESS: &str = "<b>hello</b> from %, \\u{202e}harmless";

/// Everything a check needs to start others.
pub(super) struct Check<'a> {
    pub(super) children: &'a Children,
    pub(super) toolchain: &'a Toolchain,
    pub(super) workspace: &'a Workspace,
    pub(super) options: &'a Options,
}

impl Check<'_> {
    /// Plays. All that was started has ended when this returns.
    pub(super) fn run(&self) -> Result<(), String> {
        let begun = Instant::now();
        let mut terminals = self.terminals()?;
        let address = page_address(&mut terminals)?;
        let driver = self.driver()?;
        say!("[ci] page: {address}");
        let mut tabs = self.tabs(&driver, &address)?;

        all_connected(&mut terminals, &tabs)?;
        if let Some(first) = tabs.first() {
            let (joined, connected) = (first.mark("joined")?, first.mark("connected")?);
            say!("[ci] from page load to joined {joined:.0} ms, to connected {connected:.0} ms");
        }
        all_talk(&mut terminals, &tabs)?;
        self.picture(tabs.first())?;
        if let Some(first) = tabs.first_mut() {
            left_and_back(first, &mut terminals)?;
        }
        if tabs.len() > 1
            && let Some(last) = tabs.pop()
        {
            close_is_seen(last, &mut terminals, &tabs)?;
        }
        failures_are_told(&driver, &address, tabs.first())?;
        for terminal in terminals.into_iter().rev() {
            let status = terminal.quit()?;
            if !status.success() {
                return Err(format!("a chat in a terminal ended with {status}"));
            }
        }
        say!("[ci] all of it took {:.1} s", begun.elapsed().as_secs_f32());
        Ok(())
    }

    /// The first serves the page and the signaling to all.
    fn terminals(&self) -> Result<Vec<Chat>, String> {
        let program = program(self.workspace);
        let folder = build_web::folder(self.workspace);
        let lobby = &*self.options.lobby;
        let folder = folder.to_string_lossy();
        let any_port = "127.0.0.1:0";
        let host = [
            "--lobby",
            lobby,
            "--host",
            any_port,
            "--page",
            &*folder,
            "--page-at",
            any_port,
        ];
        let mut terminals = vec![Chat::join(self.children, &program, &host)?];
        let address = page_address(&mut terminals)?;
        let url = address.rsplit_once("&url=").map_or("", |(_, url)| url);
        for _ in 1..self.options.terminals {
            let guest = ["--lobby", lobby, "--url", url];
            terminals.push(Chat::join(self.children, &program, &guest)?);
        }
        Ok(terminals)
    }

    fn driver(&self) -> Result<Driver, String> {
        Driver::start(
            self.children,
            self.toolchain.chromedriver()?,
            self.toolchain.chromium()?,
        )
    }

    fn tabs<'d>(&self, driver: &'d Driver, address: &str) -> Result<Vec<Tab<'d>>, String> {
        let mut tabs = vec![Tab::first(driver)?];
        for _ in 1..self.options.tabs {
            tabs.push(Tab::open(driver)?);
        }
        for tab in &mut tabs {
            tab.join(address)?;
        }
        Ok(tabs)
    }

    fn picture(&self, tab: Option<&Tab<'_>>) -> Result<(), String> {
        let Some(tab) = tab else { return Ok(()) };
        let file = self.results().join("play.png");
        let png = BASE64_STANDARD
            .decode(tab.picture()?)
            .map_err(|error| format!("the browser's picture is none: {error}"))?;
        write(&file, &png)?;
        say!("[ci] written: {}", file.display());
        Ok(())
    }

    fn results(&self) -> PathBuf {
        self.workspace.target_directory.join("ci")
    }
}

fn page_address(terminals: &mut [Chat]) -> Result<String, String> {
    let host = terminals.first_mut().ok_or("there is no terminal")?;
    let (_, line) = host.wait_for("page ")?;
    Ok(line.trim_start_matches("page ").to_owned())
}

/// Each has said of each other that it is connected.
fn all_connected(terminals: &mut [Chat], tabs: &[Tab<'_>]) -> Result<(), String> {
    let of_terminals = terminals.iter().map(|terminal| terminal.id.clone());
    let ids: Vec<String> = of_terminals
        .chain(tabs.iter().map(|tab| tab.id.clone()))
        .collect();
    for terminal in terminals.iter_mut() {
        let own = terminal.id.clone();
        for id in ids.iter().filter(|&id| *id != own) {
            terminal.wait_for(&format!("connected {id}"))?;
        }
    }
    for tab in tabs {
        for id in ids.iter().filter(|&id| *id != tab.id) {
            tab.wait_for(&format!("connected {id}"))?;
        }
        let others = (ids.len() - 1).to_string();
        tab.wait_in("#count", &others)?;
    }
    let pairs = ids.len() * (ids.len() - 1) / 2;
    let (terminals, tabs) = (terminals.len(), tabs.len());
    say!("[ci] {tabs} tabs, {terminals} terminals, {pairs} pairs: all connected");
    Ok(())
}

/// Each says a line, and every other gets it as it should look.
fn all_talk(terminals: &mut [Chat], tabs: &[Tab<'_>]) -> Result<(), String> {
    for speaker in 0..terminals.len() {
        let Some(id) = terminals.get(speaker).map(|chat| chat.id.clone()) else {
            continue;
        };
        let said = SystemTime::now();
        if let Some(chat) = terminals.get_mut(speaker) {
            chat.say(&HARM.replace('%', &id))?;
        }
        let line = format!("{id} reliable: {}", HARMLESS.replace('%', &id));
        for tab in tabs {
            let (_, seen) = tab.wait_for(&line)?;
            let took = seen.duration_since(said).unwrap_or_default().as_millis();
            let hidden = if tab.is_hidden()? { " (hidden)" } else { "" };
            say!(
                "[ci] terminal {id} to tab {}{hidden}: there after {took} ms",
                tab.id
            );
        }
        for other in terminals.iter_mut().filter(|other| other.id != id) {
            other.wait_for(&line)?;
        }
    }
    for tab in tabs {
        let id = &tab.id;
        tab.say(&HARM.replace('%', id))?;
        let line = format!("{id} reliable: {}", HARMLESS.replace('%', id));
        for terminal in terminals.iter_mut() {
            terminal.wait_for(&line)?;
        }
        for other in tabs.iter().filter(|other| other.id != *id) {
            other.wait_for(&line)?;
        }
        say!("[ci] tab {id} to all others: seen");
    }
    Ok(())
}

/// A tab goes to another page and comes back: it leaves the lobby, and joins it anew by itself.
fn left_and_back(tab: &mut Tab<'_>, terminals: &mut [Chat]) -> Result<(), String> {
    let gone = left(&tab.id);
    let is_cached = tab.leave_and_return(|| {
        let mut terminals = terminals.iter_mut();
        terminals.try_for_each(|terminal| terminal.wait_for(&gone).map(drop))
    })?;
    for terminal in terminals {
        terminal.wait_for(&format!("connected {}", tab.id))?;
    }
    let id = &tab.id;
    let how = if is_cached {
        "out of the cache"
    } else {
        "loaded again"
    };
    say!("[ci] a tab that was left and came back ({how}) is {id}, and connected");
    Ok(())
}

/// What the others say of a page that was left. It tells them, and does not wait until that has arrived, so its close may be all
/// that does.
fn left(id: &str) -> String {
    ["PageLeft", "Closed"]
        .map(|why| format!("disconnected {id}: {why}"))
        .join("\n")
}

/// Closes a tab, and measures from its own last moment to the line of each other.
fn close_is_seen(tab: Tab<'_>, terminals: &mut [Chat], tabs: &[Tab<'_>]) -> Result<(), String> {
    let id = tab.id.clone();
    let line = left(&id);
    tab.close()?;
    let mut seen = Vec::new();
    for terminal in terminals {
        let (at, _) = terminal.wait_for(&line)?;
        seen.push((format!("terminal {}", terminal.id), at));
    }
    for other in tabs {
        let (_, at) = other.wait_for(&line)?;
        seen.push((format!("tab {}", other.id), at));
    }
    let Some(witness) = tabs.first() else {
        return Ok(());
    };
    let closed = witness.closing_of_another()?;
    let took = |at: SystemTime| at.duration_since(closed).unwrap_or_default();
    let each = seen
        .iter()
        .map(|(who, at)| format!("{who} after {} ms", took(*at).as_millis()));
    let each = each.collect::<Vec<_>>().join(", ");
    say!("[ci] tab {id} was closed, and seen to be gone by {each}");
    if seen.iter().any(|(_, at)| took(*at) > CLOSE_SEEN) {
        let limit = CLOSE_SEEN.as_millis();
        return Err(format!(
            "a closed tab was not seen by all within {limit} ms: {each}"
        ));
    }
    Ok(())
}

/// What cannot work is said in the page: no server, no WebRTC.
fn failures_are_told(driver: &Driver, address: &str, tab: Option<&Tab<'_>>) -> Result<(), String> {
    let Some(tab) = tab else { return Ok(()) };
    let (page, _) = address.split_once("&url=").unwrap_or((address, ""));
    // Nobody listens on port 1.
    tab.visit(&format!("{page}&url=ws://127.0.0.1:1"))?;
    tab.wait_in("#failure-cause", "the signaling server cannot be reached")?;
    let without = json!({
        "cmd": "Page.addScriptToEvaluateOnNewDocument",
        "params": { "source": "delete window.RTCPeerConnection;" },
    });
    driver.post("goog/cdp/execute", &without)?;
    tab.visit(address)?;
    let (cause, _) = tab.wait_in("[data-state=failed] #failure-cause", "")?;
    if !cause.contains("WebRTC") {
        return Err(format!("a browser without WebRTC is told {cause:?}"));
    }
    say!("[ci] a server out of reach and a browser without WebRTC are told in the page");
    Ok(())
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), String> {
    let folder = file.parent().unwrap_or(file);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(file, bytes))
        .map_err(|error| format!("{}: {error}", file.display()))
}
