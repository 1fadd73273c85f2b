//! The browsers, as far as tests are run in them by wasm-bindgen's runner.

use std::time::Duration;

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

    /// A `cargo test` for wasm that takes place in this browser.
    pub(crate) fn test(
        self,
        command: CommandLine,
        toolchain: &Toolchain,
        budget: Duration,
    ) -> Result<CommandLine, String> {
        let driver = match self {
            Self::Chromium => toolchain.chromedriver(),
            Self::Firefox => toolchain.geckodriver(),
        };
        let runner = toolchain.test_runner()?.to_string_lossy();
        // The runner takes the first driver that it knows of, in an order of its own.
        let others = Self::ALL.into_iter().filter(|other| *other != self);
        let command = others.fold(command, |command, other| command.unset(other.variable()));
        Ok(command
            .env(self.variable(), driver?.to_string_lossy())
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner)
            // The runner's own clock is for the whole run, and by default one of 20 seconds.
            .env("WASM_BINDGEN_TEST_TIMEOUT", budget.as_secs().to_string()))
    }
}
