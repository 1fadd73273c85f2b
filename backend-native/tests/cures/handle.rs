//! `DataChannel::id()` is the connection's handle of the channel (0, 1, 2 …) and not its stream id (native.md §1), which is only
//! in the statistics.

use backend_native::testing::Cures;
use mesh_core::LinkEvent;

use crate::support::{Settings, bare, connected_backends, in_memory};

#[tokio::test(start_paused = true)]
async fn on_the_bare_crate_the_id_of_a_channel_is_not_its_stream_id() {
    let (_, options) = in_memory(Cures::default());
    let (a, _b, _) = bare(Settings::ALL, options).await;
    // They were asked for with stream ids 1, 2 and 3.
    let ids: Vec<usize> = a.channels.iter().map(|channel| channel.id()).collect();
    assert_eq!(ids, [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn the_backend_reports_the_stream_id() {
    let (_, options) = in_memory(Cures::default());
    let pair = connected_backends(options.clone(), options).await;
    for peer in [&pair.a, &pair.b] {
        let mut ids = Vec::new();
        for event in &peer.log {
            if let LinkEvent::ChannelOpened {
                channel, actual, ..
            } = event
            {
                assert_eq!(actual.id, channel.0 + 1);
                ids.push(actual.id);
            }
        }
        ids.sort_unstable();
        assert_eq!(ids, [1, 2, 3]);
    }
}
