//! The arena in a browser: what is done in it as a person would, and what its report says.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::driver::Driver;

/// How long anything in the game may take. It is for busy machines: a tag takes seconds.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// How often what a busy machine may spoil is tried.
const TRIES: u32 = 5;
/// Between two looks at a report.
pub(crate) const LOOK: Duration = Duration::from_millis(100);
/// Keys of the WebDriver protocol.
pub(crate) const RIGHT: &str = "\u{e014}";
pub(crate) const LEFT: &str = "\u{e012}";
pub(crate) const UP: &str = "\u{e013}";
pub(crate) const DOWN: &str = "\u{e015}";
const BACKSPACE: &str = "\u{e003}";
pub(crate) const ENTER: &str = "\u{e007}";

/// A browser with the arena.
pub(crate) struct Game {
    driver: Driver,
    /// For messages.
    name: &'static str,
}

impl Game {
    /// Opens the page.
    pub(crate) fn open(driver: Driver, name: &'static str, address: &str) -> Result<Self, String> {
        let game = Self { driver, name };
        game.visit(address)?;
        Ok(game)
    }

    /// Goes to an address.
    pub(crate) fn visit(&self, address: &str) -> Result<(), String> {
        self.driver
            .post("url", &json!({ "url": address }))
            .map(drop)
    }

    pub(crate) const fn driver(&self) -> &Driver {
        &self.driver
    }

    /// The latest report of the page.
    pub(crate) fn report(&self) -> Result<Value, String> {
        // Until the game has begun, that is the canvas of this name.
        let script = "window.arenaIsWatched = true;
            const it = window.arena; arguments[0](typeof it === 'string' ? it : '{}')";
        let text = self.driver.script(script, &[])?;
        serde_json::from_str(text.as_str().unwrap_or_default()).map_err(|error| error.to_string())
    }

    /// Waits until the game has begun, or the page has said what is missing for it.
    pub(crate) fn missing(&self) -> Result<Option<String>, String> {
        let deadline = Instant::now() + DEADLINE;
        let script = "const it = document.querySelector('#failure:not([hidden]) p');
            arguments[0](it?.textContent ?? null)";
        while Instant::now() < deadline {
            if !self.report()?["screen"].is_null() {
                return Ok(None);
            }
            if let Some(missing) = self.driver.script(script, &[])?.as_str() {
                return Ok(Some(missing.to_owned()));
            }
            std::thread::sleep(LOOK);
        }
        Err(format!("{}: the game has not begun", self.name))
    }

    /// Waits until the report says so.
    pub(crate) fn wait(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value, String> {
        if let Some(report) = self.wait_for(DEADLINE, is_so)? {
            return Ok(report);
        }
        let script = "arguments[0](document.body.innerText)";
        let (name, report) = (self.name, self.report()?);
        let shown = self.driver.script(script, &[])?;
        Err(format!(
            "{name}: not {what}; the report: {report}; the page: {shown}"
        ))
    }

    /// Waits until the report says so, and does it `again` if the start screen says instead why one could not join: a page that was
    /// too busy to join in time is refused.
    pub(crate) fn wait_joined(
        &self,
        what: &str,
        again: impl Fn() -> Result<(), String>,
        is_so: impl Fn(&Value) -> bool,
    ) -> Result<Value, String> {
        for _ in 1..TRIES {
            let report = self.wait(what, |it| is_so(it) || it["error"].is_string())?;
            if is_so(&report) {
                return Ok(report);
            }
            again()?;
        }
        self.wait(what, is_so)
    }

    /// Waits for so long until the report says so; `None` if it does not.
    pub(crate) fn wait_for(
        &self,
        span: Duration,
        is_so: impl Fn(&Value) -> bool,
    ) -> Result<Option<Value>, String> {
        let deadline = Instant::now() + span;
        loop {
            let report = self.report()?;
            if is_so(&report) {
                return Ok(Some(report));
            }
            if Instant::now() > deadline {
                return Ok(None);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until an expression is true in the page.
    pub(crate) fn until(&self, what: &str, expression: &str) -> Result<(), String> {
        let deadline = Instant::now() + DEADLINE;
        let script = format!("arguments[0]({expression})");
        while self.driver.script(&script, &[])? != true {
            if Instant::now() > deadline {
                return Err(format!("{}: not {what}", self.name));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Lets the game alone for a while: to report takes time that a player's game does not lose. Then, how long its frames were.
    pub(crate) fn frame_time(&self, span: Duration) -> Result<f64, String> {
        let script = "window.arena = undefined; window.arenaIsWatched = false; arguments[0]()";
        self.driver.script(script, &[])?;
        std::thread::sleep(span);
        let report = self.wait("reporting again", |it| !it["frame_p95_ms"].is_null())?;
        Ok(report["frame_p95_ms"].as_f64().unwrap_or_default())
    }

    /// Waits until somebody has moved on.
    pub(crate) fn plays_on(&self, name: &str, what: &str) -> Result<(), String> {
        let seen = |it: &Value| {
            let moved = named(it, name).and_then(|it| it["moved"].as_f64());
            moved.unwrap_or_default()
        };
        let moved = seen(&self.report()?);
        self.wait(what, |it| seen(it) > moved + 300.0).map(drop)
    }

    /// Presses what has these words.
    pub(crate) fn press(&self, words: &str) -> Result<(), String> {
        let what = format!("showing {words:?}");
        let report = self.wait(&what, |it| it["marks"][words].is_array())?;
        let at = &report["marks"][words];
        self.hold("mouse", pair(at), 100)
    }

    /// Flips a switch that has these words, until the report says so.
    pub(crate) fn flip(
        &self,
        words: &str,
        is_flipped: impl Fn(&Value) -> bool,
    ) -> Result<(), String> {
        for _ in 1..TRIES {
            self.press(words)?;
            if self.wait_for(DEADLINE / 10, &is_flipped)?.is_some() {
                return Ok(());
            }
            // On a busy machine a browser loses a press now and then.
        }
        self.press(words)?;
        self.wait(&format!("with {words:?} flipped"), is_flipped)
            .map(drop)
    }

    /// Says something in the chat.
    pub(crate) fn say(&self, text: &str) -> Result<(), String> {
        self.type_keys(ENTER)?;
        // What is typed before the field takes keys is lost.
        self.wait("taking what is typed", |it| {
            it["marks"]["Say something"].is_array()
        })?;
        for _ in 0..TRIES {
            self.type_keys(text)?;
            if self
                .wait_for(DEADLINE / 10, |it| it["draft"] == text)?
                .is_some()
            {
                return self.type_keys(ENTER);
            }
            // On a busy machine a browser loses a key now and then.
            let typed = self.report()?["draft"].clone();
            let typed = typed.as_str().unwrap_or_default().chars().count();
            self.type_keys(&BACKSPACE.repeat(typed))?;
        }
        Err(format!(
            "{} does not take {text:?} as it is typed",
            self.name
        ))
    }

    /// Holds the mouse for a while where a place of the arena is on the screen.
    pub(crate) fn run_to(&self, (x, y): (f64, f64), milliseconds: u64) -> Result<(), String> {
        let view = self.report()?["view"].clone();
        let [left, top, scale] = [0, 1, 2].map(|at| view[at].as_f64().unwrap_or_default());
        let at = (left + x * scale, top + y * scale);
        self.hold("mouse", at, milliseconds)
    }

    /// Presses keys, one after the other.
    pub(crate) fn type_keys(&self, keys: &str) -> Result<(), String> {
        let down = |key: char, kind: &str| json!({ "type": kind, "value": key.to_string() });
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                [
                    down(key, "keyDown"),
                    pause(30),
                    down(key, "keyUp"),
                    pause(30),
                ]
            })
            .collect();
        self.act(&json!({ "type": "key", "id": "keys", "actions": actions }))
    }

    /// Holds a key for a while.
    pub(crate) fn hold_key(&self, key: &str, milliseconds: u64) -> Result<(), String> {
        let actions = [
            json!({ "type": "keyDown", "value": key }),
            pause(milliseconds),
            json!({ "type": "keyUp", "value": key }),
        ];
        self.act(&json!({ "type": "key", "id": "keys", "actions": actions }))
    }

    /// Holds the mouse or a finger somewhere for a while.
    pub(crate) fn hold(
        &self,
        pointer: &str,
        at: (f64, f64),
        milliseconds: u64,
    ) -> Result<(), String> {
        let actions = [
            json!({ "type": "pointerMove", "duration": 0, "x": at.0.round() as i64, "y": at.1.round() as i64 }),
            json!({ "type": "pointerDown", "button": 0 }),
            pause(milliseconds),
            json!({ "type": "pointerUp", "button": 0 }),
        ];
        let parameters = json!({ "pointerType": pointer });
        self.act(&json!({
            "type": "pointer", "id": pointer, "parameters": parameters, "actions": actions,
        }))
    }

    fn act(&self, source: &Value) -> Result<(), String> {
        self.driver
            .post("actions", &json!({ "actions": [source] }))
            .map(drop)
    }
}

fn pause(milliseconds: u64) -> Value {
    json!({ "type": "pause", "duration": milliseconds })
}

/// The players of a report that are there.
pub(crate) fn here(report: &Value) -> impl Iterator<Item = &Value> {
    let players = report["players"].as_array().into_iter().flatten();
    players.filter(|player| player["presence"] == "here")
}

/// Whether so many are there, and all others but `own` were seen to move.
pub(crate) fn others_move(report: &Value, count: usize) -> bool {
    let moves = |player: &Value| player["moved"].as_f64().unwrap_or_default() > 40.0;
    here(report).count() == count
        && here(report).all(|player| player["id"] == report["own"] || moves(player))
}

/// Whether the server is out of reach, or gone for good.
pub(crate) fn is_without_server(report: &Value) -> bool {
    report["server"] == "away" || report["server"] == "lost"
}

/// Whether a line of the log contains this.
pub(crate) fn logged(report: &Value, text: &str) -> bool {
    let lines = report["log"].as_array().into_iter().flatten();
    lines
        .filter_map(Value::as_str)
        .any(|line| line.contains(text))
}

/// A player that is there and has this name.
pub(crate) fn named<'r>(report: &'r Value, name: &str) -> Option<&'r Value> {
    here(report).find(|player| player["name"] == name)
}

/// Where a player is.
pub(crate) fn place(player: &Value) -> (f64, f64) {
    let along = |axis: &str| player[axis].as_f64().unwrap_or_default();
    (along("x"), along("y"))
}

fn pair(at: &Value) -> (f64, f64) {
    let along = |axis: usize| at[axis].as_f64().unwrap_or_default();
    (along(0), along(1))
}

/// Our own player.
pub(crate) fn own(report: &Value) -> &Value {
    let own = here(report).find(|player| player["id"] == report["own"]);
    own.unwrap_or(&Value::Null)
}
