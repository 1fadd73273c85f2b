//! Random histories of a hall against a naive one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use signaling::{MessageType, decode};

use super::house::House;
use super::*;
use crate::entropy;

const LOBBIES: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Step {
    Connect,
    /// The nth socket joins the nth lobby; whoever makes it decides whether it is a mesh.
    Join(usize, usize, bool),
    Relay(usize, usize),
    Seal(usize),
    Leave(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Connect),
        5 => (any::<usize>(), 0..LOBBIES.len(), any::<bool>()).prop_map(|(s, l, m)| Step::Join(s, l, m)),
        4 => (any::<usize>(), any::<usize>()).prop_map(|(s, t)| Step::Relay(s, t)),
        1 => any::<usize>().prop_map(Step::Seal),
        2 => any::<usize>().prop_map(Step::Leave),
        1 => (0..6_u64).prop_map(Step::Wait),
    ]
}

/// A lobby as one would write it without a thought for speed: a list of sockets, the host first.
#[derive(Debug)]
struct NaiveLobby {
    name: &'static str,
    mesh: bool,
    members: Vec<MemberId>,
    host_left: bool,
    ends: Option<Instant>,
}

/// What a socket has been told, and what the naive server says it should have been.
#[derive(Debug, Default)]
struct View {
    own: Option<u32>,
    seen: BTreeSet<u32>,
    lobby: Option<String>,
    sealed: bool,
}

struct World {
    house: House,
    now: Instant,
    /// Those that live.
    sockets: Vec<MemberId>,
    views: BTreeMap<MemberId, View>,
    lobbies: Vec<NaiveLobby>,
    signals: u32,
}

impl World {
    fn new() -> Self {
        Self {
            house: House::new(Config::default(), entropy::system()),
            now: Instant::from_micros(1),
            sockets: Vec::new(),
            views: BTreeMap::new(),
            lobbies: Vec::new(),
            signals: 0,
        }
    }

    fn pick(&self, n: usize) -> Option<MemberId> {
        self.sockets
            .get(n.checked_rem(self.sockets.len())?)
            .copied()
    }

    fn lobby_of(&mut self, socket: MemberId) -> Option<&mut NaiveLobby> {
        self.lobbies
            .iter_mut()
            .find(|lobby| lobby.members.contains(&socket))
    }

    fn run(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Connect => {
                let socket = self.house.connect();
                self.sockets.push(socket);
                self.views.insert(socket, View::default());
            }
            Step::Join(n, lobby, mesh) => self.join(n, LOBBIES[lobby], mesh)?,
            Step::Relay(n, m) => self.relay(n, m)?,
            Step::Seal(n) => self.seal(n)?,
            Step::Leave(n) => {
                if let Some(socket) = self.pick(n) {
                    self.house.disconnect(socket);
                    self.gone(socket);
                }
            }
            Step::Wait(seconds) => self.wait(seconds),
        }
        self.deliver()?;
        self.compare()
    }

    fn text(&mut self, socket: MemberId, kind: u8, id: u32, data: &str) {
        let text = format!(r#"{{"type":{kind},"id":{id},"data":"{data}"}}"#);
        self.house.handle_text(self.now, socket, &text);
    }

    fn join(&mut self, n: usize, name: &'static str, mesh: bool) -> Result<(), TestCaseError> {
        let Some(socket) = self.pick(n) else {
            return Ok(());
        };
        self.text(socket, 0, u32::from(!mesh), name);
        if self.lobby_of(socket).is_some() {
            self.gone(socket);
            return Ok(());
        }
        match self.lobbies.iter_mut().find(|lobby| lobby.name == name) {
            Some(lobby) if lobby.ends.is_some() => self.gone(socket),
            Some(lobby) => lobby.members.push(socket),
            None => self.lobbies.push(NaiveLobby {
                name,
                mesh,
                members: vec![socket],
                host_left: false,
                ends: None,
            }),
        }
        Ok(())
    }

    /// Sends a signal to anybody's id; it must arrive where the two know each other, and nowhere else.
    fn relay(&mut self, n: usize, m: usize) -> Result<(), TestCaseError> {
        let (Some(from), Some(to)) = (self.pick(n), self.pick(m)) else {
            return Ok(());
        };
        let own = |socket| self.views.get(&socket).and_then(|view: &View| view.own);
        let (Some(from_id), Some(to_id)) = (own(from), own(to)) else {
            return Ok(());
        };
        self.signals += 1;
        let data = self.signals.to_string();
        self.text(from, 4, to_id, &data);
        // 1 and its like are in every lobby: whom it reaches is whoever has that id in the sender's lobby.
        let target = self
            .lobby_of(from)
            .map(|lobby| lobby.members.clone())
            .unwrap_or_default();
        let target = target.into_iter().find(|member| {
            *member != from && self.views.get(member).and_then(|view| view.own) == Some(to_id)
        });
        let knows = self
            .views
            .get(&from)
            .is_some_and(|view| view.seen.contains(&to_id));
        let arrived = std::iter::from_fn(|| self.house.poll_action()).collect::<Vec<_>>();
        let expected = target.filter(|_| knows).map(|to| {
            let text = format!(r#"{{"type":4,"id":{from_id},"data":"{data}"}}"#);
            Action::Tell {
                to,
                text: text.into(),
                about: About::Lobby,
            }
        });
        prop_assert_eq!(arrived, Vec::from_iter(expected));
        Ok(())
    }

    fn seal(&mut self, n: usize) -> Result<(), TestCaseError> {
        let Some(socket) = self.pick(n) else {
            return Ok(());
        };
        let now = self.now;
        self.text(socket, 7, 0, "");
        match self.lobby_of(socket) {
            Some(lobby) if lobby.members.first() == Some(&socket) && !lobby.host_left => {
                lobby.ends.get_or_insert(now + Duration::from_secs(10));
            }
            Some(_) | None => self.gone(socket),
        }
        Ok(())
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.house.handle_timeout(self.now);
        let now = self.now;
        let (over, lobbies): (Vec<_>, Vec<_>) = std::mem::take(&mut self.lobbies)
            .into_iter()
            .partition(|lobby| lobby.ends.is_some_and(|due| due <= now));
        self.lobbies = lobbies;
        for lobby in over {
            lobby
                .members
                .into_iter()
                .for_each(|member| self.forget(member));
        }
    }

    /// A socket has left or was sent away: so are the others if it was the host, unless the seal has set the end.
    fn gone(&mut self, socket: MemberId) {
        self.forget(socket);
        let Some(index) = self
            .lobbies
            .iter()
            .position(|lobby| lobby.members.contains(&socket))
        else {
            return;
        };
        let lobby = &mut self.lobbies[index];
        let was_host = lobby.members.first() == Some(&socket) && !lobby.host_left;
        lobby.members.retain(|member| *member != socket);
        lobby.host_left |= was_host;
        if lobby.members.is_empty() || (was_host && lobby.ends.is_none()) {
            let lobby = self.lobbies.remove(index);
            lobby
                .members
                .into_iter()
                .for_each(|member| self.forget(member));
        }
    }

    fn forget(&mut self, socket: MemberId) {
        self.sockets.retain(|other| *other != socket);
    }

    /// Plays what the house says into the views.
    fn deliver(&mut self) -> Result<(), TestCaseError> {
        let mut closed = BTreeSet::new();
        while let Some(action) = self.house.poll_action() {
            let (to, text) = match action {
                Action::Tell { to, text, .. } => (to, text),
                Action::Close { member, .. } => {
                    prop_assert!(closed.insert(member), "closed twice");
                    prop_assert!(!self.sockets.contains(&member), "closed without a cause");
                    continue;
                }
            };
            prop_assert!(!closed.contains(&to), "a text after the close");
            let message =
                decode(&text, usize::MAX).map_err(|e| TestCaseError::fail(e.to_string()))?;
            let view = self
                .views
                .get_mut(&to)
                .ok_or_else(|| TestCaseError::fail("nobody"))?;
            match message.kind {
                MessageType::Id => prop_assert_eq!(view.own.replace(message.id), None),
                MessageType::Join => prop_assert_eq!(view.lobby.replace(message.data), None),
                MessageType::PeerConnect => {
                    prop_assert!(view.seen.insert(message.id), "announced twice")
                }
                MessageType::PeerDisconnect => {
                    prop_assert!(view.seen.remove(&message.id), "left twice")
                }
                MessageType::Seal => prop_assert!(!std::mem::replace(&mut view.sealed, true)),
                MessageType::Offer | MessageType::Answer | MessageType::Candidate | _ => {
                    return Err(TestCaseError::fail("a signal out of nowhere"));
                }
            }
        }
        Ok(())
    }

    /// What everybody knows is what the naive lobbies say.
    fn compare(&self) -> Result<(), TestCaseError> {
        let counts = Counts {
            members: self.lobbies.iter().map(|lobby| lobby.members.len()).sum(),
            away: 0,
            lobbies: self.lobbies.len(),
        };
        prop_assert_eq!(self.house.counts(), counts);
        // The next thing to happen is the first end of a sealed lobby.
        let ends = self.lobbies.iter().filter_map(|lobby| lobby.ends).min();
        prop_assert_eq!(self.house.hall.poll_timeout(), ends);
        for lobby in &self.lobbies {
            let own = |socket: &MemberId| self.views.get(socket).and_then(|view| view.own);
            let ids: Vec<_> = lobby.members.iter().filter_map(own).collect();
            prop_assert_eq!(
                ids.iter().collect::<BTreeSet<_>>().len(),
                lobby.members.len(),
                "ids are unique"
            );
            for (index, socket) in lobby.members.iter().enumerate() {
                let is_host = index == 0 && !lobby.host_left;
                let view = &self.views[socket];
                prop_assert_eq!(view.own == Some(1), is_host);
                prop_assert_eq!(view.lobby.as_deref(), Some(lobby.name));
                prop_assert_eq!(view.sealed, lobby.ends.is_some());
                let mut expected: BTreeSet<u32> = match lobby.mesh || is_host {
                    true => ids
                        .iter()
                        .copied()
                        .filter(|id| Some(*id) != view.own)
                        .collect(),
                    false => BTreeSet::from([1]),
                };
                // Nobody is told that the host left a sealed lobby.
                if lobby.host_left {
                    expected.insert(1);
                }
                prop_assert_eq!(&view.seen, &expected);
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn nobody_is_lost_and_nobody_is_told_twice(steps in proptest::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        for step in &steps {
            world.run(step)?;
        }
        // And nothing is left behind.
        while let Some(socket) = world.pick(0) {
            world.house.disconnect(socket);
            world.gone(socket);
            world.deliver()?;
        }
        prop_assert_eq!(world.house.counts(), Counts { members: 0, away: 0, lobbies: 0 });
        prop_assert_eq!(world.house.hall.poll_timeout(), None);
    }
}
