//! The browsers, as far as tests are run in them by wasm-bindgen's runner.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::toolchain::Toolchain;
use crate::command::CommandLine;

/// A browser that tests are run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Browser {
    Chromium,
    Firefox,
}

impl Browser {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Chromium, Self::Firefox];

    /// As in the names of columns.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
        }
    }

    /// The variable that names its driver to the runner.
    fn variable(self) -> &'static str {
        match self {
            Self::Chromium => "CHROMEDRIVER",
            Self::Firefox => "GECKODRIVER",
        }
    }

    /// Leaves a file for the runner that says which browser the driver has to take: left alone, geckodriver takes whatever is
    /// called `firefox`, and that may be a snap.
    fn write_wishes(self, folder: &Path, browser: &Path) -> io::Result<PathBuf> {
        let binary = browser.to_string_lossy();
        let wishes = match self {
            // Tests of what is left of connections have it collect its garbage.
            Self::Chromium => json!({
                "goog:chromeOptions": { "binary": binary, "args": ["--js-flags=--expose-gc"] }
            }),
            Self::Firefox => json!({ "moz:firefoxOptions": { "binary": binary } }),
        };
        let file = folder.join(format!("webdriver-{}.json", self.name()));
        fs::create_dir_all(folder)?;
        fs::write(&file, wishes.to_string())?;
        Ok(file)
    }

    /// A `cargo test` for wasm that takes place in this browser.
    pub(crate) fn test(
        self,
        command: CommandLine,
        toolchain: &Toolchain,
        budget: Duration,
    ) -> Result<CommandLine, String> {
        let (driver, browser) = match self {
            Self::Chromium => (toolchain.chromedriver(), toolchain.chromium()),
            Self::Firefox => (toolchain.geckodriver(), toolchain.firefox()),
        };
        let wishes = self
            .write_wishes(toolchain.target_directory(), browser?)
            .map_err(|error| format!("the driver cannot be told of its browser: {error}"))?;
        let runner = toolchain.test_runner()?.to_string_lossy();
        // The runner takes the first driver that it knows of, in an order of its own.
        let others = Self::ALL.into_iter().filter(|other| *other != self);
        let command = others.fold(command, |command, other| command.unset(other.variable()));
        Ok(command
            .env(self.variable(), driver?.to_string_lossy())
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner)
            .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", wishes.to_string_lossy())
            // The runner's own clock is for the whole run, and by default one of 20 seconds.
            .env("WASM_BINDGEN_TEST_TIMEOUT", budget.as_secs().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_is_told_of_the_browser_that_was_found() {
        let folder = std::env::temp_dir().join(format!("ci-wishes-{}", std::process::id()));
        let browser = Path::new("/usr/bin/firefox-esr");
        let file = Browser::Firefox.write_wishes(&folder, browser).unwrap();
        assert_eq!(
            fs::read_to_string(file).unwrap(),
            r#"{"moz:firefoxOptions":{"binary":"/usr/bin/firefox-esr"}}"#
        );
        fs::remove_dir_all(folder).unwrap();
    }
}
