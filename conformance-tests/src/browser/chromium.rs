//! How to start Chromium.

use std::path::Path;

use super::{Hidden, Recipe};

/// Nothing that phones home, asks, or needs a display. Privacy settings stay as they are.
const ARGUMENTS: &[&str] = &[
    "--headless",
    // The suite may run as root, in a container; it loads nothing but its own pages.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-breakpad",
    "--metrics-recording-only",
    "--password-store=basic",
    // The hub opens tabs without anybody's click.
    "--disable-popup-blocking",
];

const UNTHROTTLED: &[&str] = &[
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
];

pub(super) fn recipe(profile: &Path, hidden: Hidden) -> Recipe {
    let unthrottled = match hidden {
        Hidden::Throttled => &[][..],
        Hidden::Unthrottled | Hidden::Open => UNTHROTTLED,
    };
    let mut arguments: Vec<_> = ARGUMENTS
        .iter()
        .chain(unthrottled)
        .map(|argument| (*argument).to_owned())
        .collect();
    arguments.push(format!("--user-data-dir={}", profile.display()));
    Recipe {
        variable: "CHROMIUM",
        programs: &["chromium", "chromium-browser", "google-chrome"],
        arguments,
        files: Vec::new(),
    }
}
