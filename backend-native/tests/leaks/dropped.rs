//! Backends that go before their links have ended, and runtimes that go before their backends.

use backend_native::PlatformConfig;
use mesh_core::platform::LINGER;
use mesh_core::{IceServer, LinkConfig};
use tokio::runtime::{Builder, Runtime};

use crate::settle;
use crate::stage::{Stage, open, open_one};
use crate::support::{Pair, Peer, RELIABLE};

/// Two new backends with a link each.
fn fresh(stage: &Stage, number: u32) -> Pair {
    let peer = || Peer::new(stage.backend(PlatformConfig::loopback()));
    let mut pair = Pair {
        a: peer(),
        b: peer(),
    };
    open(&mut pair, number);
    pair
}

pub(crate) fn at_first(stage: &mut Stage, number: u32) {
    drop(fresh(stage, number));
}

pub(crate) fn gathering(stage: &mut Stage, number: u32) {
    let mut pair = fresh(stage, number);
    pair.a.offer();
    pair.a
        .wait("an offer", |peer| !peer.descriptions.is_empty());
}

pub(crate) fn connecting(stage: &mut Stage, number: u32) {
    stage.path().cut();
    let mut pair = fresh(stage, number);
    pair.a.offer();
    pair.wait("candidates", |pair| {
        !pair.a.candidates.is_empty() && !pair.b.candidates.is_empty()
    });
    drop(pair);
    stage.path().mend();
}

/// By turns the one first and the other, with messages that nobody has taken.
pub(crate) fn open_link(stage: &mut Stage, number: u32) {
    let mut pair = fresh(stage, number);
    pair.connect();
    pair.a.send(RELIABLE, vec![0; 10_000]);
    pair.b.send(RELIABLE, vec![0; 10_000]);
    let Pair { a, b } = pair;
    if number.is_multiple_of(2) {
        drop((a, b));
    } else {
        drop((b, a));
    }
}

/// What it waits for never comes.
pub(crate) fn lingering(stage: &mut Stage, number: u32) {
    let mut pair = fresh(stage, number);
    pair.connect();
    stage.path().cut();
    pair.a.send(RELIABLE, vec![0; 10_000]);
    pair.a.close(LINGER);
    drop(pair);
    stage.path().mend();
}

fn start_runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).enable_all().build();
    runtime.expect("threads")
}

/// Two backends on a runtime, and an open link.
fn connected_on(runtime: &Runtime, stage: &Stage, number: u32) -> Pair {
    let peer = || Peer::new(stage.backend_on(runtime.handle()));
    let mut pair = Pair {
        a: peer(),
        b: peer(),
    };
    open(&mut pair, number);
    pair.connect();
    pair
}

/// One backend has an open link, the other one that waits for a name as well.
pub(crate) fn on_a_runtime(stage: &mut Stage, number: u32) {
    let runtime = start_runtime();
    let mut pair = connected_on(&runtime, stage, number);
    let config = LinkConfig {
        ice_servers: vec![IceServer::stun("stun:nowhere.example")],
        ..LinkConfig::default()
    };
    open_one(&mut pair.a, number + 1, config);
    pair.a.offer();
    pair.a
        .wait("an offer", |peer| !peer.descriptions.is_empty());
    drop(pair);
    settle(
        "dropped on a runtime that goes on",
        || runtime.metrics().num_alive_tasks(),
        |tasks| *tasks == 0,
    );
}

/// Both links are told as ended.
fn both_end(pair: &mut Pair) {
    pair.wait("both ends", |pair| {
        pair.a.closed.is_some() && pair.b.closed.is_some()
    });
}

pub(crate) fn runtime_first(stage: &mut Stage, number: u32) {
    let runtime = start_runtime();
    let mut pair = connected_on(&runtime, stage, number);
    drop(runtime);
    both_end(&mut pair);
}

pub(crate) fn runtime_first_lingering(stage: &mut Stage, number: u32) {
    let runtime = start_runtime();
    let mut pair = connected_on(&runtime, stage, number);
    stage.path().cut();
    pair.a.send(RELIABLE, vec![0; 10_000]);
    pair.a.close(LINGER);
    drop(runtime);
    both_end(&mut pair);
    stage.path().mend();
}
