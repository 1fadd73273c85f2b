//! Section 2 of reference/godot.md: the ways to set up, and the status on the way.

use std::time::Duration;

use mesh_core::ConnectionStatus::{Connected, Connecting, Disconnected};
use mesh_core::{
    AddPeerError, ConnectFailure, DisconnectReason, InitializeError, Missing, SendError,
    TransferMode,
};

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::observed::Seen;
use crate::refusal::Refusal;
use crate::request::{Settings, Setup, To};
use crate::{Content, Matchmaker, Outcome, Participant};

/// Godot 3.x: nobody is told before the server; then the server, then the others ascending; without it nothing goes; and
/// when it comes again, only those who were withheld meanwhile are told.
pub async fn godot_2_1_server_compatibility_step_by_step(cast: [Participant; 4]) -> Outcome {
    let [server, ours, third, fourth] = &cast;
    steps::start_meshes(&cast).await?;
    ours.start_as(Setup::Compatible(ours.id())).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            ensure_eq!(ours.status().await?.1, Connecting, "alone");
            for place in [3, 2] {
                matchmaker.introduce(1, place).await?;
                cast[place].connected(ours.id()).await?;
            }
            ensure_eq!(ours.status().await?.1, Connecting, "without the server");
            matchmaker.introduce(1, 0).await?;
            server_comes(ours, [server, third, fourth]).await?;

            fourth.close_mesh().await?;
            steps::gone(ours, fourth.id(), DisconnectReason::Closed).await?;
            server.close_mesh().await?;
            let gone = Seen::Disconnected {
                peer: server.id(),
                reason: DisconnectReason::Closed,
            };
            ensure_eq!(
                steps::told(ours, 2).await?,
                [gone, Seen::ServerDisconnected],
                "what the server's going brings"
            );
            ensure_eq!(
                ours.status().await?,
                (Some(ours.id()), Disconnected),
                "after the server"
            );
            let sent = hello(ours, To::One(third.id())).await?;
            ensure_eq!(
                sent.err(),
                Some(Refusal::Send(SendError::NotInitialized)),
                "sending without the server"
            );

            // One who opens now is withheld until the server is there again; who stayed is told again with it.
            fourth.rename(fourth.id()).await?;
            matchmaker.introduce(1, 3).await?;
            fourth.connected(ours.id()).await?;
            server.rename(server.id()).await?;
            matchmaker.introduce(1, 0).await?;
            server_comes(ours, [server, third, fourth]).await?;
            let reached = ours.say("all are here").await?;
            ensure_eq!(reached, 3, "how many hear it");
            Ok(())
        })
        .await
}

/// What the server's coming brings: itself, that it is there, and the others in ascending order.
async fn server_comes(ours: &Participant, [server, others @ ..]: [&Participant; 3]) -> Outcome {
    let others = others.map(|other| Seen::Connected(other.id()));
    let told = steps::told(ours, 2 + others.len()).await?;
    let server = [Seen::Connected(server.id()), Seen::ServerConnected];
    let expected = server.into_iter().chain(others).collect::<Vec<_>>();
    ensure_eq!(told, expected, "what the server's coming brings");
    ensure_eq!(ours.status().await?.1, Connected, "with the server");
    Ok(())
}

/// Godot 4.x: a star. A client is told of the server and of nobody else, and no server signals; its status follows.
pub async fn godot_2_2_client_and_server(cast: [Participant; 3]) -> Outcome {
    let [server, client, other] = &cast;
    server.start_as(Setup::Server).await?;
    for participant in [client, other] {
        participant.start_unset(Settings::default()).await?;
        ensure_eq!(
            participant.try_set_up(Setup::Client(1)).await?,
            Err(Refusal::Initialize(InitializeError::ServerId)),
            "a client with the server's id"
        );
        ensure_eq!(
            participant.status().await?,
            (None, Disconnected),
            "after that"
        );
        let setup = Setup::Client(participant.id());
        ensure_eq!(participant.try_set_up(setup).await?, Ok(()), "a client");
        ensure_eq!(
            participant.status().await?,
            (Some(participant.id()), Connecting),
            "a new client"
        );
        ensure_eq!(
            participant.standing().await?,
            (false, true),
            "is the server, relays (a client)"
        );
    }
    ensure_eq!(server.status().await?, (Some(1), Connected), "a new server");
    ensure_eq!(
        server.standing().await?,
        (true, true),
        "is the server, relays (the server)"
    );
    let stray = client.create_connection().await?;
    let refused = client.try_add_peer(stray, other.id()).await?;
    ensure!(
        matches!(&refused, Err(Refusal::AddPeer(AddPeerError::NotTheServer { id })) if id.get() == other.id()),
        "a client's link with another gave {refused:?}"
    );
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            for place in [1, 2] {
                matchmaker.introduce(place, 0).await?;
                let client = &cast[place];
                ensure_eq!(
                    steps::told(client, 1).await?,
                    [Seen::Connected(1)],
                    "what a client is told"
                );
                ensure_eq!(client.status().await?.1, Connected, "a client's status");
                server.connected(client.id()).await?;
            }
            let sent = hello(client, To::One(other.id())).await?;
            ensure!(
                matches!(&sent, Err(Refusal::Send(SendError::UnknownPeer { .. }))),
                "a client's word to another gave {sent:?}"
            );
            ensure_eq!(client.say("up").await?, 1, "whom a client reaches");
            ensure_eq!(server.packet().await?.0, client.id(), "whose word it is");
            ensure_eq!(server.say("down").await?, 2, "whom the server reaches");
            ensure_eq!(client.packet().await?.0, 1, "whose word it is");

            // A client that loses the server, and finds it again.
            ensure!(
                server.disconnect_peer(client.id(), false).await?,
                "it was not there"
            );
            ensure_eq!(
                server.disconnected(client.id()).await?,
                DisconnectReason::Removed,
                "the end at the server"
            );
            let gone = Seen::Disconnected {
                peer: 1,
                reason: DisconnectReason::Closed,
            };
            ensure_eq!(
                steps::told(client, 1).await?,
                [gone],
                "the end at the client"
            );
            ensure_eq!(
                client.status().await?,
                (Some(client.id()), Disconnected),
                "a client without its server"
            );
            matchmaker.introduce(1, 0).await?;
            ensure_eq!(
                steps::told(client, 1).await?,
                [Seen::Connected(1)],
                "what follows the loss"
            );
            ensure_eq!(client.status().await?.1, Connected, "a client again");
            server.connected(client.id()).await?;
            Ok(())
        })
        .await
}

/// The status goes where section 2.3 says, over a real link; the table itself is a test of mesh-core.
pub async fn godot_2_3_status_machine(cast: [Participant; 2]) -> Outcome {
    let [server, client] = &cast;
    let deadline = Duration::from_millis(500);
    let settings = Settings {
        connect_deadline: deadline,
        ..Settings::default()
    };
    // No server answers: told, where Godot waits for ever.
    client.start_unset(settings).await?;
    ensure_eq!(client.status().await?, (None, Disconnected), "a new object");
    ensure_eq!(
        client.try_set_up(Setup::Client(client.id())).await?,
        Ok(()),
        "a client"
    );
    let connection = client.create_connection().await?;
    client.add_peer(connection, 1).await?;
    client.create_offer(connection).await?;
    let missing = Missing::Description;
    let reason = DisconnectReason::ConnectFailed(ConnectFailure::Deadline { missing });
    ensure_eq!(client.failed(1).await?, reason, "why the server failed");
    ensure_eq!(
        steps::told(client, 1).await?,
        [Seen::ServerFailed(reason)],
        "what follows"
    );
    ensure_eq!(client.status().await?.1, Disconnected, "after the deadline");
    client.close_mesh().await?;
    ensure_eq!(client.status().await?, (None, Disconnected), "closed");

    server.start_as(Setup::Server).await?;
    client.start_as(Setup::Client(client.id())).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, &cast, 1, 0).await?;
            // By force: not a word here, and the other side sees a leave.
            ensure!(client.disconnect_peer(1, true).await?, "it was not there");
            ensure!(
                !client.disconnect_peer(1, true).await?,
                "it was there twice"
            );
            ensure_eq!(client.status().await?.1, Disconnected, "after force");
            ensure_eq!(
                server.disconnected(client.id()).await?,
                DisconnectReason::Closed,
                "the other side"
            );
            ensure_eq!(server.status().await?.1, Connected, "the server");
            matchmaker.introduce(1, 0).await?;
            ensure_eq!(
                steps::told(client, 1).await?,
                [Seen::Connected(1)],
                "the next thing the client is told"
            );
            server.connected(client.id()).await?;
            // `close` tells nothing either.
            client.close_mesh().await?;
            ensure_eq!(client.status().await?, (None, Disconnected), "closed");
            steps::gone(server, client.id(), DisconnectReason::Closed).await?;
            ensure_eq!(
                client.try_set_up(Setup::Mesh(client.id())).await?,
                Ok(()),
                "a mesh after a client"
            );
            ensure_eq!(client.status().await?.1, Connected, "a mesh");
            ensure_eq!(
                client.standing().await?,
                (false, false),
                "is the server, relays (a mesh)"
            );
            matchmaker.introduce(1, 0).await?;
            ensure_eq!(
                steps::told(client, 1).await?,
                [Seen::Connected(1)],
                "the next thing the client is told"
            );
            Ok(())
        })
        .await
}

async fn hello(from: &Participant, to: To) -> Outcome<Result<crate::reply::SentReport, Refusal>> {
    let content = Content::Text("hello".to_owned());
    from.try_send(to, TransferMode::Reliable, content, 1).await
}
