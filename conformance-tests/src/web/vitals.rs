//! What this page holds: connections, channels, callbacks; whether it is hidden, and whether anything in it has panicked.

use std::cell::Cell;

use backend_web::testing::held;

use super::puppet::Post;
use crate::mailbox::TROUBLE;
use crate::reply::Vitals;

thread_local! {
    static PANICS: Cell<u64> = const { Cell::new(0) };
    static POST: Cell<Option<Post>> = const { Cell::new(None) };
}

/// Counts every panic from now on, and tells the test of it: what panics in a page cannot answer any more.
pub(super) fn count_panics(post: Post) {
    POST.set(Some(post));
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.set(PANICS.get() + 1);
        if let Some(post) = POST.take() {
            post(&format!("{TROUBLE}\n{info}"));
            POST.set(Some(post));
        }
        former(info);
    }));
}

pub(super) fn read() -> Vitals {
    let held = held();
    let counts = [
        ("connections", held.connections),
        ("channels", held.channels),
        ("sockets", held.sockets),
        ("callbacks", held.callbacks),
        ("tasks", held.tasks),
    ];
    Vitals {
        counts: counts
            .map(|(name, count)| (name.to_owned(), count as u64))
            .into(),
        resident: None,
        hidden: is_hidden(),
        panics: Some(PANICS.get()),
    }
}

fn is_hidden() -> Option<bool> {
    Some(web_sys::window()?.document()?.hidden())
}
