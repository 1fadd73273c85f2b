//! The plots: join time and processor time against the size of the mesh, and the percentiles of round trips.

use std::path::Path;

use anyhow::{Result, anyhow};
use bench::node::Channel;
use clap::ValueEnum;
use plotters::prelude::*;

use crate::child::Contestant;
use crate::report::Report;
use crate::work::{PERCENTS, SIZES, Work};

const SIZE: (u32, u32) = (720, 420);

/// A line for each contestant that has points.
struct Plot<'a> {
    caption: &'a str,
    horizontal: &'a str,
    lines: Vec<(Contestant, Vec<(f64, f64)>)>,
}

/// Writes all of them into a folder.
pub(crate) fn all(report: &Report, folder: &Path) -> Result<()> {
    let against_size = |work: fn(usize) -> Work| {
        lines(&SIZES, |size, one| {
            report
                .spread(work(size), one, 0)
                .map(|spread| spread.median)
        })
    };
    let trips = |channel| {
        lines(&PERCENTS, |percent, one| {
            let at = PERCENTS.iter().position(|known| *known == percent)?;
            let spread = report.spread(Work::RoundTrip(channel), one, at)?;
            Some(spread.median)
        })
    };
    let plots = [
        (
            "open.svg",
            "mesh open, ms",
            "peers",
            against_size(Work::Open),
        ),
        (
            "cpu.svg",
            "mesh at 60 Hz, CPU % of a core",
            "peers",
            against_size(Work::play),
        ),
        (
            "unreliable.svg",
            "round trip, unreliable, us",
            "percentile",
            trips(Channel::Unreliable),
        ),
        (
            "reliable.svg",
            "round trip, reliable, us",
            "percentile",
            trips(Channel::Reliable),
        ),
    ];
    for (file, caption, horizontal, lines) in plots {
        let plot = Plot {
            caption,
            horizontal,
            lines,
        };
        plot.draw(&folder.join(file))
            .map_err(|error| anyhow!("{file}: {error}"))?;
    }
    Ok(())
}

fn lines(
    at: &[usize],
    value: impl Fn(usize, Contestant) -> Option<f64>,
) -> Vec<(Contestant, Vec<(f64, f64)>)> {
    let point = |at: usize, one| Some((f64::from(u32::try_from(at).ok()?), value(at, one)?));
    let of = |one: &Contestant| (*one, at.iter().filter_map(|at| point(*at, *one)).collect());
    Contestant::value_variants().iter().map(of).collect()
}

impl Plot<'_> {
    fn draw(&self, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
        let points = || self.lines.iter().flat_map(|(_, points)| points);
        let right = points().map(|(x, _)| *x).fold(1.0, f64::max);
        let top = points().map(|(_, y)| *y).fold(1.0, f64::max) * 1.05;
        let area = SVGBackend::new(path, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(self.caption, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..right, 0.0..top)?;
        chart.configure_mesh().x_desc(self.horizontal).draw()?;
        for ((contestant, points), colour) in self.lines.iter().zip([RED, BLUE, GREEN, MAGENTA]) {
            chart
                .draw_series(
                    LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(3),
                )?
                .label(contestant.name())
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2))
                });
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE)
            .border_style(BLACK)
            .draw()?;
        area.present()?;
        Ok(())
    }
}
