//! Telling the members what has changed of their lobby: at once, and after that no more often than they can bear.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mesh_core::{Instant, PeerId};
use signaling::Notice;

use super::lobby::Lobby;
use super::{About, Fact, Hall, Timer, tell};

/// How much time is between two tellings. Only the latest state is told, so that a host that changes it all the time costs its
/// members no more than this.
const PAUSE: Duration = Duration::from_millis(500);

/// What has changed of a lobby and is not told yet.
#[derive(Debug)]
pub(super) struct News {
    /// Whether it is locked.
    pub(super) lock: bool,
    /// Whether it is on the public list.
    pub(super) list: bool,
    /// Its data.
    pub(super) data: bool,
    /// The data of these members.
    pub(super) members: BTreeSet<PeerId>,
    /// No change is told before this moment.
    quiet_until: Option<Instant>,
    /// When the next telling is.
    due: Option<Instant>,
}

impl News {
    pub(super) const fn new() -> Self {
        Self {
            lock: false,
            list: false,
            data: false,
            members: BTreeSet::new(),
            quiet_until: None,
            due: None,
        }
    }

    /// When the next telling is, if one is planned.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    fn is_empty(&self) -> bool {
        !self.lock && !self.list && !self.data && self.members.is_empty()
    }
}

impl Hall {
    /// Changes a lobby, and sees to it that its members are told.
    pub(super) fn change(
        &mut self,
        now: Instant,
        name: &Arc<str>,
        change: impl FnOnce(&mut Lobby),
    ) {
        let Some(lobby) = self.lobbies.get_mut(name) else {
            return;
        };
        change(lobby);
        let news = &mut lobby.news;
        if news.is_empty() || news.due.is_some() {
            return;
        }
        match news.quiet_until.filter(|until| now < *until) {
            Some(until) => {
                news.due = Some(until);
                self.timers.insert((until, Timer::News(Arc::clone(name))));
            }
            None => self.tell_news(now, name),
        }
    }

    /// Tells those who speak our extension what has changed.
    pub(super) fn tell_news(&mut self, now: Instant, name: &Arc<str>) {
        let Some(lobby) = self.lobbies.get_mut(name) else {
            return;
        };
        let News {
            lock,
            list,
            data,
            members,
            ..
        } = std::mem::replace(
            &mut lobby.news,
            News {
                quiet_until: Some(now + PAUSE),
                ..News::new()
            },
        );
        let lobby = &*lobby;
        let everybody = || {
            let ours = lobby.members().filter(|present| present.is_ours);
            ours.map(|present| present.member)
        };
        if lock {
            let about = About::State(Fact::Lock);
            let notice = Notice::Locked(lobby.is_locked);
            tell(&mut self.actions, everybody(), about, notice);
        }
        if list {
            let about = About::State(Fact::List);
            let notice = Notice::Listed(lobby.is_listed);
            tell(&mut self.actions, everybody(), about, notice);
        }
        if data {
            let about = About::State(Fact::Data);
            let notice = Notice::Data(lobby.data.clone());
            tell(&mut self.actions, everybody(), about, notice);
        }
        for id in members {
            // The data of a member that is away are told when it is back.
            let Some(seat) = lobby.seat(id).filter(|_| lobby.present(id).is_some()) else {
                continue;
            };
            let witnesses = lobby.seen_by(id, false).chain(lobby.present(id));
            let ours = witnesses.filter(|present| present.is_ours);
            let about = About::State(Fact::Member(id));
            let data = seat.data.clone().unwrap_or_default();
            let notice = Notice::MemberData { peer: id, data };
            tell(
                &mut self.actions,
                ours.map(|present| present.member),
                about,
                notice,
            );
        }
    }
}
