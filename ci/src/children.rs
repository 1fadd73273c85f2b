//! The living children of this process, so that all of them end when it is told to end.

use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::group;

/// Whom a child takes along when it is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Everything in the group that it leads; it is made the leader of one.
    Group,
    /// Nobody.
    Alone,
}

/// Every child of this process, shared by whoever starts one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Children(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    living: BTreeSet<(Reach, u32)>,
    stopped: bool,
}

impl Children {
    /// Begins something that must not outlive the stop: either the stop sees it, or it does not begin and this is `None`.
    pub(crate) fn unless_stopped<T>(&self, begin: impl FnOnce() -> T) -> Option<T> {
        let state = self.lock();
        (!state.stopped).then(begin)
    }

    /// Starts a child; `None` once everything has been stopped.
    pub(crate) fn start(
        &self,
        command: &mut Command,
        reach: Reach,
    ) -> Option<io::Result<(Child, Living)>> {
        if reach == Reach::Group {
            group::isolate(command);
        }
        // Held until the child is known: who stops everything in between would miss it.
        let mut state = self.lock();
        if state.stopped {
            return None;
        }
        let started = command.spawn().map(|child| {
            let key = (reach, child.id());
            state.living.insert(key);
            let of = self.clone();
            (child, Living { key, of })
        });
        Some(started)
    }

    /// Ends every living child and lets no other begin.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        for &(reach, child) in &state.living {
            match reach {
                Reach::Group => group::kill(child),
                Reach::Alone => group::kill_one(child),
            }
        }
    }

    /// Whether that has happened.
    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A child that the stop would end; let go of when the process has been waited for.
#[derive(Debug)]
pub(crate) struct Living {
    key: (Reach, u32),
    of: Children,
}

impl Drop for Living {
    fn drop(&mut self) {
        self.of.lock().living.remove(&self.key);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sleeper() -> Command {
        let mut command = Command::new("sleep");
        command.arg("60");
        command
    }

    #[test]
    fn the_stop_ends_what_lives_and_nothing_begins_after_it() {
        let children = Children::default();
        let mut living = Vec::new();
        for reach in [Reach::Group, Reach::Alone] {
            living.push(children.start(&mut sleeper(), reach).unwrap().unwrap());
        }
        children.stop();
        for (mut child, _living) in living {
            assert!(!child.wait().unwrap().success());
        }
        assert!(children.is_stopped());
        assert!(children.start(&mut sleeper(), Reach::Group).is_none());
        assert_eq!(children.unless_stopped(|| ()), None);
    }

    #[test]
    fn who_begins_while_everything_is_stopped_is_ended_or_does_not_begin() {
        for _ in 0..50 {
            let children = Children::default();
            let stopper = std::thread::spawn({
                let children = children.clone();
                move || children.stop()
            });
            if let Some(started) = children.start(&mut sleeper(), Reach::Group) {
                let (mut child, _living) = started.unwrap();
                assert!(!child.wait().unwrap().success());
            }
            stopper.join().unwrap();
        }
    }

    #[test]
    fn who_was_waited_for_is_no_longer_known() {
        let children = Children::default();
        let mut command = Command::new("true");
        let (mut child, living) = children.start(&mut command, Reach::Alone).unwrap().unwrap();
        assert!(child.wait().unwrap().success());
        drop(living);
        assert!(children.lock().living.is_empty());
    }
}
