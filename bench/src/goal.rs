//! A figure, in which unit, and what is required of it.

/// One figure of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// What it is.
    pub name: &'static str,
    /// What it is counted in.
    pub unit: &'static str,
    /// What it should be.
    pub goal: Goal,
    /// The same against a second, stricter baseline.
    pub strict: Goal,
    /// Whether one hand-over to the application, which that baseline has not, is taken from ours before.
    pub has_hand_over: bool,
}

/// What is required of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// Ours at least so many times the baseline's.
    RatioAtLeast {
        /// Less is a failure.
        required: f64,
        /// So much is good.
        aim: f64,
    },
    /// Ours at most so many times the baseline's.
    RatioAtMost {
        /// More is a failure.
        required: f64,
        /// So much is good.
        aim: f64,
    },
    /// Ours at most so much.
    AtMost {
        /// In the unit of the figure.
        required: f64,
    },
    /// Nothing; shown for its own sake.
    None,
}

/// How well a goal was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As well as could be wished.
    Aim,
    /// Well enough.
    Required,
    /// Not.
    Missed,
}

impl Metric {
    /// A figure of this name.
    #[must_use]
    pub const fn new(name: &'static str, unit: &'static str, goal: Goal) -> Self {
        Self {
            name,
            unit,
            goal,
            strict: Goal::None,
            has_hand_over: false,
        }
    }

    /// With a goal against the stricter baseline.
    #[must_use]
    pub const fn strictly(self, strict: Goal) -> Self {
        Self { strict, ..self }
    }

    /// A time in which the application gets what arrives.
    #[must_use]
    pub const fn with_hand_over(self) -> Self {
        Self {
            has_hand_over: true,
            ..self
        }
    }

    /// The figure as it is judged against the stricter baseline.
    #[must_use]
    pub const fn against_strict(self) -> Self {
        Self {
            goal: self.strict,
            ..self
        }
    }
}

impl Goal {
    /// `None` where nothing is required.
    #[must_use]
    pub fn judge(self, ours: f64, ratio: f64) -> Option<Verdict> {
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
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::RatioAtLeast { required, aim } => format!(">= {}", bounds(required, aim)),
            Self::RatioAtMost { required, aim } => format!("<= {}", bounds(required, aim)),
            Self::AtMost { required } => format!("ours <= {required}"),
            Self::None => String::new(),
        }
    }
}

impl Verdict {
    /// As the table says it; nothing where nothing was required.
    #[must_use]
    pub const fn word(verdict: Option<Self>) -> &'static str {
        match verdict {
            Some(Self::Aim) => "good",
            Some(Self::Required) => "ok",
            Some(Self::Missed) => "MISSED",
            None => "",
        }
    }
}

fn bounds(required: f64, aim: f64) -> String {
    if required.total_cmp(&aim).is_eq() {
        format!("{required:.2}")
    } else {
        format!("{required:.2} (aim {aim:.2})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_knows_which_way_is_better() {
        let (required, aim) = (0.9, 0.95);
        let throughput = Goal::RatioAtLeast { required, aim };
        assert_eq!(throughput.judge(1.0, 0.97), Some(Verdict::Aim));
        assert_eq!(throughput.judge(1.0, 0.91), Some(Verdict::Required));
        assert_eq!(throughput.judge(1.0, 0.89), Some(Verdict::Missed));
        let (required, aim) = (1.1, 1.05);
        let cpu = Goal::RatioAtMost { required, aim };
        assert_eq!(cpu.judge(1.0, 1.2), Some(Verdict::Missed));
        assert_eq!(cpu.judge(1.0, 0.5), Some(Verdict::Aim));
        let most = Goal::AtMost { required: 60.0 };
        assert_eq!(most.judge(61.0, 0.1), Some(Verdict::Missed));
        assert_eq!(Goal::None.judge(1.0, 9.0), None);
    }

    #[test]
    fn an_aim_is_named_where_less_will_do() {
        let goal = |required, aim| Goal::RatioAtMost { required, aim }.describe();
        assert_eq!(goal(1.1, 1.05), "<= 1.10 (aim 1.05)");
        assert_eq!(goal(1.05, 1.05), "<= 1.05");
    }
}
