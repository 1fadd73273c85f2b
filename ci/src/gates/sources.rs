//! What no source file may contain.

use std::path::Path;
use std::time::Duration;

use crate::command::CommandLine;
use crate::run::{Ending, Runner};

/// Lines of code that choose by target. The families split native from web as well as the architecture does.
const CHOICE: &str = "^[[:space:]]*([^/[:space:]].*)?target_(arch|family)";

/// Where code may not choose: all Rust files but those of the facade, of the conformance tests and the `main` of a game.
const OTHERS: [&str; 5] = [
    "*.rs",
    ":!src/",
    ":!conformance-tests/",
    ":!examples/arena/src/main.rs",
    ":!adapters/bevy/arena/src/main.rs",
];

/// Only the facade, the conformance tests and a game's `main` choose by target.
pub(super) fn choices(runner: &Runner, root: &Path) -> Result<(), String> {
    let words = ["grep", "--untracked", "--line-number", "-E", CHOICE, "--"];
    let command = CommandLine::new("git", &["-C", &root.to_string_lossy()]);
    let command = command.args(&words).args(&OTHERS);
    let mut found = String::new();
    let ending = runner.run(&command, Duration::from_secs(60), |line| {
        found.push_str(line);
        found.push('\n');
    });
    // Then it has found nothing.
    if ending == Ending::Exited(Some(1)) && found.is_empty() {
        return Ok(());
    }
    ending
        .result()
        .map_err(|why| format!("`{command}` {why}\n{found}"))?;
    Err(found)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_choice_by_target_is_the_facades_alone() {
        // In two words, so that this file itself makes no choice.
        let choice = concat!("    #[cfg(not(target", "_family = \"wasm\"))]");
        let root = std::env::temp_dir().join(format!("ci-choices-{}", std::process::id()));
        let write = |path: &str, content: &str| {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), content).unwrap();
        };
        let runner = Runner::default();
        write("src/lib.rs", choice);
        write("conformance-tests/src/lib.rs", choice);
        write("a/src/lib.rs", concat!("//! Has no cfg(target", "_arch)."));
        let init = CommandLine::new("git", &["init", "--quiet", &root.to_string_lossy()]);
        runner.capture(&init, Duration::from_secs(60)).unwrap();
        assert_eq!(choices(&runner, &root), Ok(()));

        // A long condition begins a line.
        write("a/src/b.rs", concat!("    target", "_arch = \"wasm32\","));
        assert!(choices(&runner, &root).is_err());
        write("a/src/b.rs", &format!("fn a() {{}}\n{choice}\n"));
        let found = choices(&runner, &root).unwrap_err();
        assert!(found.starts_with("a/src/b.rs:2:    #[cfg"), "{found}");
        fs::remove_dir_all(&root).unwrap();
        assert!(choices(&runner, &root).is_err(), "no folder");
    }
}
