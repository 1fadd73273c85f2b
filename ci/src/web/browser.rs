//! The browsers, as far as tests are run in them by wasm-bindgen's runner.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::toolchain::Toolchain;
use crate::command::CommandLine;
use crate::tools::Tool;

/// A browser that tests are run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Browser {
    browser: Tool,
    driver: Tool,
}

const CHROMIUM: Browser = Browser {
    browser: Tool::Chromium,
    driver: Tool::Chromedriver,
};

const FIREFOX: Browser = Browser {
    browser: Tool::Firefox,
    driver: Tool::Geckodriver,
};

impl Browser {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [CHROMIUM, FIREFOX];

    /// As in the names of columns.
    pub(crate) fn name(self) -> String {
        self.browser.about().name.to_lowercase()
    }

    /// Names the driver to the runner.
    fn variable(self) -> String {
        self.driver.about().name.to_uppercase()
    }

    /// Leaves a file for the runner that says which browser the driver has to take: left alone, geckodriver takes whatever is
    /// called `firefox`, and that may be a snap.
    fn write_wishes(self, folder: &Path, binary: &str) -> io::Result<PathBuf> {
        // Tests of what is left of connections have it collect its garbage.
        let args = ["--js-flags=--expose-gc"];
        let wishes = if self == CHROMIUM {
            json!({ "goog:chromeOptions": { "binary": binary, "args": args } })
        } else {
            json!({ "moz:firefoxOptions": { "binary": binary } })
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
        let browser = toolchain.program(self.browser)?;
        let wishes = self
            .write_wishes(toolchain.target_directory(), &browser)
            .map_err(|error| format!("the driver cannot be told of its browser: {error}"))?;
        // The runner takes the first driver that it knows of, in an order of its own.
        let others = Self::ALL.into_iter().filter(|other| *other != self);
        let command = others.fold(command, |command, other| command.unset(&other.variable()));
        Ok(command
            .env(&self.variable(), toolchain.program(self.driver)?)
            .env(
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
                toolchain.test_runner()?,
            )
            .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", wishes.to_string_lossy())
            // The runner's own clock is for the whole run, and by default one of 20 seconds.
            .env("WASM_BINDGEN_TEST_TIMEOUT", budget.as_secs().to_string()))
    }
}
