//! The arena between a native bot and two browsers, and what becomes of it when somebody leaves, the network is cut or the server
//! ends.

use std::time::Instant;

use serde_json::Value;

use crate::Options;
use crate::bot::Bot;
use crate::driver::Driver;
use crate::game::{ENTER, Game, LEFT, RIGHT, here, logged, others_move, own};
use crate::print::say;
use crate::window;

/// The lobby.
const LOBBY: &str = "check";
/// The screen of a phone.
const PHONE: (u32, u32) = (390, 844);

/// Plays. All that was started has ended when this returns.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    say!("\n[ci] the arena: a native bot and two browsers");
    let begun = Instant::now();
    let pictures = &options.pictures;
    std::fs::create_dir_all(pictures)
        .map_err(|error| format!("{}: {error}", pictures.display()))?;
    let pages = options.pages.to_string_lossy();
    let arguments = [
        "--host",
        "127.0.0.1:0",
        "--page",
        &*pages,
        "--page-at",
        "127.0.0.1:0",
    ];
    let bot = Bot::start(
        &options.arena,
        &[&arguments[..], &["--lobby", LOBBY, "--name", "Bolt"]].concat(),
    )?;
    let address = bot.line("page ")?;
    let url = address.rsplit_once("&url=").map_or("", |(_, url)| url);
    say!("[ci] page: {address}");

    let chromium = Driver::start(options.chromium())?;
    let ada = Game::open(chromium, "Chromium", &format!("{address}&name=Ada"))?;
    let first = ada.wait("in the lobby with a moving bot", |it| others_move(it, 2))?;
    say!(
        "[ci] Chromium: {:.0} ms from page load to the first moving opponent",
        first["first_opponent_ms"].as_f64().unwrap_or_default()
    );
    let grace = second_browser(options, &format!("{address}&name=Grace"))?;
    grace.wait("in the lobby", |it| here(it).count() == 3)?;
    moving(&bot, &ada, &grace)?;
    chat(&bot, &ada, &grace)?;
    window::check(options, url, LOBBY, &ada)?;
    crowd(options, url, &ada, &grace)?;
    leaving(&bot, &ada, grace)?;
    phone(options, &ada, &bot)?;
    host_and_server_end(options, bot, &ada, url)?;
    say!("[ci] all of it took {:.1} s", begun.elapsed().as_secs_f32());
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
    ada.type_keys(&format!("{ENTER}hello"))?;
    ada.type_keys(ENTER)?;
    grace.wait("reading what Ada says", |it| logged(it, "hello"))?;
    bot.wait("reading what Ada says", |it| logged(it, "hello"))?;
    say!("[ci] what is typed in Chromium is read by the bot and in the other browser");
    Ok(())
}

/// Eight play; how long a frame takes then.
fn crowd(options: &Options, url: &str, ada: &Game, grace: &Game) -> Result<(), String> {
    let names = ["Cog", "Dynamo", "Edison", "Faraday", "Gauss"];
    let bots: Result<Vec<Bot>, String> = names
        .iter()
        .map(|name| {
            Bot::start(
                &options.arena,
                &["--url", url, "--lobby", LOBBY, "--name", name],
            )
        })
        .collect();
    let bots = bots?;
    let report = ada.wait("eight in the lobby, all moving", |it| others_move(it, 8))?;
    say!(
        "[ci] eight play; 95 of 100 frames in Chromium take {:.1} ms at most",
        report["frame_p95_ms"].as_f64().unwrap_or_default()
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
    ada.hold("touch", (width / 2 + 90, height / 2 + 60), 500)?;
    ada.hold("touch", (width / 2 - 90, height / 2 + 60), 500)?;
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

/// The bot was host, and the server was in its process: both end, and the others play on.
fn host_and_server_end(options: &Options, bot: Bot, ada: &Game, url: &str) -> Result<(), String> {
    let other = Bot::start(
        &options.arena,
        &["--url", url, "--lobby", LOBBY, "--name", "Cog"],
    )?;
    ada.wait("joined by another bot", |it| {
        here(it).any(|player| player["name"] == "Cog")
    })?;
    other.wait("with the others", |it| here(it).count() == 3)?;
    drop(bot);
    ada.wait("told that the server is away", |it| {
        it["server"] == "away" || it["server"] == "lost"
    })?;
    ada.wait("told that the host is gone", |it| here(it).count() == 2)?;
    let seen = |it: &Value| {
        let cog = here(it).find(|player| player["name"] == "Cog");
        cog.and_then(|cog| cog["moved"].as_f64())
            .unwrap_or_default()
    };
    let moved = seen(&ada.report()?);
    ada.wait("playing on without host and server", |it| {
        seen(it) > moved + 300.0
    })?;
    say!("[ci] host and server have ended, and the others play on");
    Ok(())
}
