//! `cargo deny`: licences, versions that are there twice, where crates come from, and advisories (`deny.toml`).

use std::time::Duration;

use crate::command::CommandLine;
use crate::outcome::Outcome;
use crate::run::Runner;
use crate::stage::Stage;

const BUDGET: Duration = Duration::from_secs(120);

/// Runs what this machine can. What it cannot is said in a line and is no failure: the public workflow runs all of it.
pub(crate) fn run(runner: &Runner) -> Vec<Outcome> {
    let deny = |words: &[&str]| CommandLine::cargo(&["deny", "--log-level=error"]).args(words);
    let elsewhere = "the public workflow runs it";
    let not_run = |name: &str, why| Outcome::not_run(name, &format!("{why}; {elsewhere}"));
    if runner.capture(&deny(&["--version"]), BUDGET).is_err() {
        let why = "there is no cargo-deny (cargo install --locked cargo-deny)";
        return vec![not_run("cargo deny", why)];
    }
    let check = |name, words: &[&str]| Stage::check(name, BUDGET, deny(words)).run(runner);
    let offline = check(
        "cargo deny: licences, versions, sources",
        &["check", "licenses", "bans", "sources"],
    );
    let name = "cargo deny: advisories";
    let advisories = match runner.capture(&deny(&["fetch", "db"]), BUDGET) {
        Ok(_) => check(name, &["check", "advisories"]),
        Err(_) => not_run(name, "the database cannot be had"),
    };
    vec![offline, advisories]
}
