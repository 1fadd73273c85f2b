//! Joins at the same moment must not miss each other (other servers lose some, and the peers never connect).

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::peer::*;

const PEERS: usize = 32;
const RUNS: usize = 20;

/// Joins with the others and listens until everybody is known; own id and everybody announced, in order.
async fn join_and_listen(mut peer: Peer, together: Arc<Barrier>) -> (Peer, u32, Vec<u32>) {
    together.wait().await;
    peer.send(JOIN).await;
    let (kind, own) = ids(&peer.text().await);
    assert_eq!(kind, 1);
    let mut announced = Vec::new();
    let mut joined = false;
    while announced.len() < PEERS - 1 || !joined {
        match ids(&peer.text().await) {
            (0, 0) => joined = true,
            (2, other) => announced.push(other),
            other => panic!("{other:?}"),
        }
    }
    (peer, own, announced)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_pair_is_told_of_each_other_exactly_once() {
    let server = server(quick()).await;
    for run in 0..RUNS {
        let together = Arc::new(Barrier::new(PEERS));
        let mut joins = JoinSet::new();
        for _ in 0..PEERS {
            let peer = Peer::connect(&server).await;
            joins.spawn(join_and_listen(peer, Arc::clone(&together)));
        }
        let members = joins.join_all().await;
        let everybody: BTreeSet<u32> = members.iter().map(|(_, own, _)| *own).collect();
        assert_eq!(everybody.len(), PEERS, "run {run}: ids are unique");
        for (_, own, announced) in &members {
            let mut known: BTreeSet<u32> = announced.iter().copied().collect();
            assert_eq!(known.len(), announced.len(), "run {run}: told twice");
            assert!(known.insert(*own), "run {run}: told of itself");
            assert_eq!(known, everybody, "run {run}");
        }

        // The lobby ends with its host before the next run makes it anew.
        let mut hosts = Vec::new();
        let mut guests = Vec::new();
        for (peer, own, _) in members {
            match own {
                1 => hosts.push(peer),
                _ => guests.push(peer),
            }
        }
        assert_eq!(hosts.len(), 1, "run {run}");
        for host in hosts {
            host.leave().await;
        }
        for mut guest in guests {
            assert_eq!(guest.close().await, "4000 Room host has disconnected");
        }
    }
}
