//! Known differences: which case fails in which column, and why. An unexpected pass is a failure, too.

/// A case that is expected to fail in a column.
#[derive(Clone, Copy, Debug)]
pub struct Expectation {
    /// The column.
    pub column: &'static str,
    /// The case.
    pub case: &'static str,
    /// Why, for whoever reads the matrix.
    pub reason: &'static str,
}

/// All of them.
pub const EXPECTATIONS: &[Expectation] = &[];

/// The one for this case in this column.
#[must_use]
pub fn expectation(column: &str, case: &str) -> Option<&'static Expectation> {
    EXPECTATIONS
        .iter()
        .find(|known| known.column == column && known.case == case)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list;

    #[test]
    fn each_names_a_case_and_a_reason() {
        for known in EXPECTATIONS {
            assert!(list::case(known.case).is_some(), "{known:?}");
            assert!(!known.reason.trim().is_empty(), "{known:?}");
        }
    }
}
