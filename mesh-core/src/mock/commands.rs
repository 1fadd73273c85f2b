//! The execution of commands.

use alloc::format;
use alloc::string::{String, ToString};

use super::channel::Channel;
use super::endpoint::{Endpoint, Negotiation};
use super::key::Key;
use super::sdp;
use super::world::World;
use crate::{
    CandidateType, ChannelIndex, ChannelSpec, Command, ConnectFailure, LinkConfig, LinkEvent,
    LinkId, LinkStats, SdpType, SessionDescription,
};

impl World {
    pub(super) fn execute(&mut self, host: u32, command: Command) {
        let Some(owner) = self.host(host).filter(|host| host.alive) else {
            return;
        };
        let known = owner.links.get(&command.link()).copied();
        if let Command::Open {
            link,
            config,
            inbox_bytes,
        } = command
        {
            if known.is_none() {
                self.open(host, link, config, inbox_bytes);
            }
            return;
        }
        let Some(key) = known else {
            return;
        };
        match command {
            Command::Open { .. } => {}
            Command::CreateChannel { channel, spec, .. } => {
                self.create_channel(key, channel, spec);
            }
            Command::CloseChannel { channel, .. } => self.close_channel(key, channel),
            Command::CreateOffer { .. } => self.create_offer(key),
            Command::SetRemote { description, .. } => self.set_remote(key, &description),
            Command::AddCandidate { candidate, .. } => self.add_candidate(key, &candidate),
            Command::RequestStats { .. } => self.report_stats(key),
            Command::Close { linger, .. } => self.close(key, linger),
        }
    }

    fn open(&mut self, host: u32, link: LinkId, config: LinkConfig, inbox_bytes: usize) {
        let problem = check_config(&config);
        let end = Endpoint::new(host, link, config, inbox_bytes, self.clock.now());
        let key = self.ends.insert(|_| end);
        if let Some(owner) = self.host_mut(host) {
            owner.links.insert(link, key);
        }
        if let Err(problem) = problem {
            self.fail(key, ConnectFailure::Config(problem));
        }
    }

    fn create_channel(&mut self, key: Key, index: ChannelIndex, spec: ChannelSpec) {
        let Some(end) = self.live_mut(key).filter(|end| !end.closing) else {
            return;
        };
        let stream = spec.parameters.id;
        // Two channels on one stream, or the stream id that SCTP reserves (W3C: createDataChannel).
        if stream == u16::MAX || end.channel(index).is_some() || end.stream_mut(stream).is_some() {
            let problem = format!("stream {stream} cannot be used, or is used already");
            self.fail(key, ConnectFailure::Channel(problem));
            return;
        }
        let mut channel = Channel::new(index, spec.parameters, spec.limits, false);
        channel.delivered = end.unclaimed.remove(&stream).unwrap_or(0);
        end.channels.push(channel);
        if end.is_associated() {
            self.open_channels(key);
        }
    }

    fn create_offer(&mut self, key: Key) {
        let Some(end) = self.live_mut(key).filter(|end| !end.closing) else {
            return;
        };
        if end.negotiation != Negotiation::New {
            let problem = "the mock makes one offer a link".to_string();
            self.fail(key, ConnectFailure::Unsupported(problem));
            return;
        }
        if end.channels.is_empty() {
            let problem = "an offer without channels has nothing to offer".to_string();
            self.fail(key, ConnectFailure::Config(problem));
            return;
        }
        end.negotiation = Negotiation::Offered;
        end.offerer = true;
        self.describe(key, SdpType::Offer);
    }

    fn set_remote(&mut self, key: Key, description: &SessionDescription) {
        let Some(end) = self.live_mut(key).filter(|end| !end.closing) else {
            return;
        };
        let described = match (description.sdp_type, end.negotiation) {
            (SdpType::Offer, Negotiation::New) | (SdpType::Answer, Negotiation::Offered) => {
                sdp::read(&description.sdp)
            }
            (SdpType::Offer, _) => Err("an offer after an offer".to_string()),
            (SdpType::Answer, _) => Err("an answer to no offer".to_string()),
        };
        let described = match described {
            Ok(described) if described.link == Some(key) => Err("it is our own".to_string()),
            other => other,
        };
        let described = match described {
            Ok(described) => described,
            Err(problem) => {
                self.fail(key, ConnectFailure::Description(problem));
                return;
            }
        };
        end.negotiation = Negotiation::Done;
        end.far = described.link;
        if description.sdp_type == SdpType::Offer {
            self.describe(key, SdpType::Answer);
        }
        self.begin_checks(key);
    }

    /// Makes, applies and reports a local description, and begins to look for candidates.
    fn describe(&mut self, key: Key, sdp_type: SdpType) {
        let Some(end) = self.live(key) else {
            return;
        };
        let size = self
            .host(end.host)
            .filter(|host| host.config.announce_max_message_size)
            .map(|host| host.config.max_message_size);
        let event = LinkEvent::Description {
            link: end.link,
            description: SessionDescription {
                sdp_type,
                sdp: sdp::describe(key, sdp_type == SdpType::Answer, size),
            },
        };
        self.tell(key, event);
        self.begin_gathering(key);
    }

    fn report_stats(&mut self, key: Key) {
        let Some(end) = self.live(key).filter(|end| !end.closing) else {
            return;
        };
        let far = end.far.and_then(|far| self.live(far));
        let far = far.filter(|_| end.is_secured());
        let candidate = far.map(|_| CandidateType::Host);
        let event = LinkEvent::Stats {
            link: end.link,
            stats: LinkStats {
                round_trip: far.map(|far| self.paths.round_trip(end.host, far.host)),
                bytes_sent: end.bytes_sent,
                bytes_received: end.bytes_received,
                local: candidate,
                remote: candidate,
                messages_dropped: 0,
            },
        };
        self.tell(key, event);
    }
}

/// Checks what a browser checks when a connection is made (W3C: `RTCPeerConnection` constructor).
fn check_config(config: &LinkConfig) -> Result<(), String> {
    for server in &config.ice_servers {
        if server.urls.is_empty() {
            return Err("an ICE server without a URL".to_string());
        }
        for url in &server.urls {
            let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
            let turn = matches!(scheme, "turn" | "turns");
            if rest.is_empty() || !(turn || matches!(scheme, "stun" | "stuns")) {
                return Err(format!("no ICE server URL: {}", url.escape_default()));
            }
            if turn && (server.username.is_empty() || server.credential.is_empty()) {
                return Err(format!(
                    "{} needs a user name and a credential",
                    url.escape_default()
                ));
            }
        }
    }
    Ok(())
}
