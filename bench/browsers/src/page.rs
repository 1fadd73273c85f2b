//! The page in its browser, as the bench sees it.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use axum::extract::ws::{Message, WebSocket};
use conformance_tests::Kind;
use conformance_tests::browser::{Browser, Hidden};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;

use crate::site::Site;

/// The first start of a browser on a busy machine.
const START: Duration = Duration::from_secs(60);

/// What the page can be told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase", tag = "what")]
pub(crate) enum Order<'a> {
    Compare {
        rounds: u32,
    },
    Meet {
        url: &'a str,
        lobby: &'a str,
    },
    Tick {
        url: &'a str,
        lobby: &'a str,
        others: usize,
        messages: u32,
        coalesce: bool,
    },
    Transfer {
        url: &'a str,
        lobby: &'a str,
        bytes: usize,
    },
}

/// What the page says.
#[derive(Debug, Deserialize)]
struct Word {
    what: String,
    text: String,
}

/// A browser with the page.
pub(crate) struct Page {
    browser: Browser,
    socket: Mutex<WebSocket>,
}

impl Page {
    /// Starts the browser, and waits until the page is ready.
    pub(crate) async fn open(kind: Kind, site: &Site) -> Result<Self> {
        let browser = Browser::start(kind, Hidden::Unthrottled, site.url())?;
        let Ok(socket) = timeout(START, site.next()).await else {
            bail!("the browser opens no page: {}", browser.last_words());
        };
        let page = Self {
            browser,
            socket: Mutex::new(socket?),
        };
        let isolated = page.conversation().await.hear("ready", START).await?;
        ensure!(isolated == "true", "the page has no fine clock");
        Ok(page)
    }

    /// Processor time that the browser has used, all its processes together. `None` where the system does not say.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        self.browser.cpu()
    }

    /// Bytes of memory that the browser has now, all its processes together. `None` where the system does not say.
    pub(crate) fn memory(&self) -> Option<u64> {
        self.browser.memory()
    }

    /// Gives orders; one conversation at a time.
    pub(crate) async fn conversation(&self) -> Conversation<'_> {
        Conversation {
            browser: &self.browser,
            socket: self.socket.lock().await,
        }
    }
}

/// Orders, and what the page says to them.
pub(crate) struct Conversation<'a> {
    browser: &'a Browser,
    socket: MutexGuard<'a, WebSocket>,
}

impl Conversation<'_> {
    pub(crate) async fn order(&mut self, order: &Order<'_>) -> Result<()> {
        let order = serde_json::to_string(order)?;
        Ok(self.socket.send(Message::Text(order.into())).await?)
    }

    /// Waits so long for this word; what else was said with it.
    pub(crate) async fn hear(&mut self, what: &str, wait: Duration) -> Result<String> {
        let Ok(word) = timeout(wait, self.next()).await else {
            let words = self.browser.last_words();
            bail!("the page does not say {what:?} within {wait:?}: {words}");
        };
        let word = word?;
        ensure!(word.what == what, "the page says {word:?}");
        Ok(word.text)
    }

    async fn next(&mut self) -> Result<Word> {
        loop {
            let message = self.socket.recv().await.context("the page is gone")?;
            if let Message::Text(text) = message? {
                return Ok(serde_json::from_str(&text)?);
            }
        }
    }
}
