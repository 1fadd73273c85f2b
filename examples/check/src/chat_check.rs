//! The chat between terminals and tabs of a headless Chromium: every kind of pair there is.

use std::iter;
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;

use crate::Options;
use crate::chat::Chat;
use crate::driver::Driver;
use crate::file;
use crate::print::say;
use crate::tab::Tab;

/// How soon the others have to see that a tab was closed.
const CLOSE_SEEN: Duration = Duration::from_secs(1);

/// What a peer could send to do harm: markup, and what turns the direction of text.
const HARM: &str = "<b>hello</b> from %, \u{202e}harmless";
/// How every chat shows that.
const HARMLESS: &str = "<b>hello</b> from %, \\u{202e}harmless";

/// Plays with two terminals and two tabs. All that was started has ended when this returns.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    say!("\n[ci] the chat in a headless Chromium and in terminals");
    let begun = Instant::now();
    let (mut terminals, address) = terminals(options)?;
    let driver = Driver::start(options.chromium())?;
    say!("[ci] page: {address}");
    let mut tabs = [Tab::first(&driver)?, Tab::open(&driver)?];
    for tab in &mut tabs {
        tab.join(&address)?;
    }
    all_connected(&mut terminals, &mut tabs)?;
    let (joined, connected) = (tabs[0].mark("joined")?, tabs[0].mark("connected")?);
    say!("[ci] from page load to joined {joined:.0} ms, to connected {connected:.0} ms");
    all_talk(&mut players(&mut terminals, &mut tabs))?;
    figures_are_shown(&tabs[0])?;
    file::goes_to_a_tab(&mut terminals[0], &tabs[0])?;
    tabs[0].show()?;
    driver.picture(&options.pictures, "chat.png")?;
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
fn terminals(options: &Options) -> Result<([Chat; 2], String), String> {
    let folder = options.pages.join("chat");
    let (folder, any_port) = (folder.to_string_lossy(), "127.0.0.1:0");
    let host = [
        "--host",
        any_port,
        "--page",
        &*folder,
        "--page-at",
        any_port,
    ];
    let mut host = Chat::join(&options.chat, &host)?;
    let (_, line) = host.wait_for("page ")?;
    let address = line.trim_start_matches("page ").to_owned();
    let url = address.rsplit_once("&url=").map_or("", |(_, url)| url);
    let guest = Chat::join(&options.chat, &["--url", url])?;
    Ok(([host, guest], address))
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

/// The list of peers says how far a peer is, and by which way.
fn figures_are_shown(tab: &Tab<'_>) -> Result<(), String> {
    let times = (1..1000).map(|time| time.to_string());
    let times = iter::once(String::from("< 1")).chain(times);
    let rows: Vec<_> = times
        .map(|time| format!("connected, {time} ms, direct"))
        .collect();
    let (_, row) = tab.wait_in("#peers li span", &rows.join("\n"))?;
    say!("[ci] a tab shows of a peer: {row}");
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
