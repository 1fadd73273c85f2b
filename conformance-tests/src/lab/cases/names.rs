//! Name servers that do not answer, and names that lead nowhere.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use mesh_core::IceServer;
use signaling_server::Server;

use super::{MEETINGS, in_time, reached};
use crate::lab::lan::{Host, Lan};
use crate::lab::meet::{Terms, Way, meet};
use crate::lab::netns::{Files, Namespace, Run};
use crate::lab::players::{Belongings, Player};
use crate::observed::Seen;
use crate::request::{Meeting, Settings};
use crate::{Failure, Outcome};

const LAN: [Host; 3] = [
    Host::at(&["10.9.0.1/24"]),
    Host::at(&["10.9.0.2/24"]),
    Host::at(&["10.9.0.53/24"]),
];

/// How long two on one LAN may take, whatever their servers' names do.
const AT_ONCE: Duration = Duration::from_millis(300);

/// How long a slow name server thinks.
const SLOW: Duration = Duration::from_secs(3);

/// The name server takes questions and says nothing.
pub(super) async fn a_lan_with_a_silent_name_server(run: &Run) -> Outcome<String> {
    let lan = Lan::lay(run, &LAN).await?;
    let _silent = name_server(&lan.hosts[2])?;
    play_on_a_lan(run, &lan).await
}

/// The name server answers late that there is no such name.
pub(super) async fn a_lan_with_a_slow_name_server(run: &Run) -> Outcome<String> {
    let lan = Lan::lay(run, &LAN).await?;
    let socket = name_server(&lan.hosts[2])?;
    let failed = |error: std::io::Error| Failure::new(format!("the name server: {error}"));
    socket.set_nonblocking(true).map_err(failed)?;
    let socket = tokio::net::UdpSocket::from_std(socket).map_err(failed)?;
    let answering = tokio::spawn(answer_late(socket));
    let outcome = play_on_a_lan(run, &lan).await;
    answering.abort();
    outcome
}

fn name_server(namespace: &Namespace) -> Outcome<UdpSocket> {
    namespace
        .inside(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 53)))?
        .map_err(|error| Failure::new(format!("no name server: {error}")))
}

async fn answer_late(socket: tokio::net::UdpSocket) {
    let socket = std::sync::Arc::new(socket);
    let mut question = [0; 512];
    while let Ok((len, from)) = socket.recv_from(&mut question).await {
        let mut answer = question.get(..len).unwrap_or_default().to_vec();
        if let Some(flags) = answer.get_mut(2..4) {
            // An answer; no such name.
            flags.copy_from_slice(&[0x81, 0x83]);
        }
        let socket = std::sync::Arc::clone(&socket);
        tokio::spawn(async move {
            tokio::time::sleep(SLOW).await;
            // Who has asked may be gone.
            let _ = socket.send_to(&answer, from).await;
        });
    }
}

async fn play_on_a_lan(run: &Run, lan: &Lan) -> Outcome<String> {
    let resolver = run.file(
        &format!("{}-resolv.conf", lan.hosts[0].name()),
        "nameserver 10.9.0.53\noptions timeout:5 attempts:2\n",
    )?;
    let with = Belongings {
        files: Files {
            covers: vec![(resolver, "/etc/resolv.conf")],
        },
        ..Belongings::default()
    };
    let terms = Terms {
        servers: vec![
            IceServer::stun("stun:stun.example.org:3478"),
            IceServer::turn(
                "turn:turn.example.org:3478?transport=udp",
                "player",
                "secret",
            ),
        ],
        ..Terms::default()
    };
    let mut times = Vec::new();
    for _ in 0..MEETINGS {
        // They are new each time and know no name.
        let one = Player::native(&lan.hosts[0], &with).await?;
        let other = Player::native(&lan.hosts[1], &with).await?;
        let met = meet(&one, &other, &terms).await?;
        reached(&met, Way::Direct)?;
        times.push(met.took);
    }
    in_time("directly", times, AT_ONCE)
}

/// The server's name has an IPv6 address where nobody answers, and an IPv4 address where it is.
pub(super) async fn an_ipv6_black_hole_before_the_signaling_server(run: &Run) -> Outcome<String> {
    const IN_TIME: Duration = Duration::from_secs(1);
    let hosts = [
        Host::at(&["10.9.0.1/24", "2001:db8:9::1/64"]),
        Host::at(&["10.9.0.2/24"]),
    ];
    let lan = Lan::lay(run, &hosts).await?;
    lan.hosts[0]
        .ip("neigh add 2001:db8:9::dead lladdr 02:00:00:00:00:fe dev eth0 nud permanent")?;
    let address = SocketAddr::from(([10, 9, 0, 2], 9080));
    let runtime = tokio::runtime::Handle::current();
    let _server = lan.hosts[1]
        .inside(|| runtime.block_on(Server::bind(address, Default::default())))?
        .map_err(|error| Failure::new(error.to_string()))?;
    let names = run.file(
        &format!("{}-hosts", lan.hosts[0].name()),
        "127.0.0.1 localhost\n2001:db8:9::dead game.example\n10.9.0.2 game.example\n",
    )?;
    let with = Belongings {
        files: Files {
            covers: vec![(names, "/etc/hosts")],
        },
        ..Belongings::default()
    };
    let player = Player::native(&lan.hosts[0], &with).await?;
    let player = player.participant(0)?;
    let meeting = Meeting {
        url: "ws://game.example:9080".to_owned(),
        lobby: "lab".to_owned(),
    };
    let begun = Instant::now();
    player.start_session(&meeting, Settings::default()).await?;
    let joined = player.find("to be taken in", |seen| {
        matches!(seen, Seen::Joined { .. }).then_some(())
    });
    joined.await?;
    let took = begun.elapsed();
    if took <= IN_TIME {
        Ok(format!("joined after {took:.2?}"))
    } else {
        Err(Failure::new(format!(
            "joined after {took:.2?} instead of {IN_TIME:?}"
        )))
    }
}
