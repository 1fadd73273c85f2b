//! Who may depend on whom.

use crate::workspace::Workspace;

/// A promise about dependencies.
pub(super) struct Rule {
    pub(super) promise: &'static str,
    demand: Demand,
}

enum Demand {
    /// `package` is built without any of `never`, at any depth, on this host.
    Without {
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
        promise: "nothing depends on the facade",
        demand: Demand::Reserved {
            these: &["webrtc-multiplayer"],
            only: &[],
        },
    },
    Rule {
        promise: "only backend-native and bench see the webrtc crate",
        demand: Demand::Reserved {
            these: &["webrtc", "rtc"],
            only: &["backend-native", "bench"],
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
];

impl Rule {
    /// Why the promise is broken, if it is.
    pub(super) fn check(&self, workspace: &Workspace) -> Result<(), String> {
        let broken: Vec<String> = match &self.demand {
            Demand::Without { package, never } => {
                let reached = workspace.reaches(package)?;
                let found = never.iter().filter(|name| reached.contains(**name));
                found
                    .map(|name| format!("{package} depends on {name} (cargo tree --package {package} --invert {name})"))
                    .collect()
            }
            Demand::Reserved { these, only } => workspace
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::tests::sample;

    fn check(demand: Demand) -> Result<(), String> {
        Rule {
            promise: "",
            demand,
        }
        .check(&sample())
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
