//! What each command runs. Nothing is left out because something before it failed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::bench::{self, Bench};
use crate::build_web;
use crate::deny;
use crate::gates;
use crate::needs;
use crate::outcome::Outcome;
use crate::plan::{self, Surroundings};
use crate::play;
use crate::print::{self, say};
use crate::repeats;
use crate::report::Report;
use crate::run::Runner;
use crate::scratch;
use crate::setup::{self, Piece};
use crate::stage::Stage;
use crate::versions;
use crate::web::{Page, Toolchain};
use crate::workspace::{self, Workspace};

/// The code of a shell for a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// One run of `cargo ci`.
pub(crate) struct Ci {
    runner: Runner,
    report: Report,
    /// Whether packages of the system may be installed by somebody who is not root.
    install: bool,
    host: String,
    /// `None` where cargo cannot describe it; the report says why.
    workspace: Option<Workspace>,
}

impl Ci {
    /// Looks at the workspace. `install` says that packages of the system may be installed by somebody who is not root.
    pub(crate) fn new(install: bool) -> Self {
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
            install,
            host: host.unwrap_or_default(),
            workspace,
        }
    }

    /// Makes the machine able to do all the rest, and says where things are.
    pub(crate) fn setup(&mut self) {
        self.provide(&needs::union([needs::EVERYTHING]));
        if let Some(toolchain) = self.toolchain() {
            say!("\n[ci] for a shell:");
            toolchain.exports().iter().for_each(|line| say!("{line}"));
        }
    }

    /// Everything, the cheap first: what is simply wrong is said soon.
    pub(crate) fn test(&mut self) {
        let (fetched, compiling) = setup::begin(
            &self.runner,
            &self.root(),
            self.install,
            &needs::union([needs::EVERYTHING]),
        );
        self.add(fetched);
        self.gates();
        self.stages(plan::checks());
        self.stages(plan::build());
        // The tests look at the clock, so nothing may go on beside them.
        self.add(compiling.finish());
        let toolchain = self.toolchain();
        if let Some(toolchain) = &toolchain {
            self.stages(plan::web_checks(toolchain));
        }
        self.versions(toolchain.as_ref());
        if let Some(workspace) = &self.workspace {
            self.stages(plan::tests(workspace, true));
        }
        if let Some(toolchain) = &toolchain {
            self.all_or_reason("backend-web", plan::web_tests(toolchain));
            if self.chat_page(toolchain) {
                self.check_play(toolchain, &play::Options::of_check());
            }
        }
        let around = self.columns(toolchain.as_ref());
        self.natlab_stage(&around, None, false);
    }

    /// What a contributor waits for: all that needs no browser and no lab. Stops at the first failure if asked to.
    pub(crate) fn quick(&mut self, fail_fast: bool) {
        let mut stages = plan::checks();
        stages.extend(plan::build());
        stages.extend(
            self.workspace
                .iter()
                .flat_map(|workspace| plan::tests(workspace, false)),
        );
        let target = self.target_directory();
        for (name, column) in
            plan::columns(&repeats::fast(), &Surroundings::without_browsers(&target))
        {
            match column {
                _ if !plan::QUICK.contains(&name) => {}
                Ok(column) => stages.push(column),
                Err(reason) => self.refuse(name, reason),
            }
        }
        if fail_fast {
            self.stages_until_failure(stages);
        } else {
            self.stages(stages);
        }
    }

    /// The NAT lab alone.
    pub(crate) fn natlab(&mut self, only: Option<&str>, long: bool) {
        self.provide(&needs::union([needs::BOTH_BROWSERS, needs::LAB]));
        self.stages(plan::build_for(&[]));
        let toolchain = self.toolchain();
        let around = self.surroundings(toolchain.as_ref());
        self.natlab_stage(&around, only, long);
    }

    /// Every column, once.
    pub(crate) fn matrix(&mut self) {
        let names: Vec<String> = plan::column_names().map(str::to_owned).collect();
        self.provide(&plan::needs_of(&names));
        self.stages(plan::build());
        let toolchain = self.toolchain();
        self.columns(toolchain.as_ref());
    }

    /// The named columns, `count` times one after the other.
    pub(crate) fn repeat(&mut self, names: &[String], count: u32, libtest: &[String]) {
        let needs = plan::needs_of(names);
        self.provide(&needs);
        self.stages(plan::build_for(names));
        let pages = needs.contains(&Piece::WasmTarget);
        let toolchain = pages.then(|| self.toolchain()).flatten();
        let around = self.surroundings(toolchain.as_ref());
        let mut columns = Vec::new();
        for (name, column) in plan::columns(libtest, &around) {
            match column {
                _ if !names.iter().any(|wanted| wanted == name) => {}
                Ok(column) => columns.push(column),
                Err(reason) => self.refuse(name, reason),
            }
        }
        if columns.is_empty() {
            return;
        }
        for run in 1..=count {
            say!("\n[ci] run {run} of {count}");
            for column in &columns {
                self.report.add_column(column.run(&self.runner));
            }
        }
        self.report.say_repeats(repeats::is_fast(libtest));
    }

    /// The facade at both ends of its version ranges.
    fn versions(&mut self, toolchain: Option<&Toolchain>) {
        if let Some(workspace) = &self.workspace {
            let outcomes = versions::run(&self.runner, workspace, toolchain);
            self.add(outcomes);
        }
    }

    /// The promises about the workspace.
    pub(crate) fn gates(&mut self) {
        if let Some(workspace) = &self.workspace {
            let outcomes = gates::run(&self.runner, workspace, &self.host);
            self.add(outcomes);
        }
        self.add(deny::run(&self.runner));
    }

    /// The benches that are named; without a name all of them.
    pub(crate) fn bench(&mut self, which: &[Bench], arguments: &[String]) {
        for bench in bench::chosen(which) {
            match bench {
                Bench::Network => self.stages(vec![bench::network(arguments)]),
                Bench::Core => self.stages(vec![bench::core(arguments)]),
                Bench::Browsers => self.bench_browsers(arguments),
            }
        }
    }

    fn bench_browsers(&mut self, arguments: &[String]) {
        self.provide(&needs::union([needs::BOTH_BROWSERS]));
        let Some(toolchain) = self.toolchain() else {
            return;
        };
        let page = bench::page(&self.target_directory());
        if self.page(&page, &toolchain) {
            let stage = bench::browsers(&toolchain, &page, arguments);
            self.all_or_reason("bench of the browsers", stage.map(|stage| vec![stage]));
        }
    }

    /// The page of the chat, for any static server.
    pub(crate) fn build_web(&mut self) {
        self.provide(&needs::union([needs::PAGE]));
        if let Some(toolchain) = self.toolchain() {
            self.chat_page(&toolchain);
        }
    }

    /// The chat in this terminal and in whatever browser opens its page; or a check that both work.
    pub(crate) fn play(&mut self, options: &play::Options) {
        let browser = options.check.then_some(needs::DRIVEN_CHROMIUM);
        self.provide(&needs::union(browser.into_iter().chain([needs::PAGE])));
        let Some(toolchain) = self.toolchain() else {
            return;
        };
        let page = self.chat_page(&toolchain);
        let chat = self.stages_until_failure(vec![play::build()]);
        if page && chat && options.check {
            self.check_play(&toolchain, options);
        } else if page
            && chat
            && let Some(workspace) = &self.workspace
        {
            let begun = Instant::now();
            let result = play::run(options, workspace);
            let outcome = Outcome::of_check("play", begun.elapsed(), result);
            outcome.say();
            self.report.add(outcome);
        }
    }

    /// The summary, and what the process returns.
    pub(crate) fn finish(self) -> ExitCode {
        while self.runner.children.is_stopped() {
            // Who has stopped us still cleans up, and ends the process then.
            std::thread::park();
        }
        self.report.finish()
    }

    fn provide(&mut self, pieces: &BTreeSet<Piece>) {
        let outcomes = setup::run(&self.runner, &self.root(), self.install, pieces);
        self.add(outcomes);
    }

    fn add(&mut self, outcomes: Vec<Outcome>) {
        outcomes
            .into_iter()
            .for_each(|outcome| self.report.add(outcome));
    }

    /// The folder of the workspace; where cargo cannot say, the one we are in.
    fn root(&self) -> PathBuf {
        let root = self
            .workspace
            .as_ref()
            .map(|workspace| workspace.workspace_root.clone());
        root.unwrap_or_else(|| PathBuf::from("."))
    }

    /// The tools of the web side; what is not there has been said by the setup, and is said again here.
    fn toolchain(&mut self) -> Option<Toolchain> {
        let workspace = self.workspace.as_ref()?;
        match Toolchain::find(&self.runner, workspace) {
            Ok(toolchain) => Some(toolchain),
            Err(reason) => {
                self.refuse("web toolchain", reason);
                None
            }
        }
    }

    /// Builds what the columns meet in a browser, and says where everything is that they start.
    fn surroundings(&mut self, toolchain: Option<&Toolchain>) -> Surroundings {
        let target = self.target_directory();
        let page = plan::puppet_page(&target);
        let made = toolchain.is_some_and(|toolchain| self.page(&page, toolchain));
        let browser = |find: fn(&Toolchain) -> Result<&Path, String>| {
            let toolchain = toolchain.ok_or("the tools for the browser are not complete")?;
            find(toolchain).map(Path::to_owned)
        };
        Surroundings {
            programs: target.join("debug"),
            results: target.join("ci/results"),
            // One of an earlier run, with other code, would prove nothing.
            page: made
                .then_some(page.folder)
                .ok_or_else(|| "its page could not be built".to_owned()),
            chromium: browser(Toolchain::chromium),
            firefox: browser(Toolchain::firefox),
        }
    }

    /// Makes a page; whether it could be made.
    fn page(&mut self, page: &Page, toolchain: &Toolchain) -> bool {
        match page.stages(toolchain) {
            Ok(stages) => self.stages_until_failure(stages),
            Err(reason) => {
                self.refuse(&format!("build of {}", page.name), reason);
                false
            }
        }
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
        self.report.add(refused(name, reason));
    }

    /// Makes the page of the chat; whether it could be made.
    fn chat_page(&mut self, toolchain: &Toolchain) -> bool {
        let Some(workspace) = &self.workspace else {
            return false;
        };
        let outcomes = build_web::run(&self.runner, toolchain, workspace);
        let made = outcomes.iter().all(|outcome| outcome.failed == 0);
        self.add(outcomes);
        made
    }

    /// Plays without a person. The page and the chat have been built.
    fn check_play(&mut self, toolchain: &Toolchain, options: &play::Options) {
        let Some(workspace) = &self.workspace else {
            return;
        };
        say!("\n[ci] play --check: the chat in a headless browser and in terminals");
        let begun = Instant::now();
        let result = play::check(&self.runner.children, toolchain, workspace, options);
        let outcome = Outcome::of_check("play --check", begun.elapsed(), result);
        outcome.say();
        self.report.add(outcome);
    }

    /// Where cargo puts what a stage builds.
    fn target_directory(&self) -> PathBuf {
        let target = self
            .workspace
            .as_ref()
            .map(|workspace| workspace.target_directory.clone());
        target.unwrap_or_default()
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
        let begun = Instant::now();
        let possible = plan::natlab_is_possible(around);
        if let Err(why) = self.runner.capture(&possible, Duration::from_secs(60)) {
            let why = why.lines().last().unwrap_or_default().to_owned();
            let outcome = Outcome::not_run("natlab", begun.elapsed(), &why);
            outcome.say();
            self.report.add(outcome);
            return;
        }
        let folder = self.target_directory().join("ci");
        let stage = plan::natlab(around, &folder, only, long);
        self.all_or_reason("natlab", stage.map(|stage| vec![stage]));
    }

    /// Runs every column and writes the matrix; tells where everything is that they started.
    fn columns(&mut self, toolchain: Option<&Toolchain>) -> Surroundings {
        let around = self.surroundings(toolchain);
        for (name, column) in plan::columns(&[], &around) {
            let outcome = match column {
                Ok(column) => column.run(&self.runner),
                // One failure, and not one a case.
                Err(reason) => refused(name, reason),
            };
            self.report.add_column(outcome);
        }
        let folder = self
            .workspace
            .as_ref()
            .map(|workspace| workspace.target_directory.join("ci"));
        self.report
            .matrix(folder.as_deref(), &plan::partial_columns());
        around
    }
}

/// What becomes of something that cannot even be tried.
fn refused(name: &str, reason: String) -> Outcome {
    let outcome = Outcome::of_check(name, Duration::ZERO, Err(reason));
    outcome.say();
    outcome
}
