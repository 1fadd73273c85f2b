//! Progress bars on standard error.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stdout};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar for each file that is on its way. Nothing is drawn unless standard output and standard error are a terminal.
pub(crate) struct Bars {
    all: MultiProgress,
    /// By the number of the file.
    bars: BTreeMap<u32, ProgressBar>,
}

impl Bars {
    pub(crate) fn new() -> Self {
        let all = MultiProgress::new();
        if !stdout().is_terminal() {
            all.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self {
            all,
            bars: BTreeMap::new(),
        }
    }

    /// Draws how much of a file has arrived.
    pub(crate) fn show(&mut self, number: u32, label: &dyn ToString, arrived: usize, bytes: usize) {
        let bar = self.bars.entry(number).or_insert_with(|| {
            let bar = self.all.add(ProgressBar::new(bytes as u64));
            bar.set_style(style());
            bar.set_message(label.to_string());
            bar
        });
        bar.set_position(arrived as u64);
    }

    pub(crate) fn hide(&mut self, number: u32) {
        if let Some(bar) = self.bars.remove(&number) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    /// Prints above the bars.
    pub(crate) fn above(&self, print: impl FnOnce()) {
        self.all.suspend(print);
    }
}

fn style() -> ProgressStyle {
    let style =
        ProgressStyle::with_template("{bar:24} {decimal_bytes}/{decimal_total_bytes} {wide_msg}");
    // The template is ours, and there is another one if it is wrong.
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}
