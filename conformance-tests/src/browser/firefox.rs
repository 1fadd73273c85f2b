//! How to start Firefox.

use std::path::Path;

use super::{Hidden, Recipe};

/// Nothing that phones home, asks, or opens a page of its own. Privacy settings stay as they are, but for [`OPEN`].
const PREFERENCES: &[(&str, &str)] = &[
    ("app.normandy.enabled", "false"),
    ("app.update.enabled", "false"),
    ("browser.aboutwelcome.enabled", "false"),
    ("browser.newtabpage.enabled", "false"),
    ("browser.preonboarding.enabled", "false"),
    ("browser.rights.3.shown", "true"),
    ("browser.safebrowsing.malware.enabled", "false"),
    ("browser.safebrowsing.phishing.enabled", "false"),
    ("browser.sessionstore.resume_from_crash", "false"),
    ("browser.shell.checkDefaultBrowser", "false"),
    ("browser.startup.homepage_override.mstone", "\"ignore\""),
    ("browser.startup.page", "0"),
    ("datareporting.policy.dataSubmissionEnabled", "false"),
    ("datareporting.policy.firstRunURL", "\"\""),
    ("extensions.getAddons.cache.enabled", "false"),
    ("extensions.update.enabled", "false"),
    ("network.captive-portal-service.enabled", "false"),
    ("network.connectivity-service.enabled", "false"),
    ("network.dns.disablePrefetch", "true"),
    ("services.settings.server", "\"data:,none\""),
    ("termsofuse.bypassNotification", "true"),
    ("toolkit.startup.max_resumed_crashes", "-1"),
    ("toolkit.telemetry.enabled", "false"),
    ("toolkit.telemetry.reportingpolicy.firstRun", "false"),
    ("toolkit.telemetry.server", "\"\""),
    // The hub opens tabs without anybody's click.
    ("dom.disable_open_during_load", "false"),
    // Without a window manager nobody says that a window is in front.
    ("widget.windows.window_occlusion_tracking.enabled", "false"),
];

/// Timers of hidden pages as those of others.
const UNTHROTTLED: &[(&str, &str)] = &[
    ("dom.min_background_timeout_value", "4"),
    ("dom.timeout.enable_budget_timer_throttling", "false"),
];

/// No names in place of addresses.
const OPEN: &[(&str, &str)] = &[("media.peerconnection.ice.obfuscate_host_addresses", "false")];

pub(super) fn recipe(profile: &Path, hidden: Hidden) -> Recipe {
    let unthrottled = match hidden {
        Hidden::Throttled => &[][..],
        Hidden::Unthrottled | Hidden::Open => UNTHROTTLED,
    };
    let open = match hidden {
        Hidden::Throttled | Hidden::Unthrottled => &[][..],
        Hidden::Open => OPEN,
    };
    let preferences: String = PREFERENCES
        .iter()
        .chain(unthrottled)
        .chain(open)
        .map(|(name, value)| format!("user_pref(\"{name}\", {value});\n"))
        .collect();
    let profile = profile.display().to_string();
    let arguments = ["--headless", "--no-remote", "--profile", &profile];
    Recipe {
        variable: "FIREFOX",
        programs: &["firefox-esr", "firefox"],
        arguments: arguments.map(str::to_owned).into(),
        files: vec![("user.js", preferences)],
    }
}
