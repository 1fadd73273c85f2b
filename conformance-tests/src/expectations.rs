//! Known differences: which case fails in which column, and why. An unexpected pass is a failure, too.

/// Cases that are expected to fail in some columns, for one reason.
#[derive(Clone, Copy, Debug)]
pub struct Expectation {
    /// The columns.
    pub columns: &'static [&'static str],
    /// The cases.
    pub cases: &'static [&'static str],
    /// What the failure says: another failure is not expected.
    pub words: &'static str,
    /// Why, for whoever reads the matrix.
    pub reason: &'static str,
}

/// All of them.
pub const EXPECTATIONS: &[Expectation] = &[Expectation {
    columns: &["firefox", "native-firefox", "chromium-firefox"],
    cases: &["clause_07_lifetimes_end"],
    words: "reliability: Lifetime(150) }: gave nothing up",
    reason: "Firefox says that a channel has its maxPacketLifeTime, and sends its messages again without end",
}];

/// The one for this case in this column.
#[must_use]
pub fn expectation(column: &str, case: &str) -> Option<&'static Expectation> {
    find(EXPECTATIONS, column, case)
}

fn find<'a>(all: &'a [Expectation], column: &str, case: &str) -> Option<&'a Expectation> {
    all.iter()
        .find(|known| known.columns.contains(&column) && known.cases.contains(&case))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list;

    #[test]
    fn each_names_cases_and_a_reason() {
        for known in EXPECTATIONS {
            assert!(!known.columns.is_empty() && !known.cases.is_empty());
            let said = [known.words, known.reason].map(str::trim);
            assert!(!said.contains(&""), "{known:?}");
            for case in known.cases {
                assert!(list::case(case).is_some(), "there is no case {case}");
            }
        }
    }

    #[test]
    fn one_is_found_by_column_and_case() {
        let all = &[Expectation {
            columns: &["chromium", "firefox"],
            cases: &["connect"],
            words: "not done",
            reason: "a sample",
        }];
        assert!(find(all, "firefox", "connect").is_some());
        assert!(find(all, "native", "connect").is_none());
        assert!(find(all, "chromium", "a_lobby_of_eight").is_none());
    }
}
