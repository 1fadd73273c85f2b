//! What each command runs. Nothing is left out because something before it failed.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::ValueEnum;

use crate::adapters;
use crate::bench::{self, Bench};
use crate::build_web;
use crate::deny;
use crate::disk;
use crate::gates;
use crate::outcome::Outcome;
use crate::packages;
use crate::plan::{self, Surroundings};
use crate::play;
use crate::print::{self, say};
use crate::repeats;
use crate::report::Report;
use crate::run::Runner;
use crate::scratch;
use crate::setup;
use crate::stage::Stage;
use crate::tools::{self, Machine, Tool};
use crate::versions;
use crate::web::{Page, Toolchain};
use crate::workspace::{HOST, Workspace};

/// The code of a shell for a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// One run of `cargo ci`.
pub(crate) struct Ci {
    runner: Runner,
    report: Report,
    /// Whether packages of the system may be installed by somebody who is not root.
    install: bool,
    workspace: Workspace,
    machine: Machine,
}

impl Ci {
    /// Looks at the workspace. `install` says that packages of the system may be installed by somebody who is not root.
    ///
    /// # Errors
    ///
    /// Where cargo cannot describe the workspace, the process ends with this code.
    pub(crate) fn new(install: bool) -> Result<Self, ExitCode> {
        let mut report = Report::new();
        let runner = Runner::default();
        let children = runner.children.clone();
        let stop = move || {
            print::mute();
            children.stop();
            scratch::end_all();
            std::process::exit(INTERRUPTED);
        };
        if let Err(error) = ctrlc::set_handler(stop) {
            say!("[ci] Ctrl-C will leave children behind: {error}");
        }
        scratch::end_orphans();

        let workspace = Workspace::load(&runner, HOST);
        let loaded =
            workspace.and_then(|workspace| Ok((Machine::new(&runner, &workspace)?, workspace)));
        match loaded {
            Ok((machine, workspace)) => Ok(Self {
                runner,
                report,
                install,
                workspace,
                machine,
            }),
            Err(reason) => {
                report.add(Outcome::check("workspace", || Err(reason)));
                Err(report.finish())
            }
        }
    }

    /// Makes the machine able to do all the rest, and says where things are.
    pub(crate) fn setup(&mut self) {
        self.provide(&[Tool::value_variants()]);
        if let Some(toolchain) = self.toolchain() {
            say!("\n[ci] for a shell:");
            toolchain.exports().iter().for_each(|line| say!("{line}"));
        }
    }

    /// Everything, the cheap first: what is simply wrong is said soon.
    pub(crate) fn test(&mut self) {
        disk::say_room(&self.workspace.target_directory);
        let everything = Tool::value_variants().iter().copied().collect();
        let (fetched, compiling) = setup::begin(&self.machine, self.install, &everything);
        self.add(fetched);
        self.gates();
        self.stages(plan::checks());
        self.stages(vec![adapters::format(&self.workspace)]);
        self.stages(plan::build());
        // Tests look at the clock. Only builds of low priority run beside them.
        self.add(setup::finish(compiling));
        let toolchain = self.toolchain();
        self.tests_beside_builds(toolchain.as_ref());
        if let Some(toolchain) = &toolchain {
            self.all_or_reason("backend-web", plan::web_tests(toolchain));
            if self.pages(toolchain) {
                self.all_or_reason("play --check", self.check_play(toolchain));
            }
        }
        self.test_adapters(toolchain.as_ref());
        let around = self.columns(toolchain.as_ref());
        self.natlab_stage(&around, None, false);
    }

    /// Runs the tests that need no browser. What is still to be compiled, for browsers and with other versions, is compiled in the
    /// time that they leave: most of them wait.
    fn tests_beside_builds(&mut self, toolchain: Option<&Toolchain>) {
        let (runner, workspace) = (&self.runner, &self.workspace);
        let run = |stage: &Stage| stage.run(runner);
        let builds = || {
            let checks = [plan::web_check, plan::web_docs];
            let checks = toolchain.map(|toolchain| checks.map(|stage| run(&stage(toolchain))));
            let versions = versions::run(runner, workspace, toolchain);
            // Whoever needs these asks for them again, and says then what is wrong with them.
            let ahead = toolchain.map(|toolchain| {
                let mut stages = plan::web_builds(toolchain, workspace);
                stages.extend(adapters::web_builds(workspace, toolchain));
                stages
            });
            ahead.iter().flatten().for_each(|stage| drop(run(stage)));
            checks.into_iter().flatten().chain(versions).collect()
        };
        let (built, tested) = thread::scope(|scope| {
            let builds = scope.spawn(builds);
            let tests = plan::tests(workspace, true);
            let tested: Vec<Outcome> = tests.iter().map(run).collect();
            let panicked = || Err("the builds ended with a panic".to_owned());
            let built = builds.join();
            (
                built.unwrap_or_else(|_| vec![Outcome::check("builds", panicked)]),
                tested,
            )
        });
        self.add(built);
        self.add(tested);
    }

    /// What a contributor waits for: all that needs no browser and no lab. Stops at the first failure if asked to.
    pub(crate) fn quick(&mut self, fail_fast: bool) {
        let mut stages = plan::checks();
        stages.extend(plan::build());
        stages.extend(plan::tests(&self.workspace, false));
        let page = Err("it takes a browser".to_owned());
        let around = Surroundings::new(&self.workspace.target_directory, page, None);
        let names = plan::QUICK.map(str::to_owned);
        stages.extend(self.planned(&names, &repeats::fast(), &around));
        if fail_fast {
            self.stages_until_failure(stages);
        } else {
            self.stages(stages);
        }
    }

    /// The adapters alone.
    pub(crate) fn adapters(&mut self) {
        self.provide(&[tools::CHROMIUM]);
        self.stages(vec![adapters::format(&self.workspace)]);
        let toolchain = self.toolchain();
        self.test_adapters(toolchain.as_ref());
    }

    fn test_adapters(&mut self, toolchain: Option<&Toolchain>) {
        let pages = adapters::pages(&self.workspace);
        let are_built =
            |toolchain: &&Toolchain| pages.iter().all(|page| self.page(page, toolchain));
        let toolchain = toolchain.filter(are_built);
        let pages = toolchain.map(|toolchain| (&pages, toolchain));
        self.all_or_reason("adapters", adapters::tests(&self.workspace, pages));
    }

    /// What is published, built from its packed files.
    pub(crate) fn packages(&mut self) {
        let packed = packages::pack(&self.runner, &self.workspace);
        self.report.add(packed);
    }

    /// The README's programs in new packages.
    pub(crate) fn fresh(&mut self) {
        self.provide(&[tools::CHROMIUM]);
        if let Some(toolchain) = self.toolchain() {
            self.all_or_reason("fresh", packages::fresh(&self.workspace, &toolchain));
        }
    }

    /// The NAT lab alone.
    pub(crate) fn natlab(&mut self, only: Option<&str>, long: bool) {
        self.provide(&[tools::BOTH_BROWSERS, tools::LAB]);
        self.stages(plan::build_for(&[]));
        let toolchain = self.toolchain();
        let around = self.surroundings(toolchain.as_ref());
        self.natlab_stage(&around, only, long);
    }

    /// Every column, once.
    pub(crate) fn matrix(&mut self) {
        self.provide(&[tools::BOTH_BROWSERS]);
        self.stages(plan::build());
        let toolchain = self.toolchain();
        self.columns(toolchain.as_ref());
    }

    /// The named columns, `count` times one after the other.
    pub(crate) fn repeat(
        &mut self,
        names: &[String],
        count: u32,
        fast: bool,
        mut libtest: Vec<String>,
    ) {
        let needs = plan::needs_of(names);
        self.provide(&[&Vec::from_iter(needs.clone())]);
        self.stages(plan::build_for(names));
        let pages = needs.contains(&Tool::WasmTarget);
        let toolchain = pages.then(|| self.toolchain()).flatten();
        let around = self.surroundings(toolchain.as_ref());
        if fast {
            libtest.extend(repeats::fast());
        }
        let columns = self.planned(names, &libtest, &around);
        if columns.is_empty() {
            return;
        }
        for run in 1..=count {
            say!("\n[ci] run {run} of {count}");
            for column in &columns {
                self.report.add(column.run(&self.runner).column());
            }
        }
        self.report.say_repeats(fast);
    }

    /// The promises about the workspace.
    pub(crate) fn gates(&mut self) {
        let outcomes = gates::run(&self.runner, &self.workspace);
        self.add(outcomes);
        self.add(deny::run(&self.runner));
    }

    /// The benches that are named; without a name all of them.
    pub(crate) fn bench(&mut self, which: &[Bench], arguments: &[String]) {
        for bench in bench::chosen(which) {
            match bench {
                Bench::Browsers => self.bench_browsers(arguments),
                Bench::Profile => self.stages(vec![bench::native(bench, arguments), bench::heap()]),
                Bench::Network | Bench::Core | Bench::Signaling | Bench::Rivals => {
                    self.stages(vec![bench::native(bench, arguments)]);
                }
            }
        }
    }

    fn bench_browsers(&mut self, arguments: &[String]) {
        self.provide(&[tools::BOTH_BROWSERS]);
        let Some(toolchain) = self.toolchain() else {
            return;
        };
        let page = bench::page(&self.workspace.target_directory);
        if self.page(&page, &toolchain) {
            let stage = bench::browsers(&toolchain, &page, arguments);
            self.all_or_reason("bench of the browsers", stage.map(|stage| vec![stage]));
        }
    }

    /// The pages of the examples, for any static server.
    pub(crate) fn build_web(&mut self) {
        self.provide(&[tools::PAGE]);
        if let Some(toolchain) = self.toolchain() {
            self.pages(&toolchain);
        }
    }

    /// The arena here and in whatever browser opens its page; or a check that the examples work.
    pub(crate) fn play(&mut self, options: &play::Options) {
        if options.check {
            self.provide(&[tools::PAGE, tools::SCREEN, tools::DRIVEN_BROWSERS]);
        } else {
            self.provide(&[tools::PAGE]);
        }
        let Some(toolchain) = self.toolchain() else {
            return;
        };
        let pages = self.pages(&toolchain);
        let programs = self.stages_until_failure(vec![play::build()]);
        if pages && programs && options.check {
            self.all_or_reason("play --check", self.check_play(&toolchain));
        } else if pages && programs {
            let played = Outcome::check("play", || play::run(options, &self.workspace));
            self.report.add(played);
        }
    }

    /// The summary, and what the process returns.
    pub(crate) fn finish(self) -> ExitCode {
        while self.runner.children.is_stopped() {
            // Who has stopped us still cleans up, and ends the process then.
            thread::park();
        }
        self.report.finish()
    }

    fn provide(&mut self, sets: &[&[Tool]]) {
        let tools: BTreeSet<Tool> = sets.concat().into_iter().collect();
        let outcomes = setup::run(&self.machine, self.install, &tools);
        self.add(outcomes);
    }

    fn add(&mut self, outcomes: Vec<Outcome>) {
        outcomes
            .into_iter()
            .for_each(|outcome| self.report.add(outcome));
    }

    /// The tools of the web side; what is not there has been said by the setup, and is said again here.
    fn toolchain(&mut self) -> Option<Toolchain> {
        let found = Toolchain::find(&self.machine, &self.workspace);
        let lacking = |reason| self.refuse("web toolchain", reason);
        found.map_err(lacking).ok()
    }

    /// Builds what the columns meet in a browser, and says where everything is that they start.
    fn surroundings(&mut self, toolchain: Option<&Toolchain>) -> Surroundings {
        let page = plan::puppet_page(&self.workspace.target_directory);
        let made = toolchain.is_some_and(|toolchain| self.page(&page, toolchain));
        // One of an earlier run, with other code, would prove nothing.
        let page = made.then(|| page.folder.to_string_lossy().into_owned());
        let page = page.ok_or_else(|| "its page could not be built".to_owned());
        Surroundings::new(&self.workspace.target_directory, page, toolchain)
    }

    /// Makes a page; whether it could be made.
    fn page(&mut self, page: &Page, toolchain: &Toolchain) -> bool {
        let refuse = |reason| self.refuse(&format!("build of {}", page.name), reason);
        let stages = page.stages(toolchain).map_err(refuse);
        stages.is_ok_and(|stages| self.stages_until_failure(stages))
    }

    /// The columns of these names that can be run.
    fn planned(
        &mut self,
        names: &[String],
        libtest: &[String],
        around: &Surroundings,
    ) -> Vec<Stage> {
        let mut columns = Vec::new();
        for (name, column) in plan::columns(names, libtest, around) {
            let refuse = |reason| self.refuse(name, reason);
            columns.extend(column.map_err(refuse));
        }
        columns
    }

    /// Stages that could be planned, or why not.
    fn all_or_reason(&mut self, name: &str, stages: Result<Vec<Stage>, String>) {
        match stages {
            Ok(stages) => self.stages(stages),
            Err(reason) => self.refuse(name, reason),
        }
    }

    /// Counts what cannot even be tried.
    fn refuse(&mut self, name: &str, reason: String) {
        self.report.add(Outcome::check(name, || Err(reason)));
    }

    /// Makes the pages of the examples; whether they could be made.
    fn pages(&mut self, toolchain: &Toolchain) -> bool {
        let examples = build_web::examples(&self.workspace);
        examples.into_iter().all(|example| {
            if !self.page(&example.page, toolchain) {
                return false;
            }
            let files = || example.complete(&self.workspace.root, toolchain);
            let files = Outcome::check(&format!("files of {}", example.page.name), files);
            let made = files.failed == 0;
            self.report.add(files);
            made
        })
    }

    fn check_play(&self, toolchain: &Toolchain) -> Result<Vec<Stage>, String> {
        let stage = play::check(&self.workspace, toolchain)?;
        Ok(vec![stage])
    }

    fn stages(&mut self, stages: Vec<Stage>) {
        for stage in stages {
            self.report.add(stage.run(&self.runner));
        }
    }

    /// Stages each of which needs the one before; whether all of them succeeded.
    fn stages_until_failure(&mut self, stages: Vec<Stage>) -> bool {
        stages.into_iter().all(|stage| {
            let outcome = stage.run(&self.runner);
            let succeeded = outcome.failed == 0;
            self.report.add(outcome);
            succeeded
        })
    }

    /// The lab, or one line where this machine allows none: that is no failure.
    fn natlab_stage(&mut self, around: &Surroundings, only: Option<&str>, long: bool) {
        let possible = plan::natlab_is_possible(around);
        if let Err(why) = self.runner.capture(&possible, Duration::from_secs(60)) {
            let why = why.lines().last().unwrap_or_default();
            return self.report.add(Outcome::not_run("natlab", why));
        }
        let stage = plan::natlab(around, only, long);
        self.all_or_reason("natlab", stage.map(|stage| vec![stage]));
    }

    /// Runs every column and writes the matrix; tells where everything is that they started.
    fn columns(&mut self, toolchain: Option<&Toolchain>) -> Surroundings {
        let around = self.surroundings(toolchain);
        let names: Vec<String> = plan::column_names().map(str::to_owned).collect();
        for (name, column) in plan::columns(&names, &[], &around) {
            // One failure, and not one a case.
            let refused = |reason| Outcome::check(name, || Err(reason));
            let outcome = column.map_or_else(refused, |column| column.run(&self.runner));
            self.report.add(outcome.column());
        }
        let folder = self.workspace.target_directory.join("ci");
        self.report.matrix(&folder, plan::PARTIAL);
        around
    }
}
