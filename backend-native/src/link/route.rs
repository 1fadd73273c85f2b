//! Which route a link takes: whether it is relayed, which is asked again and again, whether it is silent, and what that means for
//! its state.

use mesh_core::platform::pulse;
use mesh_core::{CandidateType, ConnectionState, Duration};
use tokio::time::Instant;

use super::Link;
use crate::connection::Connection;

/// How often a link that could be relayed is asked whether it is: its route may change.
const RELAY_CHECK: Duration = Duration::from_secs(2);

/// How often the addresses of the machine are looked at while no pair of addresses answers, and while a relay does.
const ADDRESSES: Duration = Duration::from_secs(1);
const ADDRESSES_OF_RELAYED: Duration = Duration::from_secs(10);

impl Link {
    pub(super) fn are_channels_open(&self) -> bool {
        self.opened_channels >= usize::from(self.remote_channels.planned())
    }

    /// Which route the crate has taken. The sockets see to more where it is relayed, and another one is looked for where it is
    /// relayed or silent.
    pub(super) async fn check_route(&mut self, connection: &Connection) {
        let pair = connection.selected_pair().await.unwrap_or_default();
        let sockets = connection.sockets();
        sockets.relaying(pair.local == Some(CandidateType::Relay));
        sockets.select(pair.addresses);
        self.is_relayed = pair.is_relayed();
        self.seek_route(connection);
        if self.relay.is_possible() {
            self.timers.relay_check = Some(Instant::now() + RELAY_CHECK);
        }
    }

    /// Looks for another route than the crate's, or does not.
    pub(super) fn seek_route(&mut self, connection: &Connection) {
        let is_wanted = self.is_relayed || connection.sockets().is_pair_silent();
        let stands = self.has_connected && self.are_channels_open();
        let is_wanted = is_wanted && stands;
        connection.direct().search(is_wanted);
        if !is_wanted {
            self.timers.addresses = None;
        } else if self.timers.addresses.is_none() {
            self.timers.addresses = Some(Instant::now() + ADDRESSES);
        }
        self.judge(connection);
    }

    /// Uses what addresses the machine has got since the connection was made, where none of the old ones will do.
    pub(super) fn look_for_addresses(&mut self, connection: &Connection) {
        let pause = if self.is_relayed {
            ADDRESSES_OF_RELAYED
        } else {
            ADDRESSES
        };
        self.timers.addresses = Some(Instant::now() + pause);
        if connection.direct().path().is_some() {
            return;
        }
        let addresses = match &self.address_source {
            Some(source) => source.addresses(),
            None => self.platform.bind_addresses(),
        };
        // Without any network there is nothing but the loopback.
        if self.platform.is_offline(&addresses) {
            return;
        }
        if connection.direct().bind(&addresses) {
            connection.sockets().go_round();
        }
    }

    /// Reports the state of the connection where it is another one. The crate hears the far side on its own pair alone, so its
    /// "disconnected" means nothing while another path answers: the TURN server, or an interface, may be gone. Beyond that the
    /// pulse has a say, with a far side that has one.
    pub(super) fn judge(&mut self, connection: &Connection) {
        let is_silent = self.agent_says == ConnectionState::Disconnected;
        let is_direct = connection.direct().path().is_some();
        if is_direct {
            connection.sockets().heard_elsewhere();
        }
        let state = if is_silent && is_direct {
            ConnectionState::Connected
        } else {
            self.agent_says
        };
        let state = pulse::judge(state, connection.pulse().life());
        if state != self.reported {
            self.report_state(state);
        }
    }
}
