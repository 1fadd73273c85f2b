//! What each command runs. Nothing is left out because something before it failed.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, MutexGuard, PoisonError};
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

/// Which pages could be made.
#[derive(Default)]
struct Made {
    examples: bool,
    pages_of_adapters: bool,
}

/// One run of `cargo ci`.
pub(crate) struct Ci {
    runner: Runner,
    /// Builds that run beside tests add to it, too.
    report: Mutex<Report>,
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
                report: Mutex::new(report),
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
    pub(crate) fn setup(&self) {
        self.provide(&[Tool::value_variants()]);
        if let Some(toolchain) = self.toolchain() {
            say!("\n[ci] for a shell:");
            toolchain.exports().iter().for_each(|line| say!("{line}"));
        }
    }

    /// Everything, the cheap first: what is simply wrong is said soon.
    ///
    /// Most tests wait, and look at the clock. What is still to be compiled is compiled in the time that they leave, at the lowest
    /// priority. Cargo lets one build at a time into a folder, so no build takes the one whose tests run just then.
    pub(crate) fn test(&self) {
        disk::say_room(&self.workspace.target_directory);
        let everything = Tool::value_variants().iter().copied().collect();
        let (fetched, compiling) = setup::begin(&self.machine, self.install, &everything);
        self.add(fetched);
        self.gates();
        self.stages(plan::checks());
        self.stages(vec![adapters::format(&self.workspace)]);
        self.stages(plan::build());
        self.add(setup::finish(compiling));
        let toolchain = self.toolchain();
        let toolchain = toolchain.as_ref();
        let (puppets, are_built) = mpsc::channel();
        let (pages, are_made) = mpsc::channel();
        // Dropped when the columns have left the folder of native builds.
        let (columns, are_over) = mpsc::channel::<()>();
        let builds = move || {
            self.build_beside_columns(toolchain, &puppets, &pages);
            let _they_are = are_over.recv();
            self.build_beside_pages(toolchain);
        };
        let tests = move || {
            self.stages(plan::tests(&self.workspace, true));
            let around = are_built.recv().ok()?;
            self.columns(&around);
            drop(columns);
            let made = are_made.recv().ok()?;
            self.test_in_pages(toolchain, &made);
            Some((around, made))
        };
        let Some((around, made)) = self.at_once(builds, tests) else {
            return;
        };
        let toolchain = toolchain.filter(|_| made.pages_of_adapters);
        self.all_or_reason("adapters", adapters::tests(&self.workspace, toolchain));
        self.natlab_stage(&around, None, false);
    }

    /// Builds in another thread while tests run in this one.
    fn at_once<T>(&self, builds: impl FnOnce() + Send, tests: impl FnOnce() -> T) -> T {
        thread::scope(|scope| {
            let builds = scope.spawn(builds);
            let tested = tests();
            if builds.join().is_err() {
                self.refuse("builds", "they ended with a panic".to_owned());
            }
            tested
        })
    }

    /// Compiles for browsers and with other versions. Tells of the page for the columns, which is the first, and of the others.
    fn build_beside_columns(
        &self,
        toolchain: Option<&Toolchain>,
        puppets: &Sender<Surroundings>,
        pages: &Sender<Made>,
    ) {
        // If nobody waits for it any more, the tests have ended with a panic.
        let _waits = puppets.send(self.surroundings(toolchain, Stage::beside));
        let made = toolchain.map(|toolchain| {
            self.stages(vec![plan::build_of_web_tests(toolchain).beside()]);
            Made {
                examples: self.pages(toolchain, Stage::beside),
                pages_of_adapters: self.pages_of_adapters(toolchain, Stage::beside),
            }
        });
        let _waits = pages.send(made.unwrap_or_default());
        self.add(versions::run(&self.runner, &self.workspace, toolchain));
    }

    /// Compiles what takes the folder of native builds, and then what takes that of the web backend's tests once more.
    fn build_beside_pages(&self, toolchain: Option<&Toolchain>) {
        let mut stages = vec![adapters::build(&self.workspace)];
        stages.extend(plan::more_checks());
        stages.extend(toolchain.into_iter().flat_map(plan::web_checks));
        self.stages(stages.into_iter().map(Stage::beside).collect());
    }

    /// The tests of the web backend, in all browsers at once, and then of the examples.
    fn test_in_pages(&self, toolchain: Option<&Toolchain>, made: &Made) {
        let Some(toolchain) = toolchain else {
            return;
        };
        match plan::web_tests(toolchain) {
            Ok(stages) => thread::scope(|scope| {
                for stage in stages {
                    scope.spawn(move || self.stages(vec![stage]));
                }
            }),
            Err(reason) => self.refuse("backend-web", reason),
        }
        if made.examples {
            self.all_or_reason("play --check", self.check_play(toolchain));
        }
    }

    /// What a contributor waits for: all that needs no browser and no lab. Stops at the first failure if asked to.
    pub(crate) fn quick(&self, fail_fast: bool) {
        let mut stages = plan::checks();
        stages.extend(plan::more_checks());
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
    pub(crate) fn adapters(&self) {
        self.provide(&[tools::CHROMIUM]);
        self.stages(vec![adapters::format(&self.workspace)]);
        let toolchain = self.toolchain();
        let is_built = |toolchain: &&Toolchain| self.pages_of_adapters(toolchain, Stage::alone);
        let toolchain = toolchain.as_ref().filter(is_built);
        self.stages(vec![adapters::build(&self.workspace)]);
        self.all_or_reason("adapters", adapters::tests(&self.workspace, toolchain));
    }

    fn pages_of_adapters(&self, toolchain: &Toolchain, how: fn(Stage) -> Stage) -> bool {
        let pages = adapters::pages(&self.workspace);
        pages.iter().all(|page| self.page(page, toolchain, how))
    }

    /// What is published, built from its packed files.
    pub(crate) fn packages(&self) {
        let packed = packages::pack(&self.runner, &self.workspace);
        self.record(packed);
    }

    /// The README's programs in new packages.
    pub(crate) fn fresh(&self) {
        self.provide(&[tools::CHROMIUM]);
        if let Some(toolchain) = self.toolchain() {
            self.all_or_reason("fresh", packages::fresh(&self.workspace, &toolchain));
        }
    }

    /// The NAT lab alone.
    pub(crate) fn natlab(&self, only: Option<&str>, long: bool) {
        self.provide(&[tools::BOTH_BROWSERS, tools::LAB]);
        self.stages(plan::build_for(&[]));
        let toolchain = self.toolchain();
        let around = self.surroundings(toolchain.as_ref(), Stage::alone);
        self.natlab_stage(&around, only, long);
    }

    /// Every column, once.
    pub(crate) fn matrix(&self) {
        self.provide(&[tools::BOTH_BROWSERS]);
        self.stages(plan::build());
        let toolchain = self.toolchain();
        self.columns(&self.surroundings(toolchain.as_ref(), Stage::alone));
    }

    /// The named columns, `count` times one after the other.
    pub(crate) fn repeat(
        &self,
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
        let around = self.surroundings(toolchain.as_ref(), Stage::alone);
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
                self.record(column.run(&self.runner).column());
            }
        }
        self.report().say_repeats(fast);
    }

    /// The promises about the workspace.
    pub(crate) fn gates(&self) {
        let outcomes = gates::run(&self.runner, &self.workspace);
        self.add(outcomes);
        self.add(deny::run(&self.runner));
    }

    /// The benches that are named; without a name those of [`bench::chosen`].
    pub(crate) fn bench(&self, which: &[Bench], arguments: &[String]) {
        for bench in bench::chosen(which) {
            match bench {
                Bench::Browsers => self.bench_browsers(arguments),
                Bench::Size => self.bench_size(),
                Bench::Profile => self.stages(vec![bench::native(bench, arguments), bench::heap()]),
                Bench::Network | Bench::Core | Bench::Signaling | Bench::Rivals => {
                    self.stages(vec![bench::native(bench, arguments)]);
                }
            }
        }
    }

    fn bench_browsers(&self, arguments: &[String]) {
        self.provide(&[tools::BOTH_BROWSERS]);
        let Some(toolchain) = self.toolchain() else {
            return;
        };
        let page = bench::page(&self.workspace.target_directory);
        if self.page(&page, &toolchain, Stage::alone) {
            let stage = bench::browsers(&toolchain, &page, arguments);
            self.all_or_reason("bench of the browsers", stage.map(|stage| vec![stage]));
        }
    }

    fn bench_size(&self) {
        self.provide(&[tools::PAGE]);
        let Some(toolchain) = self.toolchain() else {
            return;
        };
        let page = bench::smallest(&self.workspace.target_directory);
        if self.page(&page, &toolchain, Stage::alone) {
            let built = toolchain.built(page.artifact);
            self.record(Outcome::check("size of the page", || {
                build_web::sizes(&page, &built).map_err(|error| error.to_string())
            }));
        }
    }

    /// The pages of the examples, for any static server.
    pub(crate) fn build_web(&self) {
        self.provide(&[tools::PAGE]);
        if let Some(toolchain) = self.toolchain() {
            self.pages(&toolchain, Stage::alone);
        }
    }

    /// The arena here and in whatever browser opens its page; or a check that the examples work.
    pub(crate) fn play(&self, options: &play::Options) {
        if options.check {
            self.provide(&[tools::PAGE, tools::SCREEN, tools::DRIVEN_BROWSERS]);
        } else {
            self.provide(&[tools::PAGE]);
        }
        let Some(toolchain) = self.toolchain() else {
            return;
        };
        let pages = self.pages(&toolchain, Stage::alone);
        let programs = self.stages_until_failure(vec![play::build()]);
        if pages && programs && options.check {
            self.all_or_reason("play --check", self.check_play(&toolchain));
        } else if pages && programs {
            let played = Outcome::check("play", || play::run(options, &self.workspace));
            self.record(played);
        }
    }

    /// The summary, and what the process returns.
    pub(crate) fn finish(self) -> ExitCode {
        while self.runner.children.is_stopped() {
            // Who has stopped us still cleans up, and ends the process then.
            thread::park();
        }
        let report = self.report.into_inner();
        report.unwrap_or_else(PoisonError::into_inner).finish()
    }

    fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn provide(&self, sets: &[&[Tool]]) {
        let tools: BTreeSet<Tool> = sets.concat().into_iter().collect();
        let outcomes = setup::run(&self.machine, self.install, &tools);
        self.add(outcomes);
    }

    fn record(&self, outcome: Outcome) {
        self.report().add(outcome);
    }

    fn add(&self, outcomes: Vec<Outcome>) {
        let mut report = self.report();
        outcomes.into_iter().for_each(|outcome| report.add(outcome));
    }

    /// The tools of the web side; what is not there has been said by the setup, and is said again here.
    fn toolchain(&self) -> Option<Toolchain> {
        let found = Toolchain::find(&self.machine, &self.workspace);
        let lacking = |reason| self.refuse("web toolchain", reason);
        found.map_err(lacking).ok()
    }

    /// Builds what the columns meet in a browser, and says where everything is that they start.
    fn surroundings(&self, toolchain: Option<&Toolchain>, how: fn(Stage) -> Stage) -> Surroundings {
        let page = plan::puppet_page(&self.workspace.target_directory);
        let made = toolchain.is_some_and(|toolchain| self.page(&page, toolchain, how));
        // One of an earlier run, with other code, would prove nothing.
        let page = made.then(|| page.folder.to_string_lossy().into_owned());
        let page = page.ok_or_else(|| "its page could not be built".to_owned());
        Surroundings::new(&self.workspace.target_directory, page, toolchain)
    }

    /// Makes a page, alone or beside tests; whether it could be made.
    fn page(&self, page: &Page, toolchain: &Toolchain, how: fn(Stage) -> Stage) -> bool {
        let refuse = |reason| self.refuse(&format!("build of {}", page.name), reason);
        let stages = page.stages(toolchain).map_err(refuse);
        let how = |stages: Vec<Stage>| stages.into_iter().map(how).collect();
        stages.is_ok_and(|stages| self.stages_until_failure(how(stages)))
    }

    /// The columns of these names that can be run.
    fn planned(&self, names: &[String], libtest: &[String], around: &Surroundings) -> Vec<Stage> {
        let mut columns = Vec::new();
        for (name, column) in plan::columns(names, libtest, around) {
            let refuse = |reason| self.refuse(name, reason);
            columns.extend(column.map_err(refuse));
        }
        columns
    }

    /// Stages that could be planned, or why not.
    fn all_or_reason(&self, name: &str, stages: Result<Vec<Stage>, String>) {
        match stages {
            Ok(stages) => self.stages(stages),
            Err(reason) => self.refuse(name, reason),
        }
    }

    /// Counts what cannot even be tried.
    fn refuse(&self, name: &str, reason: String) {
        self.record(Outcome::check(name, || Err(reason)));
    }

    /// Makes the pages of the examples; whether they could be made.
    fn pages(&self, toolchain: &Toolchain, how: fn(Stage) -> Stage) -> bool {
        let examples = build_web::examples(&self.workspace);
        examples.into_iter().all(|example| {
            if !self.page(&example.page, toolchain, how) {
                return false;
            }
            let files = || example.complete(&self.workspace.root, toolchain);
            let files = Outcome::check(&format!("files of {}", example.page.name), files);
            let made = files.failed == 0;
            self.record(files);
            made
        })
    }

    fn check_play(&self, toolchain: &Toolchain) -> Result<Vec<Stage>, String> {
        let stage = play::check(&self.workspace, toolchain)?;
        Ok(vec![stage])
    }

    fn stages(&self, stages: Vec<Stage>) {
        for stage in stages {
            self.record(stage.run(&self.runner));
        }
    }

    /// Stages each of which needs the one before; whether all of them succeeded.
    fn stages_until_failure(&self, stages: Vec<Stage>) -> bool {
        stages.into_iter().all(|stage| {
            let outcome = stage.run(&self.runner);
            let succeeded = outcome.failed == 0;
            self.record(outcome);
            succeeded
        })
    }

    /// The lab, or one line where this machine allows none: that is no failure.
    fn natlab_stage(&self, around: &Surroundings, only: Option<&str>, long: bool) {
        let possible = plan::natlab_is_possible(around);
        if let Err(why) = self.runner.capture(&possible, Duration::from_secs(60)) {
            let why = why.lines().last().unwrap_or_default();
            return self.record(Outcome::not_run("natlab", why));
        }
        let stage = plan::natlab(around, only, long);
        self.all_or_reason("natlab", stage.map(|stage| vec![stage]));
    }

    /// Runs every column and writes the matrix.
    fn columns(&self, around: &Surroundings) {
        let names: Vec<String> = plan::column_names().map(str::to_owned).collect();
        for (name, column) in plan::columns(&names, &[], around) {
            // One failure, and not one a case.
            let refused = |reason| Outcome::check(name, || Err(reason));
            let outcome = column.map_or_else(refused, |column| column.run(&self.runner));
            self.record(outcome.column());
        }
        let folder = self.workspace.target_directory.join("ci");
        self.report().matrix(&folder, plan::PARTIAL);
    }
}
