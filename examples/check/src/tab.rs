//! One tab that chats: what is done in it as a person would, and what is read off it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::chat_check::Player;
use crate::driver::{Driver, SCRIPT};

/// Lets the page note when a line came, and for the other tabs when it was closed: an answer of the driver comes later than
/// either. The clock is the machine's, which this process reads, too; that of `performance` drifts from it.
const NOTE: &str = r##"
window.cameAt = new WeakMap();
const note = (record) => record.addedNodes.forEach((line) => window.cameAt.set(line, Date.now()));
new MutationObserver((records) => records.forEach(note)).observe(document.querySelector("#log"), { childList: true });
addEventListener("pagehide", () => localStorage.setItem("closed at", Date.now()), { capture: true });
arguments[0]();
"##;

/// Waits for an element whose text begins with some words, and tells the text and when it came, as far as that was noted.
/// `undefined` times out.
const WAIT: &str = r##"
const [selector, start, done] = arguments;
const look = () => {
  const begins = (element) => start.split("\n").some((one) => element.textContent.startsWith(one));
  const found = [...document.querySelectorAll(selector)].find(begins);
  if (!found) return;
  observer.disconnect();
  done({ text: found.textContent, at: window.cameAt?.get(found) ?? Date.now() });
};
const observer = new MutationObserver(look);
observer.observe(document.documentElement,
  { childList: true, subtree: true, characterData: true, attributes: true });
look();
"##;

/// Waits until another tab has noted that it was closed, and tells when.
const CLOSED: &str = r##"
const done = arguments[0];
const look = () => {
  const at = localStorage.getItem("closed at");
  if (at) done(Number(at));
};
addEventListener("storage", look);
look();
"##;

/// What a page shows, for the report of a failure.
const SHOWN: &str = r##"
const text = (selector) => [...document.querySelectorAll(selector)].map((element) => element.textContent).join("\n");
arguments[0](`${text("#state")}\n${text("#failure strong, #failure p")}\n${text("#log li")}`);
"##;

/// When something first happened, in milliseconds since the page began to load.
const MARK: &str = r##"
const [name, done] = arguments;
done(performance.getEntriesByName(name, "mark")[0]?.startTime ?? null);
"##;

/// A tab of the browser.
pub(super) struct Tab<'a> {
    driver: &'a Driver,
    handle: String,
    /// The id that the server gave.
    pub(super) id: String,
}

impl<'a> Tab<'a> {
    /// The tab that the browser began with.
    pub(super) fn first(driver: &'a Driver) -> Result<Self, String> {
        let handle = driver.get("window")?;
        Ok(Self::new(driver, &handle))
    }

    /// One more tab.
    pub(super) fn open(driver: &'a Driver) -> Result<Self, String> {
        let opened = driver.post("window/new", &json!({ "type": "tab" }))?;
        Ok(Self::new(driver, &opened["handle"]))
    }

    fn new(driver: &'a Driver, handle: &Value) -> Self {
        Self {
            driver,
            handle: handle.as_str().unwrap_or_default().to_owned(),
            id: String::new(),
        }
    }

    /// Goes to an address.
    pub(super) fn visit(&self, address: &str) -> Result<(), String> {
        self.switch()?;
        self.driver.post("url", &json!({ "url": address }))?;
        Ok(())
    }

    /// Goes to the chat's address and waits until it is in the lobby.
    pub(super) fn join(&mut self, address: &str) -> Result<(), String> {
        self.visit(address)?;
        self.driver.script(NOTE, &[])?;
        let (_, line) = self.wait_for("id ")?;
        self.id = line.split(' ').nth(1).unwrap_or_default().to_owned();
        Ok(())
    }

    /// Waits for an element that `selector` finds and whose text begins with `start`.
    pub(super) fn wait_in(
        &self,
        selector: &str,
        start: &str,
    ) -> Result<(SystemTime, String), String> {
        self.switch()?;
        match self.driver.script(WAIT, &[selector, start]) {
            Ok(found) => {
                let text = found["text"].as_str().unwrap_or_default();
                Ok((time(&found["at"]), text.to_owned()))
            }
            Err(why) => {
                let seconds = SCRIPT.as_secs();
                let shown = self.driver.script(SHOWN, &[])?;
                let shown = shown.as_str().unwrap_or_default();
                Err(format!(
                    "a tab (id {}) did not show {start:?} within {seconds} s ({why}); it shows:\n{shown}",
                    self.id
                ))
            }
        }
    }

    /// Runs a script in it; it answers by its last argument.
    pub(super) fn ask(&self, script: &str) -> Result<Value, String> {
        self.switch()?;
        self.driver.script(script, &[])
    }

    /// When another tab was closed, as that has noted it.
    pub(super) fn closing_of_another(&self) -> Result<SystemTime, String> {
        self.switch()?;
        let at = self.driver.script(CLOSED, &[]);
        let at = at.map_err(|why| format!("a closed tab was not told so ({why})"))?;
        Ok(time(&at))
    }

    /// The milliseconds from the beginning of loading to a mark of the page.
    pub(super) fn mark(&self, name: &str) -> Result<f64, String> {
        self.switch()?;
        let mark = self.driver.script(MARK, &[name])?;
        mark.as_f64()
            .ok_or_else(|| format!("the page never was {name}"))
    }

    /// Goes to another page and comes back, which is a new visit to the lobby. `between` is done while it is away. Whether the
    /// page came out of the browser's cache, and was not loaded again.
    pub(super) fn leave_and_return(
        &mut self,
        between: impl FnOnce() -> Result<(), String>,
    ) -> Result<bool, String> {
        self.visit("about:blank")?;
        between()?;
        self.switch()?;
        self.driver.post("back", &json!({}))?;
        self.wait_in("[data-state=joined]", "")?;
        let (_, own) = self.wait_in("#own", "")?;
        if own == self.id {
            return Err(format!("a tab that came back is still {own}"));
        }
        self.id = own;
        let has_kept = "arguments[0](window.cameAt !== undefined)";
        let is_cached = self.driver.script(has_kept, &[])?;
        Ok(is_cached == true)
    }

    /// Brings it to the front.
    pub(super) fn show(&self) -> Result<(), String> {
        self.switch()
    }

    /// Closes it.
    pub(super) fn close(self) -> Result<(), String> {
        self.switch()?;
        self.driver.close_tab().map(drop)
    }

    fn switch(&self) -> Result<(), String> {
        let words = json!({ "handle": self.handle });
        self.driver.post("window", &words).map(drop)
    }
}

impl Player for Tab<'_> {
    fn id(&self) -> &str {
        &self.id
    }

    /// It goes into the field, and Enter is pressed.
    fn say(&mut self, line: &str) -> Result<(), String> {
        self.switch()?;
        let found = self.driver.post(
            "element",
            &json!({ "using": "css selector", "value": "#text" }),
        )?;
        let field = found.as_object().and_then(|found| found.values().next());
        let field = field.and_then(Value::as_str).unwrap_or_default();
        let enter = '\u{e007}';
        self.driver.post(
            &format!("element/{field}/value"),
            &json!({ "text": format!("{line}{enter}") }),
        )?;
        Ok(())
    }

    /// In the log; the page has noted when it came.
    fn wait_for(&mut self, start: &str) -> Result<(SystemTime, String), String> {
        self.wait_in("#log li", start)
    }
}

/// What a page has noted, in milliseconds.
fn time(milliseconds: &Value) -> SystemTime {
    let milliseconds = milliseconds.as_f64().unwrap_or_default();
    UNIX_EPOCH + Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default()
}
