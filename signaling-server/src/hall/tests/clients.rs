//! The library's own client on this house: both sides understand the same words.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use mesh_core::{
    LobbyCommand, LobbyEvent, LostReason, SdpType, SessionDescription, Signal, Signaling,
    SignalingError, SignalingEvent, Topology,
};
use signaling::{Client, JoinRequest, Transport, TransportError, TransportEvent};

use super::*;

/// A server in memory: the house, and what waits for each socket.
struct Desk {
    house: House,
    inboxes: BTreeMap<MemberId, VecDeque<TransportEvent>>,
}

impl Desk {
    fn settle(&mut self) {
        while let Some(action) = self.house.poll_action() {
            let (socket, event) = match action {
                Action::Tell { to, text, .. } => (to, TransportEvent::Text(text.to_string())),
                Action::Close {
                    member: socket,
                    goodbye,
                } => {
                    let (code, reason) = (goodbye.code(), goodbye.reason());
                    let reason = LostReason::Refused { code, reason };
                    (socket, TransportEvent::Closed { reason })
                }
            };
            self.inboxes.entry(socket).or_default().push_back(event);
        }
    }
}

struct Wire {
    desk: Rc<RefCell<Desk>>,
    socket: MemberId,
}

impl Transport for Wire {
    fn send(&mut self, text: String) -> Result<(), TransportError> {
        let mut desk = self.desk.borrow_mut();
        desk.house.handle_text(START, self.socket, &text);
        desk.settle();
        Ok(())
    }

    fn poll_event(&mut self, _cx: &mut Context<'_>) -> Poll<TransportEvent> {
        let mut desk = self.desk.borrow_mut();
        match desk
            .inboxes
            .get_mut(&self.socket)
            .and_then(VecDeque::pop_front)
        {
            Some(event) => Poll::Ready(event),
            None => Poll::Pending,
        }
    }

    fn close(&mut self) {
        let mut desk = self.desk.borrow_mut();
        desk.house.disconnect(self.socket);
        desk.settle();
    }
}

fn desk(config: Config) -> Rc<RefCell<Desk>> {
    Rc::new(RefCell::new(Desk {
        house: house(config),
        inboxes: BTreeMap::new(),
    }))
}

fn client(desk: &Rc<RefCell<Desk>>, topology: Topology) -> Client<Wire> {
    let request = JoinRequest {
        topology,
        ..JoinRequest::mesh("demo")
    };
    client_with(desk, request)
}

fn client_with(desk: &Rc<RefCell<Desk>>, request: JoinRequest) -> Client<Wire> {
    let socket = connect(&mut desk.borrow_mut().house);
    let opened = VecDeque::from([TransportEvent::Opened]);
    desk.borrow_mut().inboxes.insert(socket, opened);
    let desk = Rc::clone(desk);
    Client::new(Wire { desk, socket }, request)
}

fn events(client: &mut Client<Wire>) -> Vec<SignalingEvent> {
    let mut cx = Context::from_waker(Waker::noop());
    let events = std::iter::from_fn(|| match client.poll_event(START, &mut cx) {
        Poll::Ready(event) => Some(event),
        Poll::Pending => None,
    });
    // That everybody has been told comes with every join.
    let complete = SignalingEvent::Lobby(LobbyEvent::Complete);
    events.filter(|event| *event != complete).collect()
}

fn peer(id: u32) -> PeerId {
    PeerId::new(id).expect("an id")
}

fn joined(id: u32, topology: Topology) -> SignalingEvent {
    SignalingEvent::Joined {
        id: peer(id),
        topology,
        lobby: "demo".to_owned(),
    }
}

#[test]
fn a_lobby_from_its_first_member_to_its_seal() {
    let desk = desk(Config::default());
    let mut host = client(&desk, Topology::Mesh);
    assert_eq!(events(&mut host), [joined(1, Topology::Mesh)]);
    let mut guest = client(&desk, Topology::ClientServer);
    assert_eq!(
        events(&mut guest),
        [
            joined(10, Topology::Mesh),
            SignalingEvent::PeerJoined(peer(1))
        ]
    );
    assert_eq!(events(&mut host), [SignalingEvent::PeerJoined(peer(10))]);

    let signal = Signal::Description(SessionDescription {
        sdp_type: SdpType::Offer,
        sdp: "v=0\r\n".to_owned(),
    });
    assert_eq!(guest.send(START, peer(1), signal.clone()), Ok(()));
    let from = peer(10);
    assert_eq!(events(&mut host), [SignalingEvent::Signal { from, signal }]);

    assert_eq!(host.seal(START), Ok(()));
    assert_eq!(events(&mut host), [SignalingEvent::Sealed]);
    assert_eq!(events(&mut guest), [SignalingEvent::Sealed]);
    let ten_seconds_later = START + Duration::from_secs(10);
    desk.borrow_mut().house.handle_timeout(ten_seconds_later);
    desk.borrow_mut().settle();
    for client in [&mut host, &mut guest] {
        let reason = LostReason::SealComplete;
        assert_eq!(events(client), [SignalingEvent::Lost { reason }]);
    }
}

#[test]
fn leaving_is_seen_and_the_hosts_leaving_has_words() {
    let desk = desk(Config::default());
    let mut clients: Vec<_> = (0..3)
        .map(|_| client(&desk, Topology::ClientServer))
        .collect();
    for client in &mut clients {
        events(client);
    }
    assert_eq!(
        events(&mut clients[0]),
        [10, 11].map(|id| SignalingEvent::PeerJoined(peer(id)))
    );
    clients[2].close();
    assert_eq!(
        events(&mut clients[0]),
        [SignalingEvent::PeerLeft(peer(11))]
    );
    clients[0].close();
    let reason = LostReason::HostLeft;
    assert_eq!(reason.to_string(), "the host has left the lobby");
    assert_eq!(events(&mut clients[1]), [SignalingEvent::Lost { reason }]);
}

#[test]
fn a_lobby_goes_on_and_the_next_host_can_do_what_a_host_can() {
    let desk = desk(Config::default());
    let request = || JoinRequest {
        host_migration: true,
        is_listed: true,
        ..JoinRequest::mesh("demo")
    };
    let mut clients = [(); 3].map(|()| client_with(&desk, request()));
    let told = |client: &mut Client<Wire>| {
        let lobby = |event| {
            let SignalingEvent::Lobby(event) = event else {
                return None;
            };
            Some(event)
        };
        Vec::from_iter(events(client).into_iter().filter_map(lobby))
    };
    for client in &mut clients {
        assert_eq!(told(client), [LobbyEvent::Listed(true)]);
    }
    let [mut host, mut second, mut third] = clients;
    host.close();
    for client in [&mut second, &mut third] {
        assert_eq!(told(client), [LobbyEvent::Host(peer(10))]);
    }
    let lock = LobbyCommand::SetLocked(true);
    let refused = third.control(START, lock.clone());
    assert!(matches!(refused, Err(SignalingError::Unsendable(_))));
    assert_eq!(second.control(START, lock), Ok(()));
    assert_eq!(told(&mut third), [LobbyEvent::Locked(true)]);
    let peer = peer(11);
    let reason = "spam".to_owned();
    let kick = LobbyCommand::Kick { peer, reason };
    assert_eq!(second.control(START, kick), Ok(()));
    let [.., SignalingEvent::Lost { reason }] = &events(&mut third)[..] else {
        panic!("not lost");
    };
    let words = "the host has removed us from the lobby: spam";
    assert_eq!(reason.to_string(), words);
}

#[test]
fn members_of_a_group_hear_that_it_is_complete() {
    let desk = desk(Config::default());
    let request = || JoinRequest {
        group_of: Some(2),
        ..JoinRequest::mesh("duel")
    };
    let mut first = client_with(&desk, request());
    assert!(!events(&mut first).contains(&SignalingEvent::Sealed));
    let mut second = client_with(&desk, request());
    assert_eq!(events(&mut second).last(), Some(&SignalingEvent::Sealed));
    assert_eq!(events(&mut first).last(), Some(&SignalingEvent::Sealed));
}

#[test]
fn a_strict_servers_refusal_has_words() {
    let desk = desk(Config::strict());
    let mut client = client(&desk, Topology::Mesh);
    let reason = LostReason::Refused {
        code: 4000,
        reason: "Lobby does not exists".to_owned(),
    };
    assert_eq!(events(&mut client), [SignalingEvent::Lost { reason }]);
}
