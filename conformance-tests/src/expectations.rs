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
    columns: &["chromium", "firefox", "chromium-firefox"],
    cases: &[
        "godot_4_modes_at_5_percent_loss",
        "godot_4_modes_at_20_percent_loss",
        "godot_4_lifetime_at_5_percent_loss",
        "godot_4_lifetime_at_20_percent_loss",
        "godot_4_misspelt_key_at_5_percent_loss",
        "godot_4_misspelt_key_at_20_percent_loss",
        "last_words_arrive_over_bad_paths",
        "a_broken_path_is_an_interruption",
        "a_bad_path_is_no_interruption",
    ],
    words: "neither side can make the path bad",
    reason: "a browser's sockets are its own, so nobody here can make the path bad; the columns with a native side do",
}];

/// The one for this case in this column.
#[must_use]
pub fn expectation(column: &str, case: &str) -> Option<&'static Expectation> {
    EXPECTATIONS
        .iter()
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
        let lossy = "godot_4_modes_at_20_percent_loss";
        assert!(expectation("chromium-firefox", lossy).is_some());
        assert!(expectation("native-firefox", lossy).is_none());
        assert!(expectation("chromium", "connect").is_none());
    }
}
