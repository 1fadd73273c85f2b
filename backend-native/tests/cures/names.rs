//! The `webrtc` crate asks for the addresses of servers in the task that drives the connection, which does nothing else
//! meanwhile. Here the names are asked for beside it, and a server whose name comes late is used late.

use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use backend_native::testing::{Cures, Lookup, NameSource, SocketOptions};
use mesh_core::{IceServer, LinkConfig, LinkEvent};
use tokio::time::{Instant, sleep};

use crate::backends::{INBOX, link, specs};
use crate::support::{MemoryNetwork, backends, in_memory};

/// What a name server does.
#[derive(Clone, Copy, Debug)]
enum Names {
    Silent,
    Wrong,
    /// Says where the server is.
    After(Duration, SocketAddr),
}

impl NameSource for Names {
    fn lookup(&self, _: &str, _: u16) -> Lookup {
        let names = *self;
        Box::pin(async move {
            match names {
                Self::Silent => pending().await,
                Self::Wrong => Err(io::ErrorKind::NotFound.into()),
                Self::After(time, address) => {
                    sleep(time).await;
                    Ok(vec![address])
                }
            }
        })
    }
}

fn config() -> LinkConfig {
    LinkConfig {
        ice_servers: vec![
            IceServer::stun("stun:stun.example.org"),
            IceServer::stun("stun:stun.example.net"),
            IceServer::turn("turn:turn.example.org", "me", "secret"),
            IceServer::turn("turns:turn.example.org", "me", "secret"),
        ],
        ..LinkConfig::default()
    }
}

fn with_names(names: Names) -> (MemoryNetwork, SocketOptions) {
    let (network, options) = in_memory(Cures::default());
    let names = Some(Arc::new(names) as Arc<dyn NameSource>);
    (network, SocketOptions { names, ..options })
}

#[tokio::test(start_paused = true)]
async fn peers_of_one_network_connect_at_once_whatever_the_name_server_does() {
    for names in [Names::Silent, Names::Wrong] {
        let (_, options) = with_names(names);
        let mut pair = backends(options.clone(), options);
        for peer in [&mut pair.a, &mut pair.b] {
            peer.open(link(1), config(), INBOX, &specs());
        }
        let start = Instant::now();
        pair.connect_async().await;
        let time = start.elapsed();
        assert!(time < Duration::from_millis(300), "{names:?}: {time:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_found_late_is_used() {
    let server = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let address = server.local_addr().expect("an address");
    let names = Names::After(Duration::from_secs(2), address);
    let (_, options) = in_memory(Cures::default());
    let options = SocketOptions {
        source: None,
        names: Some(Arc::new(names)),
        ..options
    };
    let mut pair = backends(options.clone(), options);
    let config = LinkConfig {
        ice_servers: vec![IceServer::stun("stun:stun.example.org")],
        ..LinkConfig::default()
    };
    pair.a.open(link(1), config, INBOX, &specs());
    pair.a.offer();
    let mut request = [0; 1500];
    let asked = async {
        let (length, _) = server.recv_from(&mut request).await.expect("a datagram");
        length
    };
    let gathered = pair.wait_async("gathered", |pair| {
        pair.a
            .log
            .iter()
            .any(|event| matches!(event, LinkEvent::Gathered { .. }))
    });
    tokio::select! {
        length = asked => assert!(length >= 20),
        () = gathered => panic!("gathering has ended without asking the server"),
    }
}
