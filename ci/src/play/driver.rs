//! A headless Chromium, through chromedriver and the WebDriver protocol.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

use crate::children::{Children, Process, kill_group};
use crate::run::Ending;
use crate::scratch::Scratch;

/// How long the driver may take to start.
const START: Duration = Duration::from_secs(30);
/// How long a script in the page may wait for what it looks for.
pub(super) const SCRIPT: Duration = Duration::from_secs(20);
/// How long anything asked of the driver may take.
const REQUEST: Duration = Duration::from_secs(60);
/// How long a browser gets to close by itself.
const CLOSE: Duration = Duration::from_secs(10);

/// What keeps a browser without a screen, on loopback, from doing anything else.
const ARGUMENTS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1120,760",
    // When the driver dies, the pipe closes, and the browser ends.
    "--remote-debugging-pipe",
];

/// A browser with its driver; both end when this is dropped.
pub(super) struct Driver {
    process: Process,
    agent: Agent,
    /// Of the session.
    address: String,
    /// The browser's own process, where the driver tells it.
    browser: Option<u32>,
    /// Chromium leaves files behind in its folder for temporary ones.
    _scratch: Scratch,
}

impl Driver {
    /// Starts both.
    pub(super) fn start(
        children: &Children,
        chromedriver: &str,
        chromium: &str,
    ) -> Result<Self, String> {
        let scratch = children.unless_stopped(|| Scratch::new("play"));
        let scratch = scratch.ok_or_else(|| Ending::Stopped.to_string())?;
        let scratch = scratch.map_err(|error| format!("no folder for temporary files: {error}"))?;
        let mut command = Command::new(chromedriver);
        command
            .arg("--port=0")
            .envs(scratch.variables())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = children
            .start(&mut command)
            .map_err(|ending| ending.to_string())?;
        let port = listen(&mut process.child);
        let config = Agent::config_builder()
            .timeout_global(Some(REQUEST))
            // What went wrong is in the body of the answer.
            .http_status_as_error(false)
            .build();
        let mut driver = Self {
            process,
            agent: config.into(),
            address: String::new(),
            browser: None,
            _scratch: scratch,
        };
        let port = port.recv_timeout(START);
        let port = port.map_err(|_| format!("{chromedriver} does not say its port"))?;
        driver.open(port, chromium)?;
        Ok(driver)
    }

    fn open(&mut self, port: u16, chromium: &str) -> Result<(), String> {
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "timeouts": { "script": SCRIPT.as_millis(), "pageLoad": REQUEST.as_millis() },
            "goog:chromeOptions": { "binary": chromium, "args": ARGUMENTS },
        } } });
        let sessions = format!("http://127.0.0.1:{port}/session");
        let opened = answer(self.agent.post(&sessions).send_json(&wanted))?;
        let id = opened["sessionId"].as_str().unwrap_or_default();
        let browser = opened["capabilities"]["goog:processID"].as_u64();
        self.browser = browser.and_then(|id| u32::try_from(id).ok());
        self.address = format!("{sessions}/{id}");
        Ok(())
    }

    /// Asks for something to be done.
    pub(super) fn post(&self, what: &str, words: &Value) -> Result<Value, String> {
        let address = format!("{}/{what}", self.address);
        answer(self.agent.post(&address).send_json(words))
    }

    /// Asks for something to be told.
    pub(super) fn get(&self, what: &str) -> Result<Value, String> {
        answer(self.agent.get(format!("{}/{what}", self.address)).call())
    }

    /// Closes the tab that is in use.
    pub(super) fn close_tab(&self) -> Result<Value, String> {
        answer(self.agent.delete(format!("{}/window", self.address)).call())
    }

    /// Runs a script in the tab that is in use; it answers by its last argument.
    pub(super) fn script(&self, script: &str, arguments: &[&str]) -> Result<Value, String> {
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
        self.browser.into_iter().for_each(kill_group);
        let _already_gone = self.process.child.kill();
        let _ = self.process.child.wait();
    }
}

/// The port that the driver chose, as soon as it says so; what else it says is read and forgotten.
fn listen(process: &mut Child) -> Receiver<u16> {
    let (sender, port) = mpsc::sync_channel(1);
    let output = process.stdout.take();
    thread::spawn(move || {
        let lines = output.map(|output| BufReader::new(output).lines());
        for line in lines.into_iter().flatten().map_while(Result::ok) {
            if let Some(port) = port_of(&line) {
                let _ = sender.try_send(port);
            }
        }
    });
    port
}

fn port_of(line: &str) -> Option<u16> {
    let (before, port) = line.trim_end_matches('.').rsplit_once("on port ")?;
    before.contains("started").then(|| port.parse().ok())?
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
