//! What only a connection can tell about a channel.

use std::sync::Arc;

use mesh_core::{ChannelParameters, Duration};
use webrtc::data_channel::DataChannel;
use webrtc::error::Error;
use webrtc::peer_connection::{PeerConnection, StatsSelector};

use crate::direct::Direct;
use crate::translate;

/// Reads what only a connection can tell about a channel.
#[derive(Clone)]
pub(crate) struct Inspector {
    pub(super) inner: Arc<dyn PeerConnection>,
    pub(super) direct: Direct,
}

impl Inspector {
    /// What the platform says the channel is.
    pub(crate) async fn parameters(
        &self,
        channel: &dyn DataChannel,
    ) -> Result<ChannelParameters, Error> {
        // `DataChannel::id` is a number of the connection's own; the stream id is in the figures alone.
        let (id, _) = self
            .figures(channel)
            .await
            .ok_or(Error::ErrDataChannelClosed)?;
        Ok(ChannelParameters {
            id,
            ordered: channel.ordered().await?,
            reliability: translate::reliability(
                channel.max_packet_life_time().await?,
                channel.max_retransmits().await?,
            ),
        })
    }

    /// How many messages have come in, taken or not.
    pub(crate) async fn messages_received(&self, channel: &dyn DataChannel) -> Option<u32> {
        self.figures(channel).await.map(|(_, messages)| messages)
    }

    /// The last round trip that was measured.
    pub(crate) async fn round_trip(&self) -> Option<Duration> {
        if let Some(path) = self.direct.path() {
            return Some(path.round_trip);
        }
        let report = self
            .inner
            .get_stats(std::time::Instant::now(), StatsSelector::None)
            .await;
        translate::round_trip(&report)
    }

    /// Stream id and messages received.
    async fn figures(&self, channel: &dyn DataChannel) -> Option<(u16, u32)> {
        let report = self
            .inner
            .get_stats(std::time::Instant::now(), StatsSelector::None)
            .await;
        let id = format!("RTCDataChannel_{}", channel.id());
        report
            .data_channels()
            .find(|figures| figures.stats.id == id)
            .map(|figures| (figures.data_channel_identifier, figures.messages_received))
    }
}
