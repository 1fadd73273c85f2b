//! What only a connection can tell about a channel.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mesh_core::{ChannelParameters, Duration};
use webrtc::data_channel::DataChannel;
use webrtc::error::Error;
use webrtc::peer_connection::{PeerConnection, StatsSelector};

use crate::direct::Direct;
use crate::socket::SocketControl;
use crate::translate;

/// Reads what only a connection can tell about a channel.
#[derive(Clone)]
pub(crate) struct Inspector {
    pub(super) inner: Arc<dyn PeerConnection>,
    pub(super) direct: Direct,
    pub(super) sockets: SocketControl,
    pub(super) streams: Streams,
}

/// The stream ids from the last report, by the report's name of the channel. Each is taken out when it is asked for. Cheap to clone.
///
/// The crate makes a whole report to tell one. The channels of a connection open at once, so one report tells those of all.
#[derive(Clone, Default)]
pub(super) struct Streams(Arc<Mutex<HashMap<String, u16>>>);

impl Inspector {
    /// What the platform says the channel is.
    pub(crate) async fn parameters(
        &self,
        channel: &dyn DataChannel,
    ) -> Result<ChannelParameters, Error> {
        let id = match self.streams.take(&name(channel)) {
            Some(id) => id,
            // `DataChannel::id` is a number of the connection's own; the stream id is in the figures alone.
            None => {
                let figures = self.figures(channel).await;
                figures.ok_or(Error::ErrDataChannelClosed)?.0
            }
        };
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
        // The crate does not know when its checks really go out.
        if let Some(round_trip) = self.sockets.round_trip() {
            return Some(round_trip);
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
        let all = report.data_channels();
        let streams =
            all.map(|figures| (figures.stats.id.clone(), figures.data_channel_identifier));
        // It is 0 of a channel that has none yet.
        *self.streams.lock() = streams.filter(|(_, stream)| *stream != 0).collect();
        let name = name(channel);
        report
            .data_channels()
            .find(|figures| figures.stats.id == name)
            .map(|figures| (figures.data_channel_identifier, figures.messages_received))
    }
}

impl Streams {
    fn take(&self, name: &str) -> Option<u16> {
        self.lock().remove(name)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, u16>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a report calls a channel.
fn name(channel: &dyn DataChannel) -> String {
    format!("RTCDataChannel_{}", channel.id())
}
