//! What each command runs. Nothing is left out because something before it failed.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use crate::bench;
use crate::gates;
use crate::outcome::Outcome;
use crate::plan;
use crate::print::say;
use crate::report::Report;
use crate::run::Runner;
use crate::setup;
use crate::stage::Stage;
use crate::workspace::{self, Workspace};

/// The code of a shell for a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// One run of `cargo ci`.
pub(crate) struct Ci {
    runner: Runner,
    report: Report,
    host: String,
    /// `None` where cargo cannot describe it; the report says why.
    workspace: Option<Workspace>,
}

impl Ci {
    /// Looks at the workspace.
    pub(crate) fn new() -> Self {
        let mut report = Report::new();
        let runner = Runner::default();
        let children = runner.clone();
        let stop = move || {
            children.kill_all();
            std::process::exit(INTERRUPTED);
        };
        if let Err(error) = ctrlc::set_handler(stop) {
            say!("[ci] Ctrl-C will leave children behind: {error}");
        }

        let begun = Instant::now();
        let host = workspace::host(&runner);
        let workspace = host
            .clone()
            .and_then(|host| Workspace::load(&runner, &host));
        let workspace = match workspace {
            Ok(workspace) => Some(workspace),
            Err(reason) => {
                report.add(Outcome::of_check("workspace", begun.elapsed(), Err(reason)));
                None
            }
        };
        Self {
            runner,
            report,
            host: host.unwrap_or_default(),
            workspace,
        }
    }

    /// Everything, the cheap first: what is simply wrong is said soon.
    pub(crate) fn test(&mut self) {
        self.setup();
        self.gates();
        self.stages(plan::checks());
        self.stages(plan::build());
        if let Some(workspace) = &self.workspace {
            self.stages(plan::tests(workspace));
        }
        self.columns();
    }

    /// Every column, once.
    pub(crate) fn matrix(&mut self) {
        self.setup();
        self.stages(plan::build());
        self.columns();
    }

    /// The named columns, `count` times one after the other.
    pub(crate) fn repeat(&mut self, names: &[String], count: u32, libtest: &[String]) {
        self.setup();
        self.stages(plan::build_for(names));
        let columns: Vec<Stage> = plan::columns(libtest, &self.programs())
            .into_iter()
            .filter(|stage| names.contains(&stage.name))
            .collect();
        for run in 1..=count {
            say!("\n[ci] run {run} of {count}");
            for column in &columns {
                self.report.add_column(column.run(&self.runner));
            }
        }
        self.report.say_flakiness();
    }

    /// The promises about the workspace.
    pub(crate) fn gates(&mut self) {
        if let Some(workspace) = &self.workspace {
            let outcomes = gates::run(&self.runner, workspace, &self.host);
            outcomes
                .into_iter()
                .for_each(|outcome| self.report.add(outcome));
        }
    }

    /// The benches.
    pub(crate) fn bench(&mut self, arguments: &[String]) {
        self.stages(bench::stages(arguments));
    }

    /// The summary, and what the process returns.
    pub(crate) fn finish(self) -> ExitCode {
        self.report.finish()
    }

    fn setup(&mut self) {
        let outcomes = setup::run(&self.runner);
        outcomes
            .into_iter()
            .for_each(|outcome| self.report.add(outcome));
    }

    /// Where cargo puts what a stage builds.
    fn programs(&self) -> PathBuf {
        let target = self
            .workspace
            .as_ref()
            .map(|workspace| workspace.target_directory.clone());
        target.unwrap_or_default().join("debug")
    }

    fn stages(&mut self, stages: Vec<Stage>) {
        for stage in stages {
            self.report.add(stage.run(&self.runner));
        }
    }

    fn columns(&mut self) {
        for column in plan::columns(&[], &self.programs()) {
            self.report.add_column(column.run(&self.runner));
        }
        let folder = self
            .workspace
            .as_ref()
            .map(|workspace| workspace.target_directory.join("ci"));
        self.report.matrix(folder.as_deref());
    }
}
