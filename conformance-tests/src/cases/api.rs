//! Godot's multiplayer API over real connections (reference: section 9).

use std::time::Duration;

use futures_util::future::{try_join, try_join_all};
use mesh_core::{DisconnectReason, TransferMode};

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::observed::Seen;
use crate::request::{ApiRequest, ApiStart, To};
use crate::{Content, Failure, Matchmaker, Outcome, Participant};

/// How long it is listened for what must not come, where no later event shows that it did not.
const SILENCE: Duration = Duration::from_millis(300);

/// One side has the API of 4.x and the other sees the bytes: RAW is `03` and the data, both ways.
pub async fn godot_9_1_packets_of_generation_4(cast: [Participant; 2]) -> Outcome {
    raw_packets(&cast, false, 3).await
}

/// The API of 3.x: RAW is `04` and the data; and the server is there before the connection to it is told.
pub async fn godot_9_4_packets_of_generation_3(cast: [Participant; 2]) -> Outcome {
    raw_packets(&cast, true, 4).await?;
    let [server, client] = &cast;
    for participant in &cast {
        let id = participant.id();
        participant
            .start_api_as(ApiStart {
                id,
                star: true,
                godot_3: true,
                authentication: None,
            })
            .await?;
    }
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            matchmaker.introduce(1, 0).await?;
            ensure_eq!(
                steps::told(client, 2).await?,
                [Seen::Connected(1), Seen::ServerConnected],
                "what a client of 3.x is told"
            );
            ensure_eq!(
                steps::told(server, 1).await?,
                [Seen::Connected(client.id())],
                "what its server is told"
            );
            spread(&everybody(&cast), 2, To::All, &[1]).await
        })
        .await
}

async fn raw_packets(cast: &[Participant; 2], godot_3: bool, command: u8) -> Outcome {
    let [game, raw] = cast;
    game.start_api_as(ApiStart {
        id: game.id(),
        star: false,
        godot_3,
        authentication: None,
    })
    .await?;
    raw.start_mesh().await?;
    let matchmaker = Matchmaker::new(cast);
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, cast, 1, 0).await?;
            let data = Content::Binary(b"hi".to_vec());
            let packet = Content::Binary(vec![command, b'h', b'i']);
            for mode in TransferMode::ALL {
                let told = game.send_bytes(To::All, mode, data.clone()).await?;
                ensure_eq!(told, 1, "peers of the game");
                let (from, by, body) = raw.packet().await?;
                ensure_eq!((from, by), (game.id(), mode), "the sender and the mode");
                ensure_eq!(body, packet.body(), "the bytes on the wire");

                raw.send(To::All, mode, packet.clone()).await?;
                let heard = game.packet().await?;
                ensure_eq!(heard, (raw.id(), mode, data.body()), "what the game hears");
            }
            // What is no packet of a game does no harm.
            for hostile in [vec![], vec![command], vec![7], vec![0xff; 9], vec![0]] {
                raw.send(To::All, TransferMode::Reliable, Content::Binary(hostile))
                    .await?;
            }
            raw.send(To::All, TransferMode::Reliable, packet).await?;
            let (_, _, body) = game.packet().await?;
            ensure_eq!(body, data.body(), "what comes after nonsense");
            Ok(())
        })
        .await
}

/// Three of a mesh, each with the API: whoever is meant hears it, from whom it is.
pub async fn godot_9_2_targets_in_a_mesh(cast: [Participant; 3]) -> Outcome {
    for participant in &cast {
        participant.start_api(false).await?;
    }
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            steps::connect_all(&matchmaker, &cast).await?;
            for (to, hears) in [
                (To::All, &[2, 3][..]),
                (To::One(3), &[3]),
                (To::AllExcept(3), &[2]),
            ] {
                spread(&everybody(&cast), 1, to, hears).await?;
            }
            Ok(())
        })
        .await
}

/// A server and three clients that are connected to it alone: all know each other, and each target reaches whom it means.
pub async fn godot_9_2_relay_in_star_topology(cast: [Participant; 4]) -> Outcome {
    let server = &cast[0];
    for participant in &cast {
        participant.start_api(true).await?;
    }
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            star(&matchmaker, &cast).await?;
            for (from, to, hears) in [
                (2, To::All, &[1, 3, 4][..]),
                (2, To::One(1), &[1]),
                (2, To::One(4), &[4]),
                (2, To::AllExcept(4), &[1, 3]),
                (2, To::AllExcept(1), &[3, 4]),
                (1, To::All, &[2, 3, 4]),
                (1, To::One(3), &[3]),
                (1, To::AllExcept(3), &[2, 4]),
            ] {
                spread(&everybody(&cast), from, to, hears).await?;
            }
            ensure!(server.api_disconnect_peer(3).await?, "there was no peer 3");
            for other in [&cast[1], &cast[3]] {
                withdrawn(other, 3).await?;
            }
            steps::gone(&cast[2], 1, DisconnectReason::Closed).await?;
            lost_server(&cast[2]).await?;
            let present = [server, &cast[1], &cast[3]];
            spread(&present, 2, To::All, &[1, 4]).await
        })
        .await
}

/// A server that asks for a word lets in who gives it, sends away who gives another, and does not wait for ever.
pub async fn godot_9_2_authentication(cast: [Participant; 3]) -> Outcome {
    let [server, friend, stranger] = &cast;
    let strict = |participant: &Participant, seconds| ApiStart {
        id: participant.id(),
        star: true,
        godot_3: false,
        authentication: Some(Duration::from_secs(seconds)),
    };
    server.start_api_as(strict(server, 8)).await?;
    for client in [friend, stranger] {
        client.start_api_as(strict(client, 60)).await?;
    }
    let word = Content::Binary(b"friend".to_vec());
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            matchmaker.introduce(1, 0).await?;
            try_join(authenticating(server, 2), authenticating(friend, 1)).await?;
            let data = b"friend".to_vec();
            friend.api(ApiRequest::SendAuth { peer: 1, data }).await?;
            friend.api(ApiRequest::CompleteAuth(1)).await?;
            server
                .find("for a word", |seen| {
                    let told = Seen::AuthData {
                        from: 2,
                        body: word.body(),
                    };
                    (*seen == told).then_some(())
                })
                .await?;
            server.api(ApiRequest::CompleteAuth(2)).await?;
            try_join(server.connected(2), friend.connected(1)).await?;

            // One that says nothing is not announced, not heard, and not kept.
            matchmaker.introduce(2, 0).await?;
            try_join(authenticating(server, 3), authenticating(stranger, 1)).await?;
            server
                .find("for the end of its patience", |seen| {
                    let failed = Seen::AuthFailed {
                        peer: 3,
                        timed_out: true,
                    };
                    (*seen == failed).then_some(())
                })
                .await?;
            stranger
                .find("to be sent away", |seen| {
                    let failed = Seen::AuthFailed {
                        peer: 1,
                        timed_out: false,
                    };
                    (*seen == failed).then_some(())
                })
                .await?;
            lost_server(stranger).await?;
            spread(&[server, friend], 2, To::All, &[1]).await
        })
        .await
}

/// The server goes: its clients hear of it once, and of each other no more.
pub async fn godot_9_3_losing_the_server(cast: [Participant; 3]) -> Outcome {
    let [server, clients @ ..] = &cast;
    for participant in &cast {
        participant.start_api(true).await?;
    }
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            star(&matchmaker, &cast).await?;
            server.api(ApiRequest::CloseApi).await?;
            for client in clients {
                steps::gone(client, 1, DisconnectReason::Closed).await?;
                lost_server(client).await?;
                let more = client.within(SILENCE, client.seen()).await?;
                ensure_eq!(more, None, "what {} hears after that", client.name());
            }
            Ok(())
        })
        .await
}

/// Everybody of a star connects to its server, and is told of all others.
async fn star(matchmaker: &Matchmaker<'_>, cast: &[Participant]) -> Outcome {
    for client in 1..cast.len() {
        matchmaker.introduce(client, 0).await?;
    }
    steps::all_connected(cast).await
}

/// One of those in touch with each other sends, and exactly those that are named hear it, once, as from that one.
///
/// A second word goes to all: for whoever heard the first wrongly, or twice, it is not the next. The answer to it shows the
/// same of the sender.
async fn spread(present: &[&Participant], from: u32, to: To, hears: &[u32]) -> Outcome {
    let sender = present.iter().find(|one| one.id() == from);
    let Some(sender) = sender else {
        return Err(Failure::new(format!("there is no peer {from}")));
    };
    let others = || present.iter().filter(|one| one.id() != from);
    let chosen = others().filter(|one| hears.contains(&one.id()));
    let word = format!("{from} to {to:?}");
    say_to(sender, to, &word, chosen).await?;
    say_to(
        sender,
        To::All,
        &format!("{word}, and that was all"),
        others(),
    )
    .await?;
    for other in others() {
        let answer = format!("{} has heard of {word}", other.id());
        say_to(other, To::One(from), &answer, [sender]).await?;
    }
    Ok(())
}

/// One says a word; the next that each of the hearers hears is that.
async fn say_to<'a>(
    sender: &Participant,
    to: To,
    word: &str,
    hearers: impl IntoIterator<Item = &'a &'a Participant>,
) -> Outcome {
    let mode = TransferMode::Reliable;
    let content = Content::Binary(word.as_bytes().to_vec());
    let expected = (sender.id(), mode, content.body());
    sender.send_bytes(to, mode, content).await?;
    let heard = hearers.into_iter().map(async |hearer| {
        let heard = hearer.packet().await?;
        ensure_eq!(heard, expected, "{} hears of {word:?}", hearer.name());
        Ok(())
    });
    try_join_all(heard).await.map(drop)
}

fn everybody(cast: &[Participant]) -> Vec<&Participant> {
    cast.iter().collect()
}

async fn authenticating(participant: &Participant, peer: u32) -> Outcome {
    participant
        .find(&format!("for {peer} to authenticate"), |seen| {
            (*seen == Seen::Authenticating(peer)).then_some(())
        })
        .await
}

async fn withdrawn(participant: &Participant, peer: u32) -> Outcome {
    participant
        .find(&format!("to be told of the end of {peer}"), |seen| {
            (*seen == Seen::Withdrawn(peer)).then_some(())
        })
        .await
}

async fn lost_server(participant: &Participant) -> Outcome {
    participant
        .find("to hear that the server is lost", |seen| {
            (*seen == Seen::ServerDisconnected).then_some(())
        })
        .await
}
