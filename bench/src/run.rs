//! The repetitions: which child runs when, and how noisy the machine was meanwhile.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use bench::usage;

use crate::child::{Order, SideName};
use crate::print;
use crate::report::{Noise, Report, Section};
use crate::scenario::Scenario;
use crate::turn::{self, TurnServer};

/// What to measure.
pub(crate) struct Plan {
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) repeat: u32,
    pub(crate) threads: u32,
    pub(crate) json: Option<PathBuf>,
}

/// Measures, prints and writes everything; whether every required goal was met.
pub(crate) fn all(plan: &Plan) -> Result<bool> {
    let mut report = Report::new(plan.repeat, plan.threads);
    for scenario in &plan.scenarios {
        report
            .sections
            .push(section(*scenario, plan, &mut report.noise)?);
    }
    report.print();
    if let Some(path) = &plan.json {
        let json = serde_json::to_string_pretty(&report.json())?;
        fs::write(path, json + "\n").with_context(|| path.display().to_string())?;
    }
    Ok(report.is_met())
}

fn section(scenario: Scenario, plan: &Plan, noise: &mut Noise) -> Result<Section> {
    let mut section = Section::new(scenario);
    let relayed = scenario == Scenario::Relay;
    if relayed && !turn::is_installed() {
        section.skipped = Some(String::from("turnserver is not installed (package coturn)"));
        return Ok(section);
    }
    let server = relayed.then(TurnServer::start).transpose()?;
    let relay = server
        .as_ref()
        .map(|server| serde_json::to_string(&server.relay()))
        .transpose()?;
    for repetition in 0..plan.repeat {
        print::progress(&format!(
            "{} {}/{}",
            scenario.name(),
            repetition + 1,
            plan.repeat
        ));
        let mut order = SideName::ALL;
        if repetition % 2 == 1 {
            order.reverse();
        }
        for side in order {
            let order = Order {
                scenario,
                side,
                threads: plan.threads,
                relay: relay.clone(),
                counters: false,
            };
            let (start, busy) = (Instant::now(), usage::machine_busy()?);
            match order.delegate() {
                Ok(found) => {
                    let others = (usage::machine_busy()? - busy).as_secs_f64() - found.cpu_seconds;
                    noise.add(others / start.elapsed().as_secs_f64());
                    section.add(side, found.figures);
                }
                Err(error) => {
                    print::failure(&error);
                    section.failed(side);
                }
            }
        }
    }
    Ok(section)
}
