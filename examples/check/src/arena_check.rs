//! The arena between a native bot and two browsers, from joining to the end of host and server.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Options;
use crate::bot::Bot;
use crate::driver::Driver;
use crate::game::{Game, LEFT, RIGHT, here, is_without_server, logged, named, others_move, own};
use crate::print::say;
use crate::{flood, restart, tagging, trouble, window};

/// The lobby.
const LOBBY: &str = "check";
/// Where the keeper of server and page waits.
const KEEPER: &str = "keeper";
/// How long frames are measured.
const MEASURED: Duration = Duration::from_secs(8);
/// The screen of a phone.
const PHONE: (u32, u32) = (390, 844);

/// Plays. All that was started has ended when this returns.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    say!("\n[ci] the arena: a native bot and two browsers");
    let begun = Instant::now();
    let pictures = &options.pictures;
    std::fs::create_dir_all(pictures)
        .map_err(|error| format!("{}: {error}", pictures.display()))?;
    let keeper = keeper(options)?;
    let page = keeper.line("page ")?;
    let (_, url) = page.rsplit_once("&url=").ok_or("there is no page")?;
    // Percent signs of the address are read by the page alone.
    let url = &url.replace("%3A", ":").replace("%2F", "/");
    let start = page.replace(&format!("lobby={KEEPER}&"), "");
    let address = page.replace(&format!("lobby={KEEPER}"), &format!("lobby={LOBBY}"));
    say!("[ci] page: {address}");
    // It makes the lobby, and so it is the host.
    let bot = joining(options, url, "Bolt", &["--public"])?;
    bot.wait("in the lobby", |it| it["server"] == "joined")?;

    let chromium = Driver::start(options.chromium())?;
    let invited = format!("{address}&name=Ada");
    let ada = Game::open(chromium, "Chromium", &invited)?;
    let what = "in the lobby with a moving bot";
    let first = ada.wait_joined(what, || ada.visit(&invited), |it| others_move(it, 2))?;
    say!(
        "[ci] Chromium: {:.0} ms from page load to the first moving opponent",
        first["first_opponent_ms"].as_f64().unwrap_or_default()
    );
    let start = format!("{start}&name=Grace");
    let grace = second_browser(options, &start)?;
    flood::check(&grace, &start)?;
    chosen_from_the_list(options, &grace, &start)?;
    moving(&bot, &ada, &grace)?;
    chat(&bot, &ada, &grace)?;
    tagging::check(&bot, &ada, &grace)?;
    trouble::cut(&ada, &grace)?;
    trouble::server_down_and_back(&ada, &grace)?;
    window::check(options, url, LOBBY, &ada)?;
    crowd(options, url, &ada, &grace)?;
    leaving(&bot, &ada, grace)?;
    trouble::two_tabs(&ada, &bot, &address)?;
    phone(options, &ada, &bot)?;
    let other = joining(options, url, "Cog", &[])?;
    host_leaves(bot, &ada, &other)?;
    server_ends(keeper, &ada)?;
    drop(other);
    restart::check(options, &ada)?;
    say!("[ci] all of it took {:.1} s", begun.elapsed().as_secs_f32());
    Ok(())
}

/// Has the server and the page. It waits in a lobby of its own, so that it can end without leaving a game.
fn keeper(options: &Options) -> Result<Bot, String> {
    let pages = options.pages.to_string_lossy();
    let place = ["--host", "127.0.0.1:0", "--page-at", "127.0.0.1:0"];
    let arguments = ["--page", &*pages, "--lobby", KEEPER, "--name", "Keeper"];
    Bot::start(&options.arena, &[&place[..], &arguments].concat())
}

/// A bot that comes into the lobby.
fn joining(options: &Options, url: &str, name: &str, more: &[&str]) -> Result<Bot, String> {
    let arguments = ["--url", url, "--lobby", LOBBY, "--name", name];
    Bot::start(&options.arena, &[&arguments[..], more].concat())
}

/// The start screen lists the lobby, and a press on it joins.
fn chosen_from_the_list(options: &Options, grace: &Game, start: &str) -> Result<(), String> {
    let is_listed = |it: &Value| {
        let mut lobbies = it["lobbies"].as_array().into_iter().flatten();
        lobbies.any(|lobby| lobby == LOBBY)
    };
    grace.wait("showing the public lobby", is_listed)?;
    let pictures = &options.pictures;
    grace.driver().picture(pictures, "play-start.png")?;
    grace.press(LOBBY)?;
    let again = || {
        grace.visit(start)?;
        grace.press(LOBBY)
    };
    grace.wait_joined("in the lobby", again, |it| here(it).count() == 3)?;
    say!("[ci] a lobby is joined from the public list");
    Ok(())
}

/// Firefox, or one more Chromium where Firefox has no WebGL: without a graphics card that depends on the machine.
fn second_browser(options: &Options, address: &str) -> Result<Game, String> {
    let game = Game::open(Driver::start(options.firefox())?, "Firefox", address)?;
    let Some(missing) = game.missing()? else {
        return Ok(game);
    };
    if !missing.contains("WebGL") {
        return Err(format!("Firefox: {missing}"));
    }
    say!("[ci] NOT CHECKED IN FIREFOX: {missing}");
    say!("[ci] a second Chromium plays in its place");
    drop(game);
    let chromium = Driver::start(options.chromium())?;
    Game::open(chromium, "the second Chromium", address)
}

/// Each sees the others move.
fn moving(bot: &Bot, ada: &Game, grace: &Game) -> Result<(), String> {
    for game in [ada, grace] {
        game.wait("three in the lobby", |it| here(it).count() == 3)?;
        let before = own(&game.report()?)["x"].as_f64().unwrap_or_default();
        let key = if before > 800.0 { LEFT } else { RIGHT };
        game.hold_key(key, 600)?;
        let moved = |x: f64| (x - before).abs() > 60.0;
        game.wait("moved by a key", |it| {
            own(it)["x"].as_f64().is_some_and(moved)
        })?;
    }
    bot.wait("seeing both browsers move", |it| others_move(it, 3))?;
    for game in [ada, grace] {
        game.wait("seeing the others move", |it| others_move(it, 3))?;
    }
    say!("[ci] the bot and both browsers see each other move");
    Ok(())
}

fn chat(bot: &Bot, ada: &Game, grace: &Game) -> Result<(), String> {
    ada.say("hello")?;
    grace.wait("reading what Ada says", |it| logged(it, "hello"))?;
    bot.wait("reading what Ada says", |it| logged(it, "hello"))?;
    say!("[ci] what is typed in Chromium is read by the bot and in the other browser");
    Ok(())
}

/// Eight play; how long a frame takes then.
fn crowd(options: &Options, url: &str, ada: &Game, grace: &Game) -> Result<(), String> {
    let names = ["Cog", "Dynamo", "Edison", "Faraday", "Gauss"];
    let bots = names.iter().map(|name| joining(options, url, name, &[]));
    let bots = bots.collect::<Result<Vec<Bot>, String>>()?;
    ada.wait("eight in the lobby, all moving", |it| others_move(it, 8))?;
    say!(
        "[ci] eight play; 95 of 100 frames in Chromium take {:.1} ms at most",
        ada.frame_time(MEASURED)?
    );
    ada.driver().picture(&options.pictures, "play.png")?;
    grace
        .driver()
        .picture(&options.pictures, "play-second.png")?;
    bots.into_iter().try_for_each(Bot::leave)?;
    ada.wait("told that five have left", |it| here(it).count() == 3)?;
    Ok(())
}

/// A tab is closed.
fn leaving(bot: &Bot, ada: &Game, grace: Game) -> Result<(), String> {
    let id = grace.report()?["own"].clone();
    grace.driver().close_tab()?;
    drop(grace);
    let is_gone = |it: &Value| here(it).all(|player| player["id"] != id);
    ada.wait("told that Grace has left", is_gone)?;
    bot.wait("told that Grace has left", is_gone)?;
    say!("[ci] that a tab was closed is seen by the others");
    Ok(())
}

/// On the screen of a phone, with a finger.
fn phone(options: &Options, ada: &Game, bot: &Bot) -> Result<(), String> {
    let (width, height) = PHONE;
    let screen = serde_json::json!({
        "cmd": "Emulation.setDeviceMetricsOverride",
        "params": { "width": width, "height": height, "deviceScaleFactor": 2, "mobile": true },
    });
    ada.driver().post("goog/cdp/execute", &screen)?;
    let before = own(&ada.report()?)["moved"].as_f64().unwrap_or_default();
    let (x, y) = (f64::from(width / 2), f64::from(height / 2 + 60));
    ada.hold("touch", (x + 90.0, y), 500)?;
    ada.hold("touch", (x - 90.0, y), 500)?;
    ada.wait("moved by a finger", |it| {
        own(it)["moved"]
            .as_f64()
            .is_some_and(|moved| moved > before + 60.0)
    })?;
    bot.wait("still playing", |it| here(it).count() >= 2)?;
    ada.driver().picture(&options.pictures, "play-phone.png")?;
    say!("[ci] a finger moves the player on a phone's screen");
    Ok(())
}

/// The bot was host: another one leads the lobby then, and play goes on.
fn host_leaves(bot: Bot, ada: &Game, other: &Bot) -> Result<(), String> {
    ada.wait("joined by another bot", |it| named(it, "Cog").is_some())?;
    other.wait("with the others", |it| here(it).count() == 3)?;
    bot.leave()?;
    ada.wait("told who leads the lobby now", |it| {
        logged(it, "leads the lobby now")
    })?;
    ada.wait("told that the host is gone", |it| here(it).count() == 2)?;
    ada.plays_on("Cog", "playing on without the host")?;
    say!("[ci] the host has left, and the others play on");
    Ok(())
}

/// The server is killed.
fn server_ends(keeper: Bot, ada: &Game) -> Result<(), String> {
    drop(keeper);
    ada.wait("told that the server is away", is_without_server)?;
    ada.plays_on("Cog", "playing on without the server")?;
    say!("[ci] the server has ended, and the others play on");
    Ok(())
}
