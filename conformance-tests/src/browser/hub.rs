//! The first page of a browser, through which the suite opens and closes the pages that are participants.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::{Browser, Hidden};
use crate::coordinator::Coordinator;
use crate::mailbox::write;
use crate::{Failure, Kind, Outcome};

/// How long a browser may take to start: its first start on a busy machine.
const START: Duration = Duration::from_secs(60);

/// How long a hub may take for an order.
const ORDER: Duration = Duration::from_secs(20);

/// Where a participant is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// In a frame of the hub, beside others.
    Frame,
    /// In a tab of its own, in front.
    Tab,
}

/// What a hub can be told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase", tag = "what")]
enum Order<'a> {
    Frame {
        page: &'a str,
    },
    Tab {
        page: &'a str,
    },
    Close {
        page: &'a str,
    },
    /// Puts an empty tab in front.
    Cover,
}

/// An order and where its answer goes.
#[derive(Debug, Serialize)]
struct Letter<'a> {
    answer: &'a str,
    #[serde(flatten)]
    order: Order<'a>,
}

/// A browser, as the suite sees it.
pub(crate) struct Hub {
    browser: Browser,
    coordinator: &'static Coordinator,
    address: String,
    orders: AtomicU64,
}

impl Hub {
    /// Starts a browser and waits until its hub is there.
    pub(crate) async fn start(kind: Kind, hidden: Hidden) -> Outcome<Self> {
        Self::of(|url| Browser::start(kind, hidden, url)).await
    }

    /// Has a browser started with the address of a hub, and waits until that is there.
    pub(crate) async fn of(start: impl FnOnce(&str) -> Outcome<Browser>) -> Outcome<Self> {
        static HUBS: AtomicU64 = AtomicU64::new(0);
        let coordinator = Coordinator::shared().await?;
        let address = format!("hub-{}", HUBS.fetch_add(1, Ordering::Relaxed));
        let url = format!("{}/page/hub.html#{address}", coordinator.url());
        let hub = Self {
            browser: start(&url)?,
            coordinator,
            address,
            orders: AtomicU64::new(0),
        };
        hub.answer(&hub.next_answer(), START).await?;
        Ok(hub)
    }

    /// Opens the participant with this address.
    pub(crate) async fn open(&self, page: &str, show: Show) -> Outcome {
        self.order(match show {
            Show::Frame => Order::Frame { page },
            Show::Tab => Order::Tab { page },
        })
        .await
    }

    /// Closes the participant with this address, as a player closes a tab.
    pub(crate) async fn close(&self, page: &str) -> Outcome {
        self.order(Order::Close { page }).await
    }

    /// Hides everything there is behind an empty tab.
    pub(crate) async fn cover(&self) -> Outcome {
        self.order(Order::Cover).await
    }

    /// Ends the browser without a goodbye.
    pub(crate) fn kill(self) {
        self.browser.kill();
    }

    async fn order(&self, order: Order<'_>) -> Outcome {
        let answer = self.next_answer();
        let letter = write(&Letter {
            answer: &answer,
            order,
        })?;
        if !self.coordinator.boxes().put_now(&self.address, letter) {
            return Err(self.failed("it reads no orders"));
        }
        self.answer(&answer, ORDER).await
    }

    fn next_answer(&self) -> String {
        let number = self.orders.fetch_add(1, Ordering::Relaxed);
        format!("{}.{number}", self.address)
    }

    async fn answer(&self, address: &str, wait: Duration) -> Outcome {
        match self.coordinator.boxes().wait(address, wait).await {
            Some(answer) if answer.is_empty() => Ok(()),
            Some(answer) => Err(self.failed(&answer)),
            None => Err(self.failed("its hub does not answer")),
        }
    }

    fn failed(&self, what: &str) -> Failure {
        let words = self.browser.last_words();
        Failure::new(format!("a browser: {what}; it has said: {words}"))
    }
}
