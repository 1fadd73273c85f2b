//! What goes wrong in the arena of a browser, made by the switches that a player has: a cut network, a server out of reach, a tab
//! that is hidden.

use serde_json::{Value, json};

use crate::bot::Bot;
use crate::game::{DEADLINE, DOWN, Game, UP, here, logged, named, own};
use crate::print::say;

/// A cut is seen after two or three of its five seconds. A machine that is too busy for that gets some more cuts.
const CUTS: u32 = 4;

/// The network of a browser is cut for five seconds, and comes back.
pub(crate) fn cut(ada: &Game, grace: &Game) -> Result<(), String> {
    ada.press("Network")?;
    // A busy machine may have stood still before.
    let silences = |it: &Value, name: &str| {
        let silence = format!("{name} does not answer");
        let lines = it["log"].as_array().into_iter().flatten();
        lines.filter(|line| **line == silence).count()
    };
    for _ in 0..CUTS {
        let ends = [(ada, "Grace"), (grace, "Ada")];
        let before = [ada.report()?, grace.report()?];
        ada.press("Cut the network")?;
        let mut are_told = true;
        for ((game, other), before) in ends.into_iter().zip(&before) {
            let before = silences(before, other);
            let told = game.wait_for(DEADLINE / 5, |it| silences(it, other) > before)?;
            are_told &= told.is_some();
        }
        for (game, other) in ends {
            game.wait("in touch again", |it| named(it, other).is_some())?;
        }
        if !are_told {
            continue;
        }
        // A machine that stands still for long has lost her meanwhile, and she comes anew.
        grace.wait("told that Ada is back", |it| {
            logged(it, "Ada is back") || logged(it, "Ada is here")
        })?;
        say!("[ci] a network that is cut for 5 s is seen by both sides, and play goes on after it");
        return Ok(());
    }
    Err("nobody has noticed that the network was cut".to_owned())
}

/// The server is out of reach of a browser, play goes on, and it comes back to the server.
pub(crate) fn server_down_and_back(ada: &Game, grace: &Game) -> Result<(), String> {
    ada.flip("no server", |it| it["unplugged"] == true)?;
    ada.wait("told that the server is away", |it| it["server"] == "away")?;
    let y = |it: &Value| named(it, "Ada").and_then(|it| it["y"].as_f64());
    let before = y(&grace.report()?).unwrap_or_default();
    ada.hold_key(if before > 450.0 { UP } else { DOWN }, 600)?;
    grace.wait("seeing Ada move without a server", |it| {
        y(it).is_some_and(|y| (y - before).abs() > 60.0)
    })?;
    ada.flip("no server", |it| it["unplugged"] == false)?;
    ada.wait("with the server again", |it| it["server"] == "joined")?;
    // Closes the panel.
    ada.press("Network")?;
    say!("[ci] play goes on while a browser has no server, and the browser comes back to it");
    Ok(())
}

/// A second tab plays beside the first one. Then the first one is hidden, and stays in touch.
pub(crate) fn two_tabs(ada: &Game, bot: &Bot, address: &str) -> Result<(), String> {
    let driver = ada.driver();
    let first = driver.get("window")?;
    let opened = driver.post("window/new", &json!({ "type": "tab" }))?;
    let into = |handle: &Value| {
        driver
            .post("window", &json!({ "handle": handle }))
            .map(drop)
    };
    into(&opened["handle"])?;
    let invited = format!("{address}&name=Hopper");
    ada.visit(&invited)?;
    // A tab that has no focus takes no keys.
    tell(ada, "Page.bringToFront", json!({}))?;
    ada.until("in front", "document.hasFocus()")?;
    let what = "with the first tab and the bot";
    ada.wait_joined(
        what,
        || ada.visit(&invited),
        |it| named(it, "Ada").is_some() && here(it).count() == 3,
    )?;
    ada.say("can you hear me")?;
    let heard = |it: &Value| logged(it, "can you hear me");
    bot.wait("reading what the second tab says", heard)?;
    into(&first)?;
    ada.wait("reading what the second tab says", heard)?;
    hidden(ada, bot)?;
    into(&opened["handle"])?;
    driver.close_tab()?;
    into(&first)?;
    ada.wait("told that the second tab has left", |it| {
        here(it).count() == 2 && named(it, "Bolt").is_some()
    })?;
    say!("[ci] two tabs and a bot play; a tab that is hidden stays in touch");
    Ok(())
}

/// An empty tab covers the one that is in use for a while.
fn hidden(ada: &Game, bot: &Bot) -> Result<(), String> {
    let id = own(&ada.report()?)["id"].clone();
    // A tab that the driver opens hides none.
    let cover = tell(ada, "Target.createTarget", json!({ "url": "about:blank" }))?;
    ada.until("hidden", "document.hidden")?;
    // The bot reports four times a second.
    let mut reports = 0;
    bot.wait("in touch with a hidden tab", |it| {
        let mut players = it["players"].as_array().into_iter().flatten();
        let is_there = players.any(|it| it["id"] == id && it["presence"] != "gone");
        reports = if is_there { reports + 1 } else { 0 };
        reports > 12 && here(it).any(|player| player["id"] == id)
    })?;
    tell(
        ada,
        "Target.closeTarget",
        json!({ "targetId": cover["targetId"] }),
    )?;
    tell(ada, "Page.bringToFront", json!({}))?;
    ada.until("shown again", "!document.hidden")?;
    let after = ada.wait("in touch after it was hidden", |it| {
        named(it, "Bolt").is_some()
    })?;
    if own(&after)["id"] != id {
        return Err("a tab that was hidden has become another player".to_owned());
    }
    Ok(())
}

/// Asks Chromium for what the WebDriver protocol has no word for.
fn tell(game: &Game, what: &str, of: Value) -> Result<Value, String> {
    let words = json!({ "cmd": what, "params": of });
    game.driver().post("goog/cdp/execute", &words)
}
