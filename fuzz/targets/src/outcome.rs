//! Panics of crates, contained.

use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, Once, PoisonError};
use std::{env, fs};

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was read or refused.
    Fine,
    /// A crate that is not ours panicked at it.
    Panicked,
}

/// Where the last panic was.
static PLACE: Mutex<String> = Mutex::new(String::new());

/// Where panics have been.
static PLACES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Does something that may panic.
pub(crate) fn contained(work: impl FnOnce()) -> Outcome {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(()) => Outcome::Fine,
        Err(_) => Outcome::Panicked,
    }
}

/// Does something with this input that may panic, and tells of panics at new places.
pub(crate) fn noted(input: &[u8], work: impl FnOnce()) {
    static HOOK: Once = Once::new();
    // The fuzzer has a hook of its own, which ends the process.
    HOOK.call_once(|| {
        panic::set_hook(Box::new(|panic| {
            let place = panic
                .location()
                .map_or_else(String::new, ToString::to_string);
            *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = place;
        }));
    });
    if contained(work) == Outcome::Fine {
        return;
    }
    let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    if places.insert(place.clone()) {
        tell(&place, input);
    }
}

#[expect(
    clippy::print_stderr,
    reason = "it is the output of the fuzzer's program"
)]
fn tell(place: &str, input: &[u8]) {
    eprintln!("a crate panics at {place}, {} bytes of input", input.len());
    if let Some(folder) = env::var_os("FUZZ_PANICS") {
        let from = place.rfind("registry").unwrap_or(0);
        let name = place[from..].replace(['/', ':'], "-");
        let kept = fs::write(Path::new(&folder).join(name), input);
        if let Err(error) = kept {
            eprintln!("the input is not kept: {error}");
        }
    }
}
