//! A handler that holds a channel is never freed (native.md §2.6): handler, channel, connection, handler.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use async_trait::async_trait;
use backend_native::testing::{Cures, LinkRuntime};
use tokio::runtime::Handle;
use webrtc::data_channel::DataChannel;
use webrtc::peer_connection::{PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler};

use crate::support::{Settings, connected_backends, in_memory};

/// Holds what it is given.
struct Handler<T>(Mutex<Vec<T>>);

#[async_trait]
impl<T: Send + 'static> PeerConnectionEventHandler for Handler<T> {}

/// Whether the handler is freed when the connection has been closed and everything about it dropped.
async fn is_freed<T: Send + 'static>(hold: impl Fn(&Arc<dyn DataChannel>) -> T) -> bool {
    let (_, options) = in_memory(Cures::default());
    let (runtime, _) = LinkRuntime::new(Handle::current(), options);
    let handler = Arc::new(Handler(Mutex::default()));
    let connection = PeerConnectionBuilder::new()
        .with_setting_engine(Settings::ALL.engine().build())
        .with_handler(handler.clone())
        .with_udp_addrs(vec!["127.0.0.1:0"])
        .with_runtime(runtime)
        .build()
        .await
        .unwrap();
    let channel = connection
        .create_data_channel("reliable", None)
        .await
        .unwrap();
    handler.0.lock().unwrap().push(hold(&channel));
    connection.close().await.unwrap();
    let freed = Arc::downgrade(&handler);
    drop((connection, channel, handler));
    // The driver's task was aborted, and is dropped when the runtime comes to it.
    tokio::time::sleep(Duration::from_secs(1)).await;
    freed.upgrade().is_none()
}

#[tokio::test(start_paused = true)]
async fn on_the_bare_crate_a_handler_that_holds_a_channel_is_never_freed() {
    assert!(!is_freed(Arc::clone).await);
}

#[tokio::test(start_paused = true)]
async fn one_that_holds_it_weakly_is() {
    let hold: fn(&Arc<dyn DataChannel>) -> Weak<dyn DataChannel> = Arc::downgrade;
    assert!(is_freed(hold).await);
}

/// Whatever of a link is left over would keep its sockets' source.
#[tokio::test(start_paused = true)]
async fn the_backend_leaves_nothing() {
    let (_, mut options) = in_memory(Cures::default());
    let source = options.source.take().unwrap();
    options.source = Some(source.clone());
    let pair = connected_backends(options.clone(), options).await;
    assert!(Arc::strong_count(&source) > 1);
    drop(pair);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(Arc::strong_count(&source), 1);
}
