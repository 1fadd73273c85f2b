//! The figures of each scenario, in which unit, and what is required of them.

use crate::scenario::Scenario;

/// One figure of a scenario.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) goal: Goal,
}

/// What is required of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// Ours at least so many times the baseline's.
    RatioAtLeast { required: f64, aim: f64 },
    /// Ours at most so many times the baseline's.
    RatioAtMost { required: f64, aim: f64 },
    /// Ours at most so much.
    AtMost { required: f64 },
    /// Nothing; shown for its own sake.
    None,
}

/// How well a goal was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Aim,
    Required,
    Missed,
}

impl Goal {
    const THROUGHPUT: Self = Self::RatioAtLeast {
        required: 0.9,
        aim: 0.95,
    };
    const ROUND_TRIP: Self = Self::RatioAtMost {
        required: 1.3,
        aim: 1.1,
    };
    const CPU: Self = Self::RatioAtMost {
        required: 1.1,
        aim: 1.05,
    };
    /// The same figure where more of it is better.
    const PER_CPU: Self = Self::RatioAtLeast {
        required: 1.0 / 1.1,
        aim: 1.0 / 1.05,
    };

    /// As much as the baseline has, or less.
    const NO_MORE: Self = Self::RatioAtMost {
        required: 1.0,
        aim: 1.0,
    };

    /// `None` where nothing is required.
    pub(crate) fn judge(self, ours: f64, ratio: f64) -> Option<Verdict> {
        let (required, aim) = match self {
            Self::RatioAtLeast { required, aim } => (ratio >= required, ratio >= aim),
            Self::RatioAtMost { required, aim } => (ratio <= required, ratio <= aim),
            Self::AtMost { required } => (ours <= required, ours <= required),
            Self::None => return None,
        };
        Some(match (required, aim) {
            (_, true) => Verdict::Aim,
            (true, false) => Verdict::Required,
            (false, false) => Verdict::Missed,
        })
    }

    /// As the table says it.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::RatioAtLeast { required, aim } => format!(">= {required:.2} (aim {aim:.2})"),
            Self::RatioAtMost { required, aim } => format!("<= {required:.2} (aim {aim:.2})"),
            Self::AtMost { required } => format!("ours <= {required}"),
            Self::None => String::new(),
        }
    }
}

impl Scenario {
    /// Its figures, in the order they are shown.
    pub(crate) const fn metrics(self) -> &'static [Metric] {
        match self {
            Self::Connect => CONNECT,
            Self::MeshOpen => MESH_OPEN,
            Self::Bulk1K | Self::Bulk16K | Self::Bulk64K => BULK,
            Self::Small => SMALL,
            Self::Unreliable => UNRELIABLE,
            Self::RttUnreliable | Self::RttReliable | Self::Rtt60Hz => ROUND_TRIP,
            Self::MeshIdle => IDLE,
            Self::Mesh60Hz => MESH,
            Self::MeshFrames => FRAMES,
            Self::Relay => RELAY,
        }
    }
}

const fn metric(name: &'static str, unit: &'static str, goal: Goal) -> Metric {
    Metric { name, unit, goal }
}

const CONNECT: &[Metric] = &[
    metric("median of 10", "ms", Goal::AtMost { required: 60.0 }),
    metric("worst of 10", "ms", Goal::AtMost { required: 60.0 }),
];
const MESH_OPEN: &[Metric] = &[metric("28 connections", "ms", Goal::None)];
const BULK: &[Metric] = &[
    metric("throughput", "MB/s", Goal::THROUGHPUT),
    metric("per CPU second", "MB", Goal::PER_CPU),
];
const SMALL: &[Metric] = &[
    metric("throughput", "k msg/s", Goal::THROUGHPUT),
    metric("CPU a message", "us", Goal::CPU),
];
const UNRELIABLE: &[Metric] = &[
    metric("received", "k msg/s", Goal::THROUGHPUT),
    metric("CPU a message", "us", Goal::CPU),
];
const ROUND_TRIP: &[Metric] = &[
    metric("p50", "us", Goal::ROUND_TRIP),
    metric("p99", "us", Goal::None),
];
const IDLE: &[Metric] = &[metric("CPU", "% of a core", Goal::CPU)];
const CPU: Metric = metric("CPU", "% of a core", Goal::CPU);
const CPU_EACH: Metric = metric("CPU a message", "us", Goal::CPU);
const DELIVERED: Metric = metric("delivered", "msg/s", Goal::None);
const MESH: &[Metric] = &[
    CPU,
    CPU_EACH,
    DELIVERED,
    metric("memory a connection", "KiB", Goal::CPU),
    metric("threads", "", Goal::NO_MORE),
    metric("descriptors a connection", "", Goal::NO_MORE),
];
const FRAMES: &[Metric] = &[CPU, CPU_EACH, DELIVERED];
const RELAY: &[Metric] = &[
    metric("open", "ms", Goal::AtMost { required: 300.0 }),
    metric("round trip, median", "ms", Goal::AtMost { required: 2.0 }),
    metric("round trip, longest", "ms", Goal::None),
];

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn a_goal_knows_which_way_is_better() {
        assert_eq!(Goal::THROUGHPUT.judge(1.0, 0.97), Some(Verdict::Aim));
        assert_eq!(Goal::THROUGHPUT.judge(1.0, 0.91), Some(Verdict::Required));
        assert_eq!(Goal::THROUGHPUT.judge(1.0, 0.89), Some(Verdict::Missed));
        assert_eq!(Goal::CPU.judge(1.0, 1.2), Some(Verdict::Missed));
        assert_eq!(Goal::CPU.judge(1.0, 0.5), Some(Verdict::Aim));
        assert_eq!(
            Goal::AtMost { required: 60.0 }.judge(61.0, 0.1),
            Some(Verdict::Missed)
        );
        assert_eq!(Goal::None.judge(1.0, 9.0), None);
    }

    #[test]
    fn every_scenario_has_a_name_and_figures() {
        for scenario in Scenario::value_variants() {
            assert!(!scenario.name().is_empty());
            assert!(!scenario.metrics().is_empty());
        }
    }
}
