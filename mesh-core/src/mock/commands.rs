//! The execution of commands.

use alloc::format;
use alloc::string::{String, ToString};
use core::time::Duration;

use super::channel::Channel;
use super::end::{End, Negotiation};
use super::ice::Phase;
use super::sdp;

use super::world::{Action, Host, Key, World};
use crate::platform::check_description;
use crate::platform::control::Word;
use crate::{
    ChannelIndex, ChannelSpec, CloseReason, Command, ConnectFailure, ConnectionState, IceCandidate,
    LinkConfig, LinkEvent, SdpType, SessionDescription,
};

/// How long it takes to find the local candidate.
const GATHERING: Duration = Duration::from_millis(1);

impl World {
    pub(super) fn execute(&mut self, host: u32, command: Command) {
        let key = (host, command.link());
        let is_alive = |host: &Host| host.alive;
        if !self.hosts.get(host as usize).is_some_and(is_alive) {
            return;
        }
        let known = self.ends.get(&key).map(|end| end.closing);
        let done = match (command, known) {
            (
                Command::Open {
                    config,
                    inbox_bytes,
                    ..
                },
                None,
            ) => {
                let end = End::new(key.1, &config, inbox_bytes, self.clock.now);
                self.ends.insert(key, end);
                check_config(&config).map_err(ConnectFailure::Config)
            }
            (Command::Open { .. }, Some(_)) | (_, None | Some(true)) => return,
            (Command::CreateChannel { channel, spec, .. }, _) => {
                self.create_channel(key, channel, &spec)
            }
            (Command::CreateOffer { .. }, _) => self.create_offer(key),
            (Command::SetRemote { description, .. }, _) => self.set_remote(key, &description),
            (Command::AddCandidate { candidate, .. }, _) => self.add_candidate(key, &candidate),
            (
                Command::SendLast {
                    channel, payload, ..
                },
                _,
            ) => return self.send_last(key, channel, payload),
            (Command::Abandon { channel, .. }, _) => {
                if let Some(channel) = self.ends.get_mut(&key).and_then(|end| end.channel(channel))
                {
                    channel.abandon();
                }
                return;
            }
            (Command::CloseChannel { channel, .. }, _) => {
                if let Some(channel) = self.ends.get_mut(&key).and_then(|end| end.channel(channel))
                {
                    channel.close();
                }
                self.close_drained(key);
                return;
            }
            (Command::RequestStats { .. }, _) => return self.report_stats(key),
            (Command::Coalesce { .. }, _) => {
                if let Some(end) = self.ends.get_mut(&key) {
                    end.coalesces = true;
                }
                return;
            }
            (Command::TellKick { peer, reason, .. }, _) => {
                return self.say(key, Word::Kicked { peer, reason });
            }
            (Command::TellTaken { counts, .. }, _) => {
                return self.say(key, Word::Taken(counts));
            }
            (Command::Goodbye { goodbye, .. }, _) => {
                if let Some(end) = self.ends.get_mut(&key) {
                    end.parting = Some(goodbye);
                }
                return;
            }
            (Command::Close { linger, .. }, _) => return self.close(key, linger),
        };
        if let Err(failure) = done {
            self.finish(key, CloseReason::Failed(failure));
        }
    }

    pub(super) fn create_in_band_channel(
        &mut self,
        key: Key,
        index: ChannelIndex,
        spec: &ChannelSpec,
    ) {
        if let Err(failure) = self.create_channel(key, index, spec) {
            self.finish(key, CloseReason::Failed(failure));
        } else if let Some(channel) = self.ends.get_mut(&key).and_then(|end| end.channel(index)) {
            channel.in_band = true;
        }
    }

    fn create_channel(
        &mut self,
        key: Key,
        index: ChannelIndex,
        spec: &ChannelSpec,
    ) -> Result<(), ConnectFailure> {
        let stream = spec.parameters.id;
        let Some(end) = self.ends.get_mut(&key) else {
            return Ok(());
        };
        // Two channels on one stream, or the stream id that SCTP reserves (W3C: createDataChannel).
        if stream == u16::MAX || end.channel(index).is_some() || end.stream(stream).is_some() {
            let problem = format!("stream {stream} cannot be used, or is used already");
            return Err(ConnectFailure::Channel(problem));
        }
        end.channels.push(Channel::new(index, spec));
        if end.phase == Phase::Open {
            self.open_channels(key);
        }
        Ok(())
    }

    fn create_offer(&mut self, key: Key) -> Result<(), ConnectFailure> {
        let Some(end) = self.ends.get_mut(&key) else {
            return Ok(());
        };
        if end.negotiation != Negotiation::New {
            return Err(ConnectFailure::Unsupported(
                "the mock makes one offer a link".into(),
            ));
        }
        if end.channels.is_empty() {
            return Err(ConnectFailure::Config(
                "an offer without channels has nothing to offer".into(),
            ));
        }
        end.negotiation = Negotiation::Offered;
        self.describe(key, SdpType::Offer);
        Ok(())
    }

    fn set_remote(
        &mut self,
        key: Key,
        description: &SessionDescription,
    ) -> Result<(), ConnectFailure> {
        check_description(description)?;
        let far = sdp::read(&description.sdp)?;
        let Some(end) = self.ends.get_mut(&key) else {
            return Ok(());
        };
        let problem = match (description.sdp_type, end.negotiation) {
            _ if far == Some(key) => "it is our own",
            (SdpType::Offer, Negotiation::New) | (SdpType::Answer, Negotiation::Offered) => {
                end.negotiation = Negotiation::Done;
                end.far = far;
                if description.sdp_type == SdpType::Offer {
                    self.describe(key, SdpType::Answer);
                }
                self.set_state(key, ConnectionState::Connecting);
                self.check(key);
                self.refresh(key);
                return Ok(());
            }
            (SdpType::Offer, _) => "an offer after an offer",
            (SdpType::Answer, _) => "an answer to no offer",
        };
        Err(ConnectFailure::Description(problem.to_string()))
    }

    /// Makes, applies and reports a local description, and begins to look for candidates.
    fn describe(&mut self, key: Key, sdp_type: SdpType) {
        let link = key.1;
        let sdp = sdp::describe(key, sdp_type, self.config(key.0).max_message_size);
        let description = SessionDescription { sdp_type, sdp };
        self.tell(key, LinkEvent::Description { link, description });
        let due = self.clock.now + GATHERING;
        self.clock.schedule(due, Action::Gather(key));
    }

    /// Reports the local candidate, unless only relays may be used: there is none.
    pub(super) fn gather(&mut self, key: Key) {
        let link = key.1;
        let Some(end) = self.ends.get(&key) else {
            return;
        };
        let failure = end.relay.failure(String::new);
        if failure.is_none() {
            let candidate = IceCandidate {
                sdp_mid: "0".to_string(),
                sdp_m_line_index: 0,
                candidate: sdp::candidate(key),
            };
            self.tell(key, LinkEvent::Candidate { link, candidate });
        }
        let trouble = String::new();
        self.tell(key, LinkEvent::Gathered { link, trouble });
        if let Some(failure) = failure {
            self.finish(key, CloseReason::Failed(failure));
        }
    }

    /// Takes a candidate of the far side in. One that leads nowhere is no error.
    fn add_candidate(&mut self, key: Key, candidate: &IceCandidate) -> Result<(), ConnectFailure> {
        let Some(end) = self.ends.get_mut(&key) else {
            return Ok(());
        };
        if end.negotiation != Negotiation::Done {
            return Err(ConnectFailure::Candidate(
                "it came before the description".into(),
            ));
        }
        let text = &candidate.candidate;
        if !sdp::is_candidate(text) {
            return Err(ConnectFailure::Candidate(
                "it does not have the form of a candidate".into(),
            ));
        }
        if end.far.is_some_and(|far| *text == sdp::candidate(far)) {
            end.has_far_candidate = true;
            self.try_connect(key);
        }
        Ok(())
    }

    fn report_stats(&mut self, key: Key) {
        if let Some(stats) = self.stats(key) {
            self.tell(key, LinkEvent::Stats { link: key.1, stats });
        }
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
                let url = url.escape_default();
                return Err(format!("{url} needs a user name and a credential"));
            }
        }
    }
    Ok(())
}
