//! Plays on its own, with a headless Chromium in the place of whoever would open the page, and says what it saw.

use std::fs;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::chat::Chat;
use super::driver::Driver;
use super::program;
use super::tab::Tab;
use crate::build_web;
use crate::children::Children;
use crate::print::say;
use crate::tools::Tool;
use crate::web::Toolchain;
use crate::workspace::Workspace;

/// How soon the others have to see that a tab was closed.
const CLOSE_SEEN: Duration = Duration::from_secs(1);

/// What a peer could send to do harm: markup, and what turns the direction of text.
const HARM: &str = "<b>hello</b> from %, \u{202e}harmless";
/// How every chat shows that.
const HARMLESS: &str = "<b>hello</b> from %, \\u{202e}harmless";

/// Everything a check needs to start others.
pub(crate) struct Check<'a> {
    pub(crate) children: &'a Children,
    pub(crate) toolchain: &'a Toolchain,
    pub(crate) workspace: &'a Workspace,
    pub(crate) lobby: &'a str,
}

impl Check<'_> {
    /// Plays with two terminals and two tabs: every kind of pair there is. All that was started has ended when this returns.
    pub(crate) fn run(&self) -> Result<(), String> {
        let begun = Instant::now();
        let (mut terminals, address) = self.terminals()?;
        let driver = Driver::start(
            self.children,
            &self.toolchain.program(Tool::Chromedriver)?,
            &self.toolchain.program(Tool::Chromium)?,
        )?;
        say!("[ci] page: {address}");
        let mut tabs = [Tab::first(&driver)?, Tab::open(&driver)?];
        for tab in &mut tabs {
            tab.join(&address)?;
        }
        all_connected(&mut terminals, &mut tabs)?;
        let (joined, connected) = (tabs[0].mark("joined")?, tabs[0].mark("connected")?);
        say!("[ci] from page load to joined {joined:.0} ms, to connected {connected:.0} ms");
        all_talk(&mut players(&mut terminals, &mut tabs))?;
        self.picture(&tabs[0])?;
        let [mut first, second] = tabs;
        left_and_back(&mut first, &mut terminals)?;
        close_is_seen(second, &mut terminals, &mut first)?;
        failures_are_told(&driver, &address, &first)?;
        for terminal in terminals.into_iter().rev() {
            let status = terminal.quit()?;
            if !status.success() {
                return Err(format!("a chat in a terminal ended with {status}"));
            }
        }
        say!("[ci] all of it took {:.1} s", begun.elapsed().as_secs_f32());
        Ok(())
    }

    /// Two, the first of which serves the page and the signaling to all; and the page's address.
    fn terminals(&self) -> Result<([Chat; 2], String), String> {
        let program = program(self.workspace);
        let folder = build_web::folder(self.workspace);
        let (folder, any_port) = (folder.to_string_lossy(), "127.0.0.1:0");
        let lobby = ["--lobby", self.lobby];
        let host = [
            "--host",
            any_port,
            "--page",
            &*folder,
            "--page-at",
            any_port,
        ];
        let mut host = Chat::join(self.children, &program, &[&lobby[..], &host].concat())?;
        let (_, line) = host.wait_for("page ")?;
        let address = line.trim_start_matches("page ").to_owned();
        let url = address.rsplit_once("&url=").map_or("", |(_, url)| url);
        let guest = [&lobby[..], &["--url", url]].concat();
        let guest = Chat::join(self.children, &program, &guest)?;
        Ok(([host, guest], address))
    }

    fn picture(&self, tab: &Tab<'_>) -> Result<(), String> {
        let folder = self.workspace.target_directory.join("ci");
        let file = folder.join("play.png");
        let png = BASE64_STANDARD
            .decode(tab.picture()?)
            .map_err(|error| format!("the browser's picture is none: {error}"))?;
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&file, png))
            .map_err(|error| format!("{}: {error}", file.display()))?;
        say!("[ci] written: {}", file.display());
        Ok(())
    }
}

/// Who chats: a terminal or a tab.
pub(super) trait Player {
    /// The id that the server gave.
    fn id(&self) -> &str;

    /// Types a line.
    fn say(&mut self, line: &str) -> Result<(), String>;

    /// Waits for a line with this beginning, or with one of several, a line each. It may have come already; says when it came.
    fn wait_for(&mut self, start: &str) -> Result<(SystemTime, String), String>;
}

/// Everybody.
fn players<'p>(terminals: &'p mut [Chat], tabs: &'p mut [Tab<'_>]) -> Vec<&'p mut dyn Player> {
    let terminals = terminals.iter_mut().map(|it| it as &mut dyn Player);
    let tabs = tabs.iter_mut().map(|it| it as &mut dyn Player);
    terminals.chain(tabs).collect()
}

/// Each has said of each other that it is connected.
fn all_connected(terminals: &mut [Chat], tabs: &mut [Tab<'_>]) -> Result<(), String> {
    let mut players = players(terminals, tabs);
    let ids: Vec<String> = players
        .iter()
        .map(|player| player.id().to_owned())
        .collect();
    for (at, player) in players.iter_mut().enumerate() {
        for (_, id) in ids.iter().enumerate().filter(|(other, _)| *other != at) {
            player.wait_for(&format!("connected {id}"))?;
        }
    }
    for tab in tabs {
        tab.wait_in("#count", &(ids.len() - 1).to_string())?;
    }
    say!(
        "[ci] {} in two terminals and two tabs: all connected",
        ids.join(", ")
    );
    Ok(())
}

/// Each says a line, and every other gets it as it should look.
fn all_talk(players: &mut [&mut dyn Player]) -> Result<(), String> {
    for speaker in 0..players.len() {
        let id = players[speaker].id().to_owned();
        let said = SystemTime::now();
        players[speaker].say(&HARM.replace('%', &id))?;
        let line = format!("{id} reliable: {}", HARMLESS.replace('%', &id));
        for (at, other) in players.iter_mut().enumerate() {
            if at != speaker {
                let (seen, _) = other.wait_for(&line)?;
                let took = seen.duration_since(said).unwrap_or_default().as_millis();
                say!("[ci] {id} to {}: there after {took} ms", other.id());
            }
        }
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
fn close_is_seen(
    tab: Tab<'_>,
    terminals: &mut [Chat],
    witness: &mut Tab<'_>,
) -> Result<(), String> {
    let id = tab.id.clone();
    let line = left(&id);
    tab.close()?;
    let mut seen = Vec::new();
    for other in players(terminals, std::slice::from_mut(witness)) {
        let (at, _) = other.wait_for(&line)?;
        seen.push((other.id().to_owned(), at));
    }
    let closed = witness.closing_of_another()?;
    for (who, at) in seen {
        let took = at.duration_since(closed).unwrap_or_default().as_millis();
        say!("[ci] tab {id} was closed, and seen to be gone by {who} after {took} ms");
        if took > CLOSE_SEEN.as_millis() {
            return Err(format!(
                "{who} saw only after {took} ms that a tab was closed"
            ));
        }
    }
    Ok(())
}

/// What cannot work is said in the page: no server, no WebRTC.
fn failures_are_told(driver: &Driver, address: &str, tab: &Tab<'_>) -> Result<(), String> {
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
    let (_, cause) = tab.wait_in("[data-state=failed] #failure-cause", "")?;
    if !cause.contains("WebRTC") {
        return Err(format!("a browser without WebRTC is told {cause:?}"));
    }
    say!("[ci] a server out of reach and a browser without WebRTC are told in the page");
    Ok(())
}
