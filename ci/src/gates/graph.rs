//! Who may depend on whom.

use crate::workspace::Workspace;

/// A promise about dependencies.
pub(super) struct Rule {
    pub(super) promise: &'static str,
    demand: Demand,
}

/// The workspace as it is resolved for the two kinds of machines.
pub(super) struct Resolved<'a> {
    pub(super) host: &'a Workspace,
    pub(super) browser: &'a Workspace,
}

enum Demand {
    /// `package` is built without any of `never`, at any depth, neither on this host nor for the browser.
    Without {
        package: &'static str,
        never: &'static [&'static str],
    },
    /// The same, for the browser alone.
    WithoutInBrowser {
        package: &'static str,
        never: &'static [&'static str],
    },
    /// Only the packages `only` name one of `these` in their manifests, for any target and of any kind.
    Reserved {
        these: &'static [&'static str],
        only: &'static [&'static str],
    },
}

/// Every promise that the dependency graph must keep.
pub(super) const RULES: &[Rule] = &[
    Rule {
        promise: "no library depends on the facade",
        demand: Demand::Reserved {
            these: &["webrtc-multiplayer"],
            // An example in a package of its own, as a game would be.
            only: &["web-chat"],
        },
    },
    Rule {
        promise: "only backend-native, its tools for tests and bench see the webrtc crate",
        demand: Demand::Reserved {
            these: &["webrtc", "rtc"],
            only: &[
                "backend-native",
                "socket-faults",
                "hostile-member",
                "fuzz-targets",
                "bench",
            ],
        },
    },
    Rule {
        promise: "a native game does without the sockets for tests",
        demand: Demand::Without {
            package: "webrtc-multiplayer",
            never: &["socket-faults", "hostile-member"],
        },
    },
    Rule {
        promise: "mesh-core does without tokio",
        demand: Demand::Without {
            package: "mesh-core",
            never: &["tokio"],
        },
    },
    Rule {
        promise: "signaling does without tokio",
        demand: Demand::Without {
            package: "signaling",
            never: &["tokio"],
        },
    },
    Rule {
        promise: "backend-native does without web-sys",
        demand: Demand::Without {
            package: "backend-native",
            never: &["web-sys"],
        },
    },
    Rule {
        promise: "backend-web does without tokio and webrtc",
        demand: Demand::Without {
            package: "backend-web",
            never: &["tokio", "webrtc", "rtc"],
        },
    },
    Rule {
        promise: "a game in the browser does without tokio and webrtc",
        demand: Demand::WithoutInBrowser {
            package: "webrtc-multiplayer",
            never: &["tokio", "webrtc", "rtc"],
        },
    },
];

impl Rule {
    /// Why the promise is broken, if it is.
    pub(super) fn check(&self, resolved: &Resolved<'_>) -> Result<(), String> {
        let broken: Vec<String> = match &self.demand {
            Demand::Without { package, never } => {
                let mut found = reached(resolved.host, package, never)?;
                found.extend(reached(resolved.browser, package, never)?);
                found.dedup();
                found
            }
            Demand::WithoutInBrowser { package, never } => {
                reached(resolved.browser, package, never)?
            }
            Demand::Reserved { these, only } => resolved
                .host
                .members()
                .filter(|package| !only.contains(&package.name.as_str()))
                .flat_map(|package| {
                    package
                        .dependencies
                        .iter()
                        .map(|dependency| (&package.name, &dependency.name))
                })
                .filter(|(_, dependency)| these.contains(&dependency.as_str()))
                .map(|(package, dependency)| {
                    format!("{package} names {dependency} in its manifest")
                })
                .collect(),
        };
        if broken.is_empty() {
            Ok(())
        } else {
            Err(broken.join("\n"))
        }
    }
}

/// Which of `never` a package is built from, one sentence each.
fn reached(workspace: &Workspace, package: &str, never: &[&str]) -> Result<Vec<String>, String> {
    let reached = workspace.reaches(package)?;
    let found = never.iter().filter(|name| reached.contains(**name));
    let sentence = |name: &&str| {
        format!(
            "{package} depends on {name} (cargo tree --target all --package {package} --invert {name})"
        )
    };
    Ok(found.map(sentence).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::tests::{empty, sample};

    fn check(demand: Demand) -> Result<(), String> {
        Rule {
            promise: "",
            demand,
        }
        .check(&Resolved {
            host: &sample(),
            browser: &sample(),
        })
    }

    #[test]
    fn what_is_reached_through_another_package_breaks_the_promise() {
        let without = |never| Demand::Without {
            package: "a",
            never,
        };
        assert!(
            check(without(&["x"]))
                .unwrap_err()
                .contains("a depends on x")
        );
        assert_eq!(check(without(&["t", "y"])), Ok(()));
    }

    #[test]
    fn what_is_only_for_the_browser_is_looked_for_there() {
        let rule = Rule {
            promise: "",
            demand: Demand::WithoutInBrowser {
                package: "b",
                never: &["x"],
            },
        };
        let (with, without) = (sample(), empty());
        let check = |host, browser| rule.check(&Resolved { host, browser });
        assert!(check(&without, &with).is_err());
        assert_eq!(check(&with, &without), Ok(()));
    }

    #[test]
    fn a_promise_about_a_package_that_is_gone_is_broken() {
        let gone = Demand::Without {
            package: "gone",
            never: &["x"],
        };
        assert!(check(gone).is_err());
    }

    #[test]
    fn a_reserved_dependency_is_refused_to_others_even_for_tests() {
        let reserved = |only| Demand::Reserved {
            these: &["t"],
            only,
        };
        assert_eq!(check(reserved(&["a"])), Ok(()));
        assert_eq!(
            check(reserved(&["b"])),
            Err("a names t in its manifest".to_owned())
        );
    }
}
