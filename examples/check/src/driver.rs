//! A headless browser, through its driver and the WebDriver protocol.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use ureq::Agent;

use crate::lines::Lines;
use crate::print::say;

/// How long the driver may take to start.
const START: Duration = Duration::from_secs(30);
/// How long a script in the page may wait for what it looks for.
pub(crate) const SCRIPT: Duration = Duration::from_secs(20);
/// How long anything asked of the driver may take.
const REQUEST: Duration = Duration::from_secs(60);
/// How long a browser gets to close by itself.
const CLOSE: Duration = Duration::from_secs(10);

/// What keeps a browser without a screen, on loopback, from doing anything else.
const ARGUMENTS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    // WebGL without a graphics card.
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1120,760",
    // When the driver dies, the pipe closes, and the browser ends.
    "--remote-debugging-pipe",
];

/// Which browser, with the programs for it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Browser<'p> {
    Chromium { driver: &'p str, program: &'p str },
    Firefox { driver: &'p str, program: &'p str },
}

impl Browser<'_> {
    /// Its driver, on a port of its own choice.
    fn command(self) -> Command {
        match self {
            Self::Chromium { driver, .. } => {
                let mut command = Command::new(driver);
                command.arg("--port=0");
                command
            }
            Self::Firefox { driver, .. } => {
                let mut command = Command::new(driver);
                // Firefox's own ports, too, so that several run side by side.
                command.args(["--port=0", "--websocket-port=0"]);
                command
            }
        }
    }

    fn wishes(self) -> Value {
        match self {
            Self::Chromium { program, .. } => {
                json!({ "goog:chromeOptions": { "binary": program, "args": ARGUMENTS } })
            }
            Self::Firefox { program, .. } => json!({ "moz:firefoxOptions": {
                "binary": program,
                "args": ["-headless", "--width=1120", "--height=760"],
                // WebGL without a graphics card.
                "prefs": { "webgl.force-enabled": true, "app.update.auto": false },
            } }),
        }
    }
}

/// A browser with its driver; both end when this is dropped.
pub(crate) struct Driver {
    child: Child,
    agent: Agent,
    /// Of the session.
    address: String,
}

impl Driver {
    /// Starts both.
    pub(crate) fn start(browser: Browser<'_>) -> Result<Self, String> {
        let mut command = browser.command();
        let program = command.get_program().to_string_lossy().into_owned();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let child = command.spawn();
        let mut child = child.map_err(|error| format!("{program}: {error}"))?;
        let lines = Lines::of(child.stdout.take());
        let config = Agent::config_builder()
            .timeout_global(Some(REQUEST))
            // What went wrong is in the body of the answer.
            .http_status_as_error(false)
            .build();
        let mut driver = Self {
            child,
            agent: config.into(),
            address: String::new(),
        };
        let port = lines.find(START, port_of);
        let port = port.ok_or_else(|| format!("{program} does not say its port"))?;
        lines.forget();
        driver.open(port, &browser.wishes())?;
        Ok(driver)
    }

    fn open(&mut self, port: u16, wishes: &Value) -> Result<(), String> {
        let timeouts = json!({ "script": SCRIPT.as_millis(), "pageLoad": REQUEST.as_millis() });
        let mut wanted = json!({ "timeouts": timeouts });
        if let (Some(wanted), Some(wishes)) = (wanted.as_object_mut(), wishes.as_object()) {
            wanted.extend(wishes.clone());
        }
        let wanted = json!({ "capabilities": { "alwaysMatch": wanted } });
        let sessions = format!("http://127.0.0.1:{port}/session");
        let opened = answer(self.agent.post(&sessions).send_json(&wanted))?;
        let id = opened["sessionId"].as_str().unwrap_or_default();
        self.address = format!("{sessions}/{id}");
        Ok(())
    }

    /// Writes a picture of the tab that is in use.
    pub(crate) fn picture(&self, folder: &Path, name: &str) -> Result<(), String> {
        let picture = self.get("screenshot")?;
        let png = BASE64_STANDARD
            .decode(picture.as_str().unwrap_or_default())
            .map_err(|error| format!("the browser's picture is none: {error}"))?;
        let file = folder.join(name);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&file, png))
            .map_err(|error| format!("{}: {error}", file.display()))?;
        say!("[ci] written: {}", file.display());
        Ok(())
    }

    /// Asks for something to be done.
    pub(crate) fn post(&self, what: &str, words: &Value) -> Result<Value, String> {
        let address = format!("{}/{what}", self.address);
        answer(self.agent.post(&address).send_json(words))
    }

    /// Asks for something to be told.
    pub(crate) fn get(&self, what: &str) -> Result<Value, String> {
        answer(self.agent.get(format!("{}/{what}", self.address)).call())
    }

    /// Closes the tab that is in use.
    pub(crate) fn close_tab(&self) -> Result<Value, String> {
        answer(self.agent.delete(format!("{}/window", self.address)).call())
    }

    /// Runs a script in the tab that is in use; it answers by its last argument.
    pub(crate) fn script(&self, script: &str, arguments: &[&str]) -> Result<Value, String> {
        let words = json!({ "script": script, "args": arguments });
        self.post("execute/async", &words)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if !self.address.is_empty() {
            let request = self.agent.delete(&self.address);
            let request = request.config().timeout_global(Some(CLOSE)).build();
            let _killed_below = request.call();
        }
        let _already_gone = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `ChromeDriver was started successfully on port 1234.`, `… geckodriver INFO Listening on 127.0.0.1:1234`.
fn port_of(line: &str) -> Option<u16> {
    let line = line.trim_end_matches('.');
    let (_, port) = line
        .rsplit_once("successfully on port ")
        .or_else(|| line.rsplit_once("Listening on 127.0.0.1:"))?;
    port.parse().ok()
}

/// The value of an answer, or what is wrong in one line.
fn answer(
    response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Value, String> {
    let unreachable = |error: ureq::Error| format!("the browser's driver does not answer: {error}");
    let mut response = response.map_err(unreachable)?;
    let mut body: Value = response.body_mut().read_json().map_err(unreachable)?;
    let value = body["value"].take();
    match value["error"].as_str() {
        Some(error) => {
            let message = value["message"].as_str().unwrap_or_default();
            Err(format!(
                "{error}: {}",
                message.lines().next().unwrap_or_default()
            ))
        }
        None => Ok(value),
    }
}
