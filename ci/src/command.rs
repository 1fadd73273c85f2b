//! A command line as data, so that stages can be listed, printed and compared.

use std::fmt;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::find::find;

/// A program, its arguments and what is special about its environment.
#[derive(Clone, Debug)]
pub(crate) struct CommandLine {
    pub(crate) program: String,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    /// Variables of ours that it shall not see.
    pub(crate) unset: Vec<String>,
}

impl CommandLine {
    /// `program` with `args`, in the environment of this process.
    pub(crate) fn new(program: &str, args: &[&str]) -> Self {
        Self {
            program: program.to_owned(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            env: Vec::new(),
            unset: Vec::new(),
        }
    }

    /// A command as it is typed, without quotes.
    pub(crate) fn typed(words: &str) -> Self {
        let mut words = words.split(' ');
        let program = words.next().unwrap_or_default();
        Self::new(program, &words.collect::<Vec<_>>())
    }

    /// The cargo that runs this process, so that both use one toolchain.
    pub(crate) fn cargo(args: &[&str]) -> Self {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        Self::new(&cargo, args).env("CARGO_TERM_COLOR", "never")
    }

    /// Adds one more argument.
    pub(crate) fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds more arguments.
    pub(crate) fn args(self, args: &[&str]) -> Self {
        args.iter().copied().fold(self, Self::arg)
    }

    /// Adds a variable.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Adds more variables.
    pub(crate) fn envs<'a>(self, env: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let env = env.into_iter();
        env.fold(self, |command, (name, value)| command.env(name, value))
    }

    /// Keeps a variable from it.
    pub(crate) fn unset(mut self, name: &str) -> Self {
        self.unset.push(name.to_owned());
        self
    }

    /// The same at the lowest priority: it runs in the time that other processes leave, and gives way at once when they wake up.
    pub(crate) fn nice(mut self) -> Self {
        let words: &[&str] = match find("chrt") {
            // To `nice` alone Linux would give a tenth of the time, and let it finish its slice first.
            Some(_) if cfg!(target_os = "linux") && may_be_idle() => &["chrt", "-i", "0"],
            _ if cfg!(unix) => &["nice", "-n", "19"],
            _ => return self,
        };
        let words = words.iter().map(|&word| word.to_owned());
        self.args.splice(0..0, words.chain([self.program]));
        self.program = self.args.remove(0);
        self
    }

    /// Ready to be started.
    pub(crate) fn to_std(&self) -> Command {
        let mut command = Command::new(&self.program);
        // `cargo run` describes this package to us. Build scripts that watch these variables (ring's does) would run
        // again, and what a developer's own `cargo test` has built would be built twice.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&*name);
            }
        }
        self.unset.iter().for_each(|name| {
            command.env_remove(name);
        });
        command.args(&self.args);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.program.rsplit('/').next().unwrap_or(&self.program);
        write!(f, "{program}")?;
        self.args.iter().try_for_each(|arg| write!(f, " {arg}"))
    }
}

/// Whether this process may give others the lowest class of priority: a container can forbid it.
fn may_be_idle() -> bool {
    static MAY: OnceLock<bool> = OnceLock::new();
    *MAY.get_or_init(|| {
        let mut try_it = Command::new("chrt");
        try_it.args(["-i", "0", "true"]).stdin(Stdio::null());
        let output = try_it.output();
        output.is_ok_and(|output| output.status.success())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_reads_as_it_would_be_typed() {
        let command = CommandLine::new("/usr/bin/cargo", &["test"]).arg("--doc");
        assert_eq!(command.to_string(), "cargo test --doc");
        let words = command.nice().to_string();
        assert!(words.ends_with("/usr/bin/cargo test --doc"), "{words}");
    }

    #[test]
    fn what_cargo_says_about_this_package_is_not_passed_on() {
        // `cargo test` has set it for this process.
        assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
        let command = CommandLine::new("true", &[]).env("A", "b").unset("C");
        let command = command.to_std();
        let changed: Vec<_> = command.get_envs().collect();
        for expected in [("C", None), ("CARGO_PKG_NAME", None), ("A", Some("b"))] {
            let expected = (expected.0.as_ref(), expected.1.map(AsRef::as_ref));
            assert!(changed.contains(&expected), "{changed:?}");
        }
    }
}
