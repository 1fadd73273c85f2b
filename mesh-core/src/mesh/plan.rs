//! The plan of a mesh: which channels each peer gets, and on which SCTP streams.

use alloc::vec::Vec;

use super::connection::Channel;
use crate::{
    BUILT_IN_CHANNELS, ChannelIndex, ChannelRole, ChannelSpec, MeshConfig, Reliability,
    TransferMode,
};

/// The SCTP stream of the first custom channel (reference: Godot's channel table).
const FIRST_CUSTOM_STREAM: u16 = 4;

/// The channels of the peers that are added from now on, by their position.
#[derive(Debug)]
pub(super) struct Plan {
    modes: Vec<TransferMode>,
}

impl Plan {
    /// The built-in channels, then these.
    pub(super) fn new(custom: &[TransferMode]) -> Self {
        Self {
            modes: [&TransferMode::ALL, custom].concat(),
        }
    }

    pub(super) fn modes(&self) -> &[TransferMode] {
        &self.modes
    }

    pub(super) fn has(&self, channel: ChannelIndex) -> bool {
        usize::from(channel.0) < self.modes.len()
    }

    /// The channels of one peer, not open yet.
    pub(super) fn channels(&self, config: &MeshConfig, unreliable: Reliability) -> Vec<Channel> {
        (0..)
            .map(ChannelIndex)
            .zip(&self.modes)
            .map(|(index, &mode)| {
                let limits = config.limits_of(index, mode);
                let backend = limits.backend;
                let (role, spec) = match index.0.checked_sub(BUILT_IN_CHANNELS) {
                    None => {
                        let spec = ChannelSpec::built_in(mode, unreliable, backend);
                        (ChannelRole::BuiltIn, spec)
                    }
                    Some(custom) => {
                        let stream = FIRST_CUSTOM_STREAM.saturating_add(custom);
                        let spec = ChannelSpec::custom(stream, mode, unreliable, backend);
                        (ChannelRole::Custom, spec)
                    }
                };
                let bulk = limits.bulk;
                Channel::planned(role, ChannelSpec { bulk, ..spec }, mode, limits)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ChannelLimits;

    #[test]
    fn streams_are_those_of_godot() {
        let plan = Plan::new(&[TransferMode::Reliable, TransferMode::Unreliable]);
        let channels = plan.channels(&MeshConfig::default(), Reliability::Retransmits(0));
        let told: Vec<_> = channels
            .iter()
            .map(|channel| {
                let spec = &channel.spec;
                (spec.label.as_str(), spec.parameters.id, channel.role)
            })
            .collect();
        assert_eq!(
            told,
            [
                ("reliable", 1, ChannelRole::BuiltIn),
                ("ordered", 2, ChannelRole::BuiltIn),
                ("unreliable", 3, ChannelRole::BuiltIn),
                ("4", 4, ChannelRole::Custom),
                ("5", 5, ChannelRole::Custom),
            ]
        );
        assert!(plan.has(ChannelIndex(4)));
        assert!(!plan.has(ChannelIndex(5)));
    }

    #[test]
    fn a_channel_with_limits_of_its_own_that_say_so_gives_way() {
        let marked = ChannelLimits {
            bulk: true,
            ..ChannelLimits::RELIABLE
        };
        let mut config = MeshConfig::default();
        config.channel_limits.insert(ChannelIndex(3), marked);
        let plan = Plan::new(&[TransferMode::Reliable; 2]);
        let channels = plan.channels(&config, Reliability::Retransmits(0));
        let bulk: Vec<_> = channels.iter().map(|channel| channel.spec.bulk).collect();
        assert_eq!(bulk, [false, false, false, true, false]);
    }
}
