//! The chat in the page. It runs when something happens, so a hidden tab chats as well, and once a second for what it shows.

use std::pin::pin;

use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use webrtc_multiplayer::{Event, IceServer, Lobby, LostReason};

use crate::address::Address;
use crate::escape::escape;
use crate::form::{Form, Input};
use crate::page::{Page, State};
use crate::room::{Next, Room, one_line};

/// How often the figures of the peers are shown, in milliseconds.
const FIGURES: u32 = 1000;

/// How often the progress of what is sent is shown, in milliseconds.
const PROGRESS: u32 = 200;

/// What there is to react to.
enum Happened {
    Event(Event),
    Input(Input),
    /// For a while nothing else has.
    Nothing,
}

/// How a visit to the lobby ends.
enum End {
    /// `/quit`, or joining failed; the page says so.
    Over,
    /// The page was left and is back out of the browser's cache.
    Back,
}

/// Chats until `/quit`, or until joining fails; the page says why. A page that comes back joins anew.
pub(crate) async fn run(address: Address, mut page: Page, form: Form) {
    let servers = address.stun.iter().map(IceServer::stun);
    let lobby = servers.fold(
        Lobby::new(&*address.url, &*address.lobby),
        Lobby::ice_server,
    );
    loop {
        page.show_lobby(&address.lobby);
        page.show_state(State::Joining);
        let session = match lobby.clone().join() {
            Ok(session) => session,
            Err(error) => {
                form.close();
                return page.fail("The lobby cannot be joined", &one_line(&error));
            }
        };
        let mut room = Room::new(session, page);
        match visit(&mut room, &form, &address.url).await {
            End::Over => {
                room.output.clear_files();
                return;
            }
            End::Back => {
                page = room.output;
                page.clear_files();
            }
        }
    }
}

async fn visit(room: &mut Room<Page>, form: &Form, url: &str) -> End {
    loop {
        let next = match happened(room, form).await {
            Some(Happened::Event(Event::SignalingLost(LostReason::PageLeft))) => return End::Back,
            Some(Happened::Event(event)) => {
                mark(&room.output, &event);
                match room.tell(event) {
                    Ok(()) => Next::Stay,
                    Err(reason) => {
                        form.close();
                        let title = format!("The lobby on {url} cannot be joined");
                        room.output.fail(&title, &one_line(&reason));
                        return End::Over;
                    }
                }
            }
            Some(Happened::Nothing) => Next::Stay,
            Some(Happened::Input(Input::File(Ok((to, document))))) => {
                room.share(to, document);
                Next::Stay
            }
            Some(Happened::Input(Input::File(Err(why)))) => {
                room.error(format_args!("{}", escape(why.as_bytes())));
                Next::Stay
            }
            Some(Happened::Input(Input::Line { text, typed })) => {
                if typed {
                    room.output.echo(&text);
                }
                let next = room.obey(text.as_bytes());
                form.show_mode(room.mode.label());
                next
            }
            None => Next::Leave,
        };
        show_peers(room);
        room.show_progress();
        if next == Next::Leave {
            room.session.leave().await;
            form.close();
            show_peers(room);
            room.output.show_state(State::Left);
            return End::Over;
        }
    }
}

/// The next event or input, which waits until the lobby is joined.
async fn happened(room: &mut Room<Page>, form: &Form) -> Option<Happened> {
    let joined = room.joined;
    let pause = if room.is_sharing() { PROGRESS } else { FIGURES };
    let event = pin!(room.session.next_event());
    if !joined {
        return Some(Happened::Event(event.await));
    }
    let input = pin!(form.next());
    match select(event, select(input, TimeoutFuture::new(pause))).await {
        Either::Left((event, _)) => Some(Happened::Event(event)),
        Either::Right((Either::Left((input, _)), _)) => input.map(Happened::Input),
        Either::Right((Either::Right(_), _)) => Some(Happened::Nothing),
    }
}

/// What an event changes around the log; the browser's timeline gets a mark of it.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the rest is told in the log, if at all"
)]
fn mark(page: &Page, event: &Event) {
    match event {
        Event::Joined { id, lobby, .. } => {
            page.mark("joined");
            page.show_own(*id);
            page.show_lobby(lobby);
            page.show_state(State::Joined);
        }
        Event::PeerConnected(_) => page.mark("connected"),
        Event::SignalingInterrupted(_) => page.show_state(State::Interrupted),
        Event::SignalingLost(_) => page.show_state(State::Lost),
        Event::SignalingResumed => page.show_state(State::Joined),
        _ => {}
    }
}

fn show_peers(room: &mut Room<Page>) {
    let peers = room.peers();
    room.output.show_peers(peers);
}
