//! Somebody is tagged: whoever is "it" and in a browser runs after the other browser, which stands still.

use std::time::Instant;

use serde_json::Value;

use crate::bot::Bot;
use crate::game::{DEADLINE, Game, LEFT, RIGHT, here, logged, own, place};
use crate::print::say;

/// How long a way takes: units a millisecond, and some milliseconds to begin.
const SPEED: f64 = 0.36;
const BEGIN: f64 = 400.0;
/// No hunt goes on longer than this without a look at who is "it".
const LONGEST: f64 = 3000.0;

/// Waits until a browser has tagged somebody, and all know it. A bot that is "it" tags one of them by itself before.
pub(crate) fn check(bot: &Bot, ada: &Game, grace: &Game) -> Result<(), String> {
    let by_browser = |it: &Value| logged(it, "Ada tags ") || logged(it, "Grace tags ");
    let ends = [
        (ada, own(&grace.report()?)["id"].clone()),
        (grace, own(&ada.report()?)["id"].clone()),
    ];
    let deadline = Instant::now() + DEADLINE;
    while !by_browser(&ada.report()?) {
        for (hunter, prey) in &ends {
            let report = hunter.report()?;
            if report["it"] == report["own"] {
                hunt(hunter, &report, prey)?;
            }
        }
        if Instant::now() > deadline {
            let (ada, grace) = (ada.report()?, grace.report()?);
            return Err(format!("nobody was tagged; Ada: {ada}\nGrace: {grace}"));
        }
    }
    for game in [ada, grace] {
        game.wait("told of the tag", by_browser)?;
    }
    bot.wait("told of the tag", by_browser)?;
    // Two that stand on each other tag each other for ever.
    let x = |game: &Game| Ok::<_, String>(place(own(&game.report()?)).0);
    let key = if x(ada)? < 800.0 { RIGHT } else { LEFT };
    ada.hold_key(key, 700)?;
    say!("[ci] a browser has tagged somebody, and all know it");
    Ok(())
}

/// Holds the mouse where the other one stands, for as long as the way there takes.
fn hunt(hunter: &Game, report: &Value, prey: &Value) -> Result<(), String> {
    let Some(prey) = here(report).find(|player| player["id"] == *prey) else {
        return Ok(());
    };
    let ((x, y), (own_x, own_y)) = (place(prey), place(own(report)));
    let way = (x - own_x).hypot(y - own_y);
    let milliseconds = (way / SPEED + BEGIN).min(LONGEST);
    hunter.run_to((x, y), milliseconds as u64)
}
