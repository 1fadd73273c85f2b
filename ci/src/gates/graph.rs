//! Who may depend on whom.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::command::CommandLine;
use crate::run::Runner;
use crate::workspace::{HOST, Workspace};

const FACADE: &str = "webrtc-multiplayer";
const CORE: &str = "webrtc-multiplayer-core";

/// Packages that are built without others, at any depth, on this machine and for the browser.
const WITHOUT: &[(&str, &[&str])] = &[
    // What a game depends on has no sockets for tests.
    ("webrtc-multiplayer", &["socket-faults", "hostile-member"]),
    (CORE, &["tokio"]),
    ("webrtc-multiplayer-signaling", &["tokio"]),
    ("webrtc-multiplayer-native", &["web-sys"]),
    ("webrtc-multiplayer-web", &["tokio", "webrtc", "rtc"]),
];

/// The same of the facade, for the browser alone.
const WITHOUT_IN_BROWSER: &[&str] = &["tokio", "webrtc", "rtc"];

/// Packages that are built with these and nothing else, at any depth.
const ONLY: &[(&str, &[&str])] = &[
    (CORE, &["bytes", "thiserror"]),
    ("webrtc-multiplayer-api", &["bytes", "thiserror", CORE]),
];

/// How many packages that are not ours a native game builds for the facade at most. 170 is the goal, and `docs/support.md` says what
/// stands in the way.
const MOST: usize = 200;

/// Packages that only some members may name in their manifests, for any target and of any kind.
const RESERVED: &[(&[&str], &[&str])] = &[
    // No library depends on the facade. These examples are packages of their own, as a game would be.
    (
        &["webrtc-multiplayer"],
        &["arena", "smallest-page", "web-chat"],
    ),
    (
        &["webrtc", "rtc"],
        &[
            "webrtc-multiplayer-native",
            "socket-faults",
            "hostile-member",
            "fuzz-targets",
            "bench",
        ],
    ),
];

/// Checks every promise: its sentence, and why it is broken, if it is.
pub(super) fn check(
    runner: &Runner,
    host: &Workspace,
    browser: &Workspace,
) -> Vec<(String, Result<(), String>)> {
    let mut checked = Vec::new();
    for &(package, never) in WITHOUT {
        let kept = without(host, package, never);
        let kept = kept.and_then(|()| without(browser, package, never));
        let promise = format!("{package} does without {}", never.join(", "));
        checked.push((promise, kept));
    }
    let never = WITHOUT_IN_BROWSER;
    let promise = format!(
        "the facade in the browser does without {}",
        never.join(", ")
    );
    checked.push((promise, without(browser, "webrtc-multiplayer", never)));
    for &(package, these) in ONLY {
        let promise = format!("{package} is built with {} alone", these.join(", "));
        checked.push((promise, only(runner, package, these)));
    }
    checked.push(few(runner));
    for &(these, only) in RESERVED {
        let promise = format!("{}: named by {} alone", these.join(", "), only.join(", "));
        checked.push((promise, reserved(host, these, only)));
    }
    checked
}

fn without(workspace: &Workspace, package: &str, never: &[&str]) -> Result<(), String> {
    let reached = workspace.reaches(package)?;
    match never.iter().find(|name| reached.contains(**name)) {
        None => Ok(()),
        Some(name) => Err(format!(
            "{package} depends on {name} (cargo tree --target all --package {package} --invert {name})"
        )),
    }
}

/// Asks about the package by itself, in the words a person would type: in the workspace others turn its features on.
fn only(runner: &Runner, package: &str, these: &[&str]) -> Result<(), String> {
    let words = "tree --quiet --edges normal,no-proc-macro --prefix none --package";
    let tree = CommandLine::cargo(&words.split(' ').collect::<Vec<_>>()).arg(package);
    let printed = runner.capture(&tree, Duration::from_secs(120))?;
    let names = printed.lines().filter_map(|line| line.split(' ').next());
    let names: BTreeSet<&str> = names.filter(|name| *name != package).collect();
    if names.iter().eq(these) {
        return Ok(());
    }
    Err(format!("{package} is built with {names:?} (`{tree}`)"))
}

/// Counts what a game builds for the facade, and says the number.
fn few(runner: &Runner) -> (String, Result<(), String>) {
    let words =
        format!("tree --quiet --edges normal --prefix none --target {HOST} --package {FACADE}");
    let tree = CommandLine::cargo(&words.split(' ').collect::<Vec<_>>());
    let counted = runner.capture(&tree, Duration::from_secs(120));
    let counted = counted.map(|printed| count(&printed));
    let number = counted.as_ref().map(|count| format!("{count}, "));
    let number = number.unwrap_or_default();
    let promise =
        format!("packages that the facade is built with natively: {number}at most {MOST}");
    let kept = counted.and_then(|count| match count <= MOST {
        true => Ok(()),
        false => Err(format!("there are {count} (`{tree}`)")),
    });
    (promise, kept)
}

/// How many packages a tree names, in how many versions ever, without ours.
fn count(printed: &str) -> usize {
    let packages = printed.lines().filter(|line| !line.starts_with(FACADE));
    let packages: BTreeSet<Vec<&str>> = packages
        .map(|line| line.split(' ').take(2).collect())
        .collect();
    packages.len()
}

fn reserved(workspace: &Workspace, these: &[&str], only: &[&str]) -> Result<(), String> {
    for package in workspace.members() {
        let mut named = package.dependencies.iter().map(|it| it.name.as_str());
        let found = named.find(|name| these.contains(name));
        if let Some(name) = found
            && !only.contains(&package.name.as_str())
        {
            return Err(format!("{} names {name} in its manifest", package.name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::TARGET;
    use crate::workspace::tests::own;

    #[test]
    fn what_is_reached_through_another_package_breaks_the_promise() {
        let (host, browser) = (own(HOST), own(TARGET));
        let facade = |workspace, never| without(workspace, "webrtc-multiplayer", &[never]);
        let broken = facade(&host, "tokio").unwrap_err();
        assert!(broken.contains("depends on tokio"), "{broken}");
        assert_eq!(facade(&browser, "tokio"), Ok(()));
        assert!(facade(&browser, "web-sys").is_err());
        assert!(without(&host, "gone", &["tokio"]).is_err());
        let only = |these: &[&str]| only(&Runner::default(), "webrtc-multiplayer-api", these);
        assert_eq!(only(&["bytes", "thiserror", CORE]), Ok(()));
        let broken = only(&["bytes", CORE]).unwrap_err();
        assert!(broken.contains("thiserror"), "{broken}");
    }

    #[test]
    fn a_package_counts_once_in_each_version() {
        let printed = "webrtc-multiplayer v0.1.0 (/a)\nwebrtc-multiplayer-core v0.1.0 (/a/b)\nsyn v2.0.1\nsyn v3.0.1\n\
                       syn v2.0.1 (*)\n";
        assert_eq!(count(printed), 2);
        let (promise, kept) = few(&Runner::default());
        assert_eq!(kept, Ok(()), "{promise}");
    }

    #[test]
    fn a_reserved_dependency_is_refused_to_others_even_for_tests() {
        let host = own(HOST);
        let broken = reserved(&host, &["socket-faults"], &["ci"]).unwrap_err();
        let named = broken.contains("names socket-faults in its manifest");
        assert!(named, "{broken}");
        assert_eq!(reserved(&host, &["brotli"], &["ci"]), Ok(()));
    }
}
