//! A path over which bytes go, until it is cut. Neither end notices anything: no byte, no end and no error passes, and what was
//! on its way goes on when the path is whole again.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

pub(crate) struct Path {
    address: SocketAddr,
    state: watch::Sender<State>,
    _runtime: Runtime,
}

/// What may pass.
#[derive(Clone, Copy, Default)]
struct State {
    is_cut: bool,
    /// How many connections there have been.
    made: u64,
    /// Those before this one are dead for ever: their cable was pulled.
    dead_before: u64,
}

impl Path {
    pub(crate) fn to(server: SocketAddr) -> Self {
        let runtime = Runtime::new().unwrap();
        let listening = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = runtime.block_on(listening).unwrap();
        let address = listener.local_addr().unwrap();
        let state = watch::Sender::new(State::default());
        let connections = state.clone();
        runtime.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let mut number = 0;
                connections.send_modify(|state| {
                    number = state.made;
                    state.made += 1;
                });
                let gate = Gate {
                    number,
                    state: connections.subscribe(),
                };
                tokio::spawn(carry(near, server, gate));
            }
        });
        Self {
            address,
            state,
            _runtime: runtime,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets nothing pass, or everything again.
    pub(crate) fn cut(&self, is_cut: bool) {
        self.state.send_modify(|state| state.is_cut = is_cut);
    }

    /// Lets nothing pass any more on the connections that there are. New ones can be made.
    pub(crate) fn pull_cable(&self) {
        self.state
            .send_modify(|state| state.dead_before = state.made);
    }
}

/// What one connection must wait at.
#[derive(Clone)]
struct Gate {
    number: u64,
    state: watch::Receiver<State>,
}

impl Gate {
    /// Waits until something may pass. An error if that will never be, because the path is gone.
    async fn pass(&mut self) -> Result<(), watch::error::RecvError> {
        let number = self.number;
        let is_open = |state: &State| !state.is_cut && number >= state.dead_before;
        self.state.wait_for(is_open).await.map(drop)
    }
}

async fn carry(near: TcpStream, server: SocketAddr, mut gate: Gate) {
    if gate.pass().await.is_err() {
        return;
    }
    let Ok(far) = TcpStream::connect(server).await else {
        return;
    };
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    tokio::join!(
        one_way(near_in, far_out, gate.clone()),
        one_way(far_in, near_out, gate)
    );
}

async fn one_way(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut gate: Gate,
) {
    let mut bytes = [0; 4096];
    loop {
        let read = from.read(&mut bytes).await;
        // The end of a connection does not pass either.
        if gate.pass().await.is_err() {
            return;
        }
        let Ok(count @ 1..) = read else {
            let _ = to.shutdown().await;
            return;
        };
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
