//! A way to a server on which nothing arrives any more, though no connection ends.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) struct Way {
    pub(crate) url: String,
    swallows: watch::Sender<bool>,
}

impl Way {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("ws://{}", listener.local_addr().expect("an address"));
        let swallows = watch::Sender::new(false);
        let state = swallows.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(server).await.expect("a server");
                let (near, far) = (near.into_split(), far.into_split());
                tokio::spawn(carry(near.0, far.1, state.subscribe()));
                tokio::spawn(carry(far.0, near.1, state.subscribe()));
            }
        });
        Self { url, swallows }
    }

    /// What comes from now on, on whichever connection, is taken and goes nowhere; `false` ends that for new connections.
    pub(crate) fn swallow(&self, swallows: bool) {
        self.swallows.send_replace(swallows);
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: watch::Receiver<bool>) {
    let mut buffer = vec![0; 16 * 1024];
    let mut has_swallowed = false;
    while let Ok(size @ 1..) = from.read(&mut buffer).await {
        has_swallowed |= *state.borrow();
        if !has_swallowed && to.write_all(&buffer[..size]).await.is_err() {
            return;
        }
    }
}
