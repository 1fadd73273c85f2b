//! The figures of each scenario, in which unit, and what is required of them.

use bench::goal::{Goal, Metric};

use crate::scenario::Scenario;

const THROUGHPUT: Goal = Goal::RatioAtLeast {
    required: 0.9,
    aim: 0.95,
};
const TRIP: Goal = Goal::RatioAtMost {
    required: 1.3,
    aim: 1.1,
};
const PROCESSOR: Goal = Goal::RatioAtMost {
    required: 1.1,
    aim: 1.05,
};
/// The same figure where more of it is better.
const PER_CPU: Goal = Goal::RatioAtLeast {
    required: 1.0 / 1.1,
    aim: 1.0 / 1.05,
};

/// As much as the baseline has, or less.
const NO_MORE: Goal = Goal::RatioAtMost {
    required: 1.0,
    aim: 1.0,
};

/// Against the crate without a hand-over (issue 17).
const fn strictly(most: f64) -> Goal {
    Goal::RatioAtMost {
        required: most,
        aim: most,
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
            Self::RttUnreliable | Self::RttReliable => BACK_TO_BACK,
            Self::Rtt60Hz => ROUND_TRIP,
            Self::MeshIdle => IDLE,
            Self::Mesh60Hz => MESH,
            Self::MeshFrames => FRAMES,
            Self::Transfer => TRANSFER,
            Self::Relay => RELAY,
        }
    }
}

const CONNECT: &[Metric] = &[
    Metric::new("median of 10", "ms", Goal::AtMost { required: 60.0 }),
    Metric::new("worst of 10", "ms", Goal::AtMost { required: 60.0 }),
];
const MESH_OPEN: &[Metric] =
    &[Metric::new("28 connections", "ms", Goal::None).strictly(strictly(1.1))];
const BULK: &[Metric] = &[
    Metric::new("throughput", "MB/s", THROUGHPUT),
    Metric::new("per CPU second", "MB", PER_CPU),
];
const SMALL: &[Metric] = &[
    Metric::new("throughput", "k msg/s", THROUGHPUT),
    Metric::new("CPU a message", "us", PROCESSOR),
];
const UNRELIABLE: &[Metric] = &[
    Metric::new("received", "k msg/s", THROUGHPUT),
    Metric::new("CPU a message", "us", PROCESSOR),
];
const BACK_TO_BACK: &[Metric] = &[
    Metric::new("p50", "us", TRIP)
        .strictly(strictly(1.2))
        .with_hand_over(),
    Metric::new("p99", "us", Goal::None),
];
const ROUND_TRIP: &[Metric] = &[
    Metric::new("p50", "us", TRIP),
    Metric::new("p99", "us", Goal::None),
];
const IDLE: &[Metric] = &[Metric::new("CPU", "% of a core", PROCESSOR).strictly(strictly(1.2))];
const CPU: Metric = Metric::new("CPU", "% of a core", PROCESSOR).strictly(strictly(1.1));
const CPU_EACH: Metric = Metric::new("CPU a message", "us", PROCESSOR);
const DELIVERED: Metric = Metric::new("delivered", "msg/s", Goal::None);
const MESH: &[Metric] = &[
    CPU,
    CPU_EACH,
    DELIVERED,
    Metric::new("memory a connection", "KiB", PROCESSOR).strictly(strictly(1.05)),
    Metric::new("threads", "", NO_MORE),
    Metric::new("descriptors a connection", "", NO_MORE),
];
const FRAMES: &[Metric] = &[CPU, CPU_EACH, DELIVERED];
const TRANSFER: &[Metric] = &[
    Metric::new("throughput", "MB/s", THROUGHPUT),
    // What is sent and what is received are two of them.
    Metric::new("memory a peer", "transfers", Goal::AtMost { required: 3.0 }),
];
const RELAY: &[Metric] = &[
    Metric::new("open", "ms", Goal::AtMost { required: 300.0 }),
    Metric::new("round trip, median", "ms", Goal::AtMost { required: 2.0 }),
    Metric::new("round trip, longest", "ms", Goal::None),
];

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_scenario_has_a_name_and_figures() {
        for scenario in Scenario::value_variants() {
            assert!(!scenario.name().is_empty());
            assert!(!scenario.metrics().is_empty());
        }
    }
}
