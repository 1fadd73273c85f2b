//! A stage: one command with a name, a budget and a way to count, as data.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::command::CommandLine;
use crate::libtest::Parser;
use crate::outcome::Outcome;
use crate::print::say;
use crate::results;
use crate::run::Runner;
use crate::scratch::Scratch;

/// How a stage is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Counts {
    /// As one.
    AsOne,
    /// Test by test, as libtest prints them.
    EachTest,
    /// Test by test, as the conformance suite writes them into this file.
    Written(PathBuf),
}

/// One step of a run.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    /// Unique within a run; a column of the matrix bears the name of its stage.
    pub(crate) name: String,
    pub(crate) command: CommandLine,
    /// The command is stopped after so long, and has failed.
    pub(crate) budget: Duration,
    pub(crate) counts: Counts,
    /// Whether it gets a folder of its own for temporary files, and what still uses that afterwards is ended.
    pub(crate) scratch: bool,
    /// Whether its output is shown only if it fails.
    quiet: bool,
}

impl Stage {
    /// A command that succeeds or does not.
    pub(crate) fn check(name: &str, budget: Duration, command: CommandLine) -> Self {
        Self {
            name: name.to_owned(),
            command,
            budget,
            counts: Counts::AsOne,
            scratch: false,
            quiet: false,
        }
    }

    /// A command that runs tests.
    pub(crate) fn tests(name: &str, budget: Duration, command: CommandLine) -> Self {
        Self {
            counts: Counts::EachTest,
            ..Self::check(name, budget, command)
        }
    }

    /// A part of the conformance suite, which writes its results into a file in `folder`.
    pub(crate) fn suite(name: &str, budget: Duration, command: CommandLine, folder: &Path) -> Self {
        Self {
            counts: Counts::Written(folder.join(name)),
            ..Self::check(name, budget, command).with_scratch()
        }
    }

    /// Of a command that starts browsers.
    pub(crate) fn with_scratch(self) -> Self {
        Self {
            scratch: true,
            ..self
        }
    }

    /// As it is, by itself.
    pub(crate) fn alone(self) -> Self {
        self
    }

    /// Made to run while other stages print.
    pub(crate) fn quiet(self) -> Self {
        Self {
            quiet: true,
            ..self
        }
    }

    /// Made to run beside tests, at the lowest priority: tests look at the clock.
    pub(crate) fn beside(self) -> Self {
        let quiet = self.quiet();
        Self {
            command: quiet.command.nice(),
            ..quiet
        }
    }

    /// Runs it, its output going to standard output, and says what it came to.
    pub(crate) fn run(&self, runner: &Runner) -> Outcome {
        let (name, seconds) = (&self.name, self.budget.as_secs());
        say!("\n[ci] {name}: {} (at most {seconds} s)", self.command);
        let started = Instant::now();
        let mut command = self.command.clone();
        if let Counts::Written(file) = &self.counts {
            if let Err(error) = results::forget(file) {
                let why = format!("{} cannot be written anew: {error}", file.display());
                return Outcome::check(name, || Err(why));
            }
            command = command.env(results::VARIABLE, file.to_string_lossy());
        }
        // Once everything has been stopped, the folder of a stage that will not begin would stay.
        let folder = || runner.children.unless_stopped(|| Scratch::new(name));
        let scratch = self.scratch.then(folder).flatten();
        match &scratch {
            Some(Ok(scratch)) => command = command.envs(scratch.variables()),
            Some(Err(error)) => say!("[ci] no folder for temporary files of its own: {error}"),
            None => {}
        }
        let mut parser = Parser::default();
        let mut complaint = None;
        let mut printed = Vec::new();
        let ending = runner.run(&command, self.budget, |line| {
            parser.line(line);
            if self.quiet {
                printed.push(line.to_owned());
            } else {
                say!("{line}");
            }
            if complaint.is_none() && (line.starts_with("error:") || line.starts_with("error[")) {
                complaint = Some(line.to_owned());
            }
        });
        drop(scratch);
        let took = started.elapsed();
        let mut outcome = match &self.counts {
            Counts::AsOne => Outcome::of_check(name, took, ending.result()),
            Counts::EachTest => Outcome::of_tests(name, took, &ending, parser.finish()),
            Counts::Written(file) => {
                let tally = results::read(file, parser.not_compiled());
                Outcome::of_tests(name, took, &ending, tally)
            }
        };
        if outcome.failed > 0 {
            printed.iter().for_each(|line| say!("{line}"));
        }
        outcome.explain(complaint);
        outcome.say();
        outcome
    }
}
