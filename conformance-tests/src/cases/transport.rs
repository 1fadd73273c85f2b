//! The contract of [`signaling::Transport`], clause by clause, with a real signaling server at the other end.
//!
//! The cases speak the server's protocol by hand: what a member tells another one shows which texts have arrived, and what the others
//! are told of a member shows how its connection has ended.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use mesh_core::{LostReason, PeerId, Topology};
use signaling::{
    Extension, MAX_NOTICE_SIZE, Message, Notice, Request, SignalType, TransportError, decode,
    encode,
};

use crate::environment::Ask;
use crate::failure::{ensure, ensure_eq};
use crate::request::{Meeting, Pace};
use crate::{Outcome, Participant};

/// How long an event may take that must not come. On a slow machine it may come later: then nobody notices.
const QUIET: Duration = Duration::from_millis(300);

/// A seat in a lobby: whose, and what brings its member back to it.
struct Seat {
    id: PeerId,
    token: String,
}

/// `Opened` comes first and once. Where no server can be reached `Closed` comes instead, and says so.
pub async fn transport_1_opened_comes_first_and_once(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    let meeting = a.meeting().await?;
    sit(a, &meeting).await?;
    // What it hears between the two ends of a connection are texts: each step here fails at anything else.
    a.wish(Ask::EndSignaling).await?;
    let told = LostReason::Refused {
        code: 1001,
        reason: "The server is shutting down".to_owned(),
    };
    ensure_eq!(a.cut_off().await?, told, "the end");
    b.dial(&meeting.url).await?;
    let reason = b.cut_off().await?;
    ensure!(
        matches!(&reason, LostReason::Unreachable(why) if !why.is_empty()),
        "no server is there, and b is told {reason:?}"
    );
    quiet(a).await?;
    quiet(b).await
}

/// Texts come whole, once and in order, in both directions.
pub async fn transport_2_texts_come_whole_once_and_in_order(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    let (_, host, guest) = seats(a, b).await?;
    let texts: Vec<_> = (0..40_usize).map(sample).collect();
    for (from, to, of, seat) in [(a, b, &host, &guest), (b, a, &guest, &host)] {
        for text in &texts {
            from.tell_server(relay(seat.id, text)).await?;
        }
        for text in &texts {
            hears(to, of.id, text).await?;
        }
    }
    quiet(a).await?;
    quiet(b).await
}

/// A text of its own for each number: every ninth is long, and all have characters of one to four bytes.
fn sample(number: usize) -> String {
    let len = if number.is_multiple_of(9) { 3_000 } else { 3 };
    format!(
        "{number} \u{e9}\u{20ac}\u{1f600} \"\\ {}",
        "\u{e9}.".repeat(len)
    )
}

/// Before `Opened` and after `Closed` nothing is taken; in between no more than there is room for.
pub async fn transport_3_sending_has_a_bound(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    let meeting = a.meeting().await?;
    a.dial(&meeting.url).await?;
    a.stands().await?;
    // 64 MiB, which is more than anybody holds. The server sends the member away at the first.
    let (text, count) = ("x".repeat(4 * 1024), 16 * 1024);
    match a.try_tell_server(text.clone(), count).await? {
        Ok(taken) => ensure!(taken < count, "all of {count} texts were taken"),
        Err(error) => return Err(a.fail(format!("the first text: {error}"))),
    }
    // A server that sends somebody away who still talks may be cut off before its words arrive.
    let reason = a.cut_off().await?;
    ensure!(
        matches!(reason, LostReason::Refused { .. } | LostReason::Closed),
        "a is told {reason:?}"
    );
    takes_nothing(a, &text).await?;
    a.wish(Ask::EndSignaling).await?;
    b.dial(&meeting.url).await?;
    takes_nothing(b, &text).await
}

/// `Closed` is the last event, comes once and says why.
pub async fn transport_4_closed_is_the_last_and_says_why(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    let meeting = a.meeting().await?;
    // The server's words.
    a.dial(&meeting.url).await?;
    a.stands().await?;
    a.tell_server(relay(PeerId::SERVER, "too early")).await?;
    let told = LostReason::Refused {
        code: 4000,
        reason: "Invalid message when not in a lobby".to_owned(),
    };
    ensure_eq!(a.cut_off().await?, told, "the server's words");
    quiet(a).await?;
    // More than it takes.
    a.dial_with(&meeting.url, 16).await?;
    a.stands().await?;
    a.tell_server(join(&meeting, None)).await?;
    let reason = a.cut_off().await?;
    ensure!(
        matches!(reason, LostReason::Protocol(_)),
        "a text is too long, and a is told {reason:?}"
    );
    // No word at all.
    sit(b, &meeting).await?;
    b.wish(Ask::KillSignaling).await?;
    b.wish(Ask::StartSignaling).await?;
    ensure_eq!(b.cut_off().await?, LostReason::Closed, "a server that dies");
    quiet(a).await?;
    quiet(b).await
}

/// The last waker given is the one that is woken, and a poll that is given up costs nothing.
pub async fn transport_5_the_last_waker_is_woken(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    let (_, host, guest) = seats(a, b).await?;
    let patience = Duration::from_secs(4);
    // Again and again: the first may arrive before anybody waits.
    let woken = match select(pin!(a.wake_by_text(patience)), pin!(tick(b, host.id))).await {
        Either::Left((woken, _)) => woken?,
        Either::Right((Err(failure), _)) => return Err(failure),
        Either::Right((Ok(never), _)) => match never {},
    };
    ensure!(woken.last, "a text did not wake the last waker");
    b.tell_server(relay(host.id, LAST)).await?;
    let mut expected = 0_u32;
    loop {
        let text = word(a, guest.id).await?;
        if text == LAST {
            ensure!(expected > 0, "a was woken by nothing");
            return Ok(());
        }
        ensure_eq!(text, expected.to_string(), "the next text");
        expected += 1;
    }
}

/// Without end: tells a member a number every 20 ms, counting up from 0.
async fn tick(from: &Participant, to: PeerId) -> Outcome<Infallible> {
    let mut number = 0_u32;
    loop {
        from.tell_server(relay(to, &number.to_string())).await?;
        number += 1;
        from.sleep(Duration::from_millis(20)).await?;
    }
}

/// What was accepted goes out before a close, and before a drop. Nothing is reported after either.
pub async fn transport_6_a_close_says_the_rest_and_is_quiet(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    let (meeting, host, guest) = seats(a, b).await?;
    b.pace(Pace::Never).await?;
    a.tell_server(relay(guest.id, "unread")).await?;
    for number in 0..10 {
        b.tell_server(relay(host.id, &number.to_string())).await?;
    }
    b.hang_up().await?;
    b.pace(Pace::Events).await?;
    takes_nothing(b, "late").await?;
    for number in 0..10 {
        hears(a, guest.id, &number.to_string()).await?;
    }
    leaves(a, guest.id).await?;
    quiet(b).await?;

    let guest = sit(b, &meeting).await?;
    joins(a, guest.id).await?;
    b.tell_server(relay(host.id, LAST)).await?;
    b.drop_all().await?;
    hears(a, guest.id, LAST).await?;
    leaves(a, guest.id).await
}

/// `reopen` begins the contract anew. The server does not take the member for one that leaves: nobody is told that it has left,
/// and its seat is there.
pub async fn transport_7_reopen_begins_anew(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    let (meeting, host, guest) = seats(a, b).await?;
    b.reopen().await?;
    b.stands().await?;
    b.tell_server(join(&meeting, Some(&guest))).await?;
    ensure_eq!(taken_in(b).await?.id, guest.id, "the seat");
    let next = notice(a, "for the member that comes back").await?;
    ensure_eq!(next, Notice::PeerResumed(guest.id), "what a is told");
    b.tell_server(relay(host.id, LAST)).await?;
    hears(a, guest.id, LAST).await
}

/// `reopen_at` is a `reopen` at another address, and the next `reopen` is one at its own.
pub async fn transport_7_reopen_at_goes_elsewhere(cast: [Participant; 1]) -> Outcome {
    let [a] = &cast;
    let meeting = a.meeting().await?;
    a.dial(NOBODY).await?;
    unreachable(a).await?;
    a.reopen_at(&meeting.url).await?;
    a.stands().await?;
    a.tell_server(join(&meeting, None)).await?;
    taken_in(a).await?;
    a.reopen().await?;
    unreachable(a).await?;
    a.reopen_at(&meeting.url).await?;
    a.stands().await
}

/// The next thing that it hears must be that there is no server.
async fn unreachable(participant: &Participant) -> Outcome {
    let reason = participant.cut_off().await?;
    ensure!(
        matches!(reason, LostReason::Unreachable(_)),
        "no server is there, and it is told {reason:?}"
    );
    Ok(())
}

/// An address at which there is no server, on a port that no system gives to those who do not care.
const NOBODY: &str = "ws://127.0.0.1:61997";

/// A farewell closes, and says its texts on a connection of its own, for which the transport need not be there any more.
pub async fn transport_8_a_farewell_is_said_elsewhere(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    let (meeting, _, guest) = seats(a, b).await?;
    // Its seat is kept now, for much longer than this case may take.
    b.reopen().await?;
    let texts = vec![join(&meeting, Some(&guest)), text(Request::Leave)];
    b.farewell(texts).await?;
    takes_nothing(b, "late").await?;
    b.drop_all().await?;
    loop {
        match notice(a, "to be told that the member leaves").await? {
            // It has come back to say so.
            Notice::PeerResumed(peer) if peer == guest.id => {}
            notice => {
                let left = Notice::PeerDisconnect(guest.id);
                ensure_eq!(notice, left, "what a is told");
                return Ok(());
            }
        }
    }
}

/// The last word of a case.
const LAST: &str = "and the last";

/// Both take a seat in one lobby, the first as its host.
async fn seats(a: &Participant, b: &Participant) -> Outcome<(Meeting, Seat, Seat)> {
    let meeting = a.meeting().await?;
    let host = sit(a, &meeting).await?;
    let guest = sit(b, &meeting).await?;
    joins(a, guest.id).await?;
    Ok((meeting, host, guest))
}

/// Connects, and takes a seat.
async fn sit(participant: &Participant, meeting: &Meeting) -> Outcome<Seat> {
    participant.dial(&meeting.url).await?;
    participant.stands().await?;
    participant.tell_server(join(meeting, None)).await?;
    taken_in(participant).await
}

/// Waits until it has its seat.
async fn taken_in(participant: &Participant) -> Outcome<Seat> {
    let (mut seat, mut token) = (None, String::new());
    loop {
        match notice(participant, "for its seat").await? {
            Notice::Id { id, .. } => seat = Some(id),
            Notice::Welcome { token: given, .. } => token = given,
            Notice::PeerConnect { .. } => {}
            Notice::Joined { .. } => {
                let id = seat.ok_or_else(|| participant.fail("is in, and has no id"))?;
                return Ok(Seat { id, token });
            }
            notice => return Err(participant.fail(format!("{notice:?} instead of its seat"))),
        }
    }
}

/// A request to be taken in, or to be let back to this seat.
fn join(meeting: &Meeting, seat: Option<&Seat>) -> String {
    let extension = Extension {
        version: Extension::VERSION,
        token: seat.map(|seat| seat.token.clone()),
        attempt: seat.map(|_| 1),
        ..Extension::default()
    };
    text(Request::Join {
        lobby: meeting.lobby.clone(),
        topology: Topology::Mesh,
        extension: Some(extension),
    })
}

/// Tells a member this, in the form of a candidate: the server does not look into it.
fn relay(to: PeerId, data: &str) -> String {
    text(Request::Relay {
        kind: SignalType::Candidate,
        to: to.get(),
        data: data.to_owned(),
        number: None,
    })
}

fn text(request: Request) -> String {
    encode(&Message::from(request))
}

/// The next thing that the server says.
async fn notice(participant: &Participant, what: &str) -> Outcome<Notice> {
    let text = participant.text(what).await?;
    let message = decode(&text, MAX_NOTICE_SIZE).ok();
    message
        .and_then(|message| Notice::try_from(message).ok())
        .ok_or_else(|| participant.fail(format!("waited {what}, was told {text:?}")))
}

/// The next thing that it hears, which must be what this member tells it.
async fn word(participant: &Participant, from: PeerId) -> Outcome<String> {
    match notice(participant, "for a word of a member").await? {
        Notice::Relayed {
            from: speaker,
            data,
            ..
        } if speaker == from => Ok(data),
        notice => Err(participant.fail(format!("{notice:?} instead of a word of {from}"))),
    }
}

/// The next thing that it hears must be this word.
async fn hears(participant: &Participant, from: PeerId, expected: &str) -> Outcome {
    let said = word(participant, from).await?;
    ensure_eq!(said, expected, "what {} hears", participant.name());
    Ok(())
}

/// The next thing that it hears must be that this member has joined.
async fn joins(participant: &Participant, who: PeerId) -> Outcome {
    match notice(participant, "for a member").await? {
        Notice::PeerConnect { peer, .. } if peer == who => Ok(()),
        notice => Err(participant.fail(format!("{notice:?} instead of a new member"))),
    }
}

/// The next thing that it hears must be that this member has left.
async fn leaves(participant: &Participant, who: PeerId) -> Outcome {
    let told = notice(participant, "for a member to leave").await?;
    ensure_eq!(told, Notice::PeerDisconnect(who), "who leaves");
    Ok(())
}

/// It takes no texts.
async fn takes_nothing(participant: &Participant, text: &str) -> Outcome {
    let taken = participant.try_tell_server(text.to_owned(), 1).await?;
    let expected = Err(TransportError::NotOpen);
    ensure_eq!(taken, expected, "texts that {} takes", participant.name());
    Ok(())
}

/// It hears nothing more.
async fn quiet(participant: &Participant) -> Outcome {
    match participant.within(QUIET, participant.next()).await? {
        None => Ok(()),
        Some(event) => Err(participant.fail(format!("{event:?} after the end"))),
    }
}
