//! Sections 10 and 11 of reference/godot.md: what another stack may rely on, on the wire and in the official signaling.

use std::convert::Infallible;
use std::pin::pin;

use futures_util::future::{Either, select, try_join};
use mesh_core::{
    Command, DisconnectReason, IceCandidate, LinkId, SdpType, SessionDescription, TransferMode,
};

use crate::failure::{ensure, ensure_eq};
use crate::observed::{Handshake, Observed, Rumour};
use crate::request::{Settings, Setup, To};
use crate::{Content, Matchmaker, Outcome, Participant, deliver};

/// The largest message that every Godot peer can take.
const LARGEST: usize = 65530;

/// A bare backend keeps the rules for a foreign peer and no other, whoever offers: it is a peer as any, until it closes a
/// channel; then it may come again, over a new connection.
pub async fn godot_10_wire_rules(cast: [Participant; 2]) -> Outcome {
    let [foreign, mesh] = &cast;
    foreign.start_backend().await?;
    // A channel more than the other side has made: each opens with the association, and nobody compares.
    let setup = Setup::Mesh(mesh.id());
    mesh.start_with(setup, &[TransferMode::Reliable]).await?;
    let matchmaker = Matchmaker::new(&cast);
    for (mesh_offers, leaves_by) in [
        (false, TransferMode::UnreliableOrdered),
        (true, TransferMode::Reliable),
    ] {
        let near = foreign.open_as_godot().await?;
        let far = mesh.create_connection().await?;
        mesh.add_peer(far, foreign.id()).await?;
        let mut ends = [(foreign, near), (mesh, far)];
        if mesh_offers {
            ends.reverse();
        }
        matchmaker
            .offer(usize::from(mesh_offers), ends[0].1)
            .await?;
        let opened = async {
            try_join(foreign.opened(near), mesh.connected(foreign.id())).await?;
            Ok(())
        };
        match select(pin!(opened), pin!(shake_hands(ends))).await {
            Either::Left((opened, _)) => opened?,
            Either::Right((Err(failure), _)) => return Err(failure),
            Either::Right((Ok(never), _)) => match never {},
        }

        for mode in TransferMode::ALL {
            let content = Content::numbered(1, LARGEST);
            let expected = (foreign.id(), mode, content.body());
            foreign.send_on(near, mode, content).await?;
            ensure_eq!(mesh.packet().await?, expected, "what the mesh gets");
        }
        let (content, mode) = (Content::numbered(2, LARGEST), TransferMode::Reliable);
        let expected = (mode.channel(), content.body());
        mesh.send(To::One(foreign.id()), mode, content).await?;
        ensure_eq!(foreign.message(near).await?, expected, "the foreign peer");

        let (link, channel) = (near, leaves_by.channel());
        foreign
            .execute(Command::CloseChannel { link, channel })
            .await?;
        ensure_eq!(
            mesh.disconnected(foreign.id()).await?,
            DisconnectReason::Closed,
            "what becomes of a peer that closes one channel"
        );
        foreign.close_link(near).await?;
    }
    Ok(())
}

/// Hands the descriptions and then the candidates of two ends over, the first of them offering, and looks at each.
async fn shake_hands(ends: [(&Participant, LinkId); 2]) -> Outcome<Infallible> {
    let [(offerer, from), (answerer, to)] = ends;
    let offer = described(offerer, from, SdpType::Offer).await?;
    let offered = mid(offerer, &offer)?;
    hand_over(answerer, to, offer).await?;
    let answer = described(answerer, to, SdpType::Answer).await?;
    let answered = mid(answerer, &answer)?;
    hand_over(offerer, from, answer).await?;
    let (never, _) = try_join(
        trickle(ends[0], ends[1], &offered),
        trickle(ends[1], ends[0], &answered),
    )
    .await?;
    Ok(never)
}

/// The first that comes of a connection is its description, with all that Godot's stack needs.
async fn described(
    participant: &Participant,
    link: LinkId,
    sdp_type: SdpType,
) -> Outcome<SessionDescription> {
    let Handshake::Description { description, .. } = next_of(participant, link).await? else {
        return Err(participant.fail("a candidate before the description"));
    };
    ensure_eq!(description.sdp_type, sdp_type, "what it is");
    let lines: Vec<_> = description.sdp.lines().collect();
    for needed in [
        "m=application ",
        "a=ice-ufrag:",
        "a=ice-pwd:",
        "a=fingerprint:",
        "a=sctp-port:5000",
        "a=max-message-size:",
    ] {
        // Chromium leaves it out of an answer to an offer of 65536, which is what its absence means (RFC 8841, section 6.1).
        let is_implied = needed == "a=max-message-size:" && sdp_type == SdpType::Answer;
        ensure!(
            is_implied || lines.iter().any(|line| line.starts_with(needed)),
            "{}: no {needed} in {:?}",
            participant.name(),
            description.sdp
        );
    }
    ensure!(
        lines
            .iter()
            .any(|line| line.starts_with("m=application ") && !line.starts_with("m=application 0 ")),
        "{}: its section is turned off",
        participant.name()
    );
    Ok(description)
}

/// The next of this connection; of one before it candidates may still come.
async fn next_of(participant: &Participant, link: LinkId) -> Outcome<Handshake> {
    loop {
        let handshake = participant.next_handshake().await?;
        if handshake.link() == link {
            return Ok(handshake);
        }
    }
}

/// What its candidates must name.
fn mid(participant: &Participant, description: &SessionDescription) -> Outcome<String> {
    let mids = description.sdp.lines();
    let mid = mids
        .filter_map(|line| line.strip_prefix("a=mid:"))
        .find(|mid| !mid.is_empty());
    mid.map(str::to_owned)
        .ok_or_else(|| participant.fail("no a=mid in its description"))
}

async fn hand_over(to: &Participant, link: LinkId, description: SessionDescription) -> Outcome {
    deliver(to, link, Handshake::Description { link, description }).await
}

/// Without end: every candidate of one end to the other.
async fn trickle(
    (from, near): (&Participant, LinkId),
    (to, link): (&Participant, LinkId),
    mid: &str,
) -> Outcome<Infallible> {
    loop {
        let Handshake::Candidate { candidate, .. } = next_of(from, near).await? else {
            return Err(from.fail("a second description"));
        };
        is_whole(from, &candidate)?;
        ensure_eq!(candidate.sdp_mid, mid, "the section of a candidate");
        deliver(to, link, Handshake::Candidate { link, candidate }).await?;
    }
}

/// Godot's demo drops a candidate with an empty part, and a sign for the end of candidates is one.
fn is_whole(from: &Participant, candidate: &IceCandidate) -> Outcome {
    ensure!(
        candidate.candidate.starts_with("candidate:") && !candidate.sdp_mid.is_empty(),
        "{} trickles {candidate:?}",
        from.name()
    );
    Ok(())
}

/// The official signaling: the creator of a lobby is 1 and offers to nobody, a joiner is told of all who are there, and of
/// two the higher id offers, its description first.
pub async fn godot_11_1_the_higher_id_offers(cast: [Participant; 3]) -> Outcome {
    let [host, listener, guest] = &cast;
    let meeting = host.meeting().await?;
    ensure_eq!(host.join(&meeting).await?, 1, "the creator's id");
    let own = listener.lurk(&meeting).await?;
    let id = guest.join(&meeting).await?;
    ensure!(own > 1 && id > 1 && own != id, "the ids {own} and {id}");
    guest.connected(1).await?;
    // Its connection to the host may be there before its offer to the listener is, and one that has left offers nothing.
    let mut offers = Vec::new();
    let mut announced = Vec::new();
    let mut has_left = false;
    loop {
        let has_offered = id < own || offers.contains(&id);
        if has_offered && !has_left {
            guest.leave().await?;
            has_left = true;
        }
        match listener.next().await? {
            Observed::Signaling(Rumour::PeerJoined(peer)) => announced.push(peer),
            Observed::Signaling(Rumour::Complete) => {}
            Observed::Signaling(Rumour::PeerLeft(peer)) if has_left && peer == id => break,
            Observed::Signaling(Rumour::Description { from, description }) => {
                ensure_eq!(description.sdp_type, SdpType::Offer, "unasked, of {from}");
                offers.push(from);
            }
            Observed::Signaling(Rumour::Candidate { from, candidate }) => {
                ensure!(offers.contains(&from), "{from} trickles before it offers");
                is_whole(guest, &candidate)?;
            }
            event => return Err(listener.fail(format!("heard {event:?}"))),
        }
    }
    ensure_eq!(announced, [1, id], "who is there");
    let expected = if id > own { vec![id] } else { Vec::new() };
    ensure_eq!(offers, expected, "who offers to {own}");

    // To a creator everybody offers.
    let meeting = host.meeting().await?;
    ensure_eq!(listener.lurk(&meeting).await?, 1, "the creator's id");
    guest.start_session(&meeting, Settings::default()).await?;
    let id = guest.joined().await?;
    let offer = listener
        .rumour("for an offer", |rumour| match rumour {
            Rumour::Description { from, description } => Some((*from, description.sdp_type)),
            _ => None,
        })
        .await?;
    ensure_eq!(offer, (id, SdpType::Offer), "what a joiner does");
    let candidate = listener
        .rumour("for a candidate", |rumour| match rumour {
            Rumour::Candidate { from, candidate } if *from == id => Some(candidate.clone()),
            _ => None,
        })
        .await?;
    is_whole(guest, &candidate)
}
