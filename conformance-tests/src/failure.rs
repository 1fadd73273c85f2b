//! Why a case failed, in words that let one find the place.

#[cfg(not(target_arch = "wasm32"))]
use std::any::Any;
use std::fmt;

/// A case's verdict when it is not "passed": what was expected, of whom, and what was seen instead.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    what: String,
    traces: Vec<String>,
    /// What the case needs and this place does not have.
    lacks: Option<&'static str>,
}

impl Failure {
    /// A failure in these words.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            traces: Vec::new(),
            lacks: None,
        }
    }

    /// The case cannot be run here, for want of this. It has neither passed nor failed.
    #[must_use]
    pub fn not_run(lacks: &'static str) -> Self {
        Self {
            lacks: Some(lacks),
            ..Self::new(format!("not run: {lacks}"))
        }
    }

    /// Why the case cannot be run here, if that is all there is to say.
    #[must_use]
    pub const fn lacks(&self) -> Option<&'static str> {
        self.lacks
    }

    /// Adds what a participant did and saw last.
    #[must_use]
    pub fn with_trace(mut self, trace: impl Into<String>) -> Self {
        self.traces.push(trace.into());
        self
    }

    /// Says where it went wrong.
    #[must_use]
    pub fn of(mut self, place: &str) -> Self {
        self.what = format!("{place}: {}", self.what);
        self
    }

    /// What went wrong, without the traces.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }
}

/// What a panic says, as far as it is text.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn panic_words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_default()
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        for trace in &self.traces {
            write!(f, "\n  {trace}")?;
        }
        Ok(())
    }
}

/// As `Display`: libtest prints what a test returned by `Debug`.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}

/// What every case and every step of one gives.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Fails the case unless the condition holds; the words are `format!`'s.
#[cfg(not(target_arch = "wasm32"))]
macro_rules! ensure {
    ($condition:expr, $($words:tt)+) => {
        if !$condition {
            return Err($crate::Failure::new(format!($($words)+)));
        }
    };
}

/// Fails the case unless both are equal, and shows both.
#[cfg(not(target_arch = "wasm32"))]
macro_rules! ensure_eq {
    ($left:expr, $right:expr, $($words:tt)+) => {{
        let (left, right) = (&$left, &$right);
        if left != right {
            return Err($crate::Failure::new(format!(
                "{}: {left:?} instead of {right:?}",
                format_args!($($words)+)
            )));
        }
    }};
}

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use {ensure, ensure_eq};
