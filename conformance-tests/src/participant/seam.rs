//! What a case asks of a bare backend.

use std::time::Duration;

use mesh_core::{
    BackendSendError, Capabilities, ChannelIndex, ChannelParameters, ChannelSpec, CloseReason,
    Command, LinkId, MeshConfig, Reliability, SendLimits, TransferMode,
};

use super::Participant;
use crate::observed::{LinkSeen, Observed};
use crate::refusal::Refusal;
use crate::reply::{Reply, SentReport, Woken};
use crate::request::{Request, SeamRequest};
use crate::{Body, Content, Outcome};

impl Participant {
    /// A link id that this participant has not used yet.
    pub fn fresh_link(&self) -> LinkId {
        let slot = self.links.get();
        self.links.set(slot + 1);
        LinkId {
            slot,
            generation: 0,
        }
    }

    /// Opens a link with the three built-in channels, as the core would.
    pub async fn open(&self) -> Outcome<LinkId> {
        self.open_with(SendLimits::default(), MeshConfig::default().inbox_bytes)
            .await
    }

    /// Opens a link with the three built-in channels and these bounds.
    pub async fn open_with(&self, limits: SendLimits, inbox_bytes: usize) -> Outcome<LinkId> {
        self.open_as(Reliability::Retransmits(0), limits, inbox_bytes)
            .await
    }

    /// Opens a link as a Godot peer does: its misspelt key makes the ordered and the unreliable channel reliable.
    pub async fn open_as_godot(&self) -> Outcome<LinkId> {
        let inbox_bytes = MeshConfig::default().inbox_bytes;
        self.open_as(Reliability::Reliable, SendLimits::default(), inbox_bytes)
            .await
    }

    /// Opens a link with these channels, in this order, each of which may hold much.
    pub async fn open_channels(&self, specs: &[ChannelParameters]) -> Outcome<LinkId> {
        let channels = (0..).zip(specs).map(|(index, parameters)| ChannelSpec {
            label: format!("channel {index}"),
            parameters: *parameters,
            limits: SendLimits::default(),
            bulk: false,
        });
        let inbox_bytes = MeshConfig::default().inbox_bytes;
        self.open_link(channels.collect(), inbox_bytes).await
    }

    async fn open_as(
        &self,
        unreliable: Reliability,
        limits: SendLimits,
        inbox_bytes: usize,
    ) -> Outcome<LinkId> {
        let channels = TransferMode::ALL
            .map(|mode| ChannelSpec::built_in(mode, unreliable, limits))
            .into();
        self.open_link(channels, inbox_bytes).await
    }

    async fn open_link(&self, channels: Vec<ChannelSpec>, inbox_bytes: usize) -> Outcome<LinkId> {
        let link = self.fresh_link();
        let config = self.link_config.borrow().clone();
        self.execute(Command::Open {
            link,
            config,
            inbox_bytes,
        })
        .await?;
        for (index, spec) in (0..).zip(channels) {
            self.execute(Command::CreateChannel {
                link,
                channel: ChannelIndex(index),
                spec,
            })
            .await?;
        }
        Ok(link)
    }

    /// Makes a channel in-band at this position, before the offer or the answer.
    pub async fn create_in_band(
        &self,
        link: LinkId,
        channel: ChannelIndex,
        parameters: ChannelParameters,
    ) -> Outcome {
        self.done(Request::Seam(SeamRequest::CreateInBand {
            link,
            channel,
            parameters,
        }))
        .await
    }

    /// Carries a command out.
    pub async fn execute(&self, command: Command) -> Outcome {
        self.done(Request::Seam(SeamRequest::Execute(command)))
            .await
    }

    /// Closes a link at once.
    pub async fn close_link(&self, link: LinkId) -> Outcome {
        let linger = Duration::ZERO;
        self.execute(Command::Close { link, linger }).await
    }

    /// Hands messages to a channel, until it is full.
    ///
    /// The error is that of the first message: what a single `send` gives.
    pub async fn try_send_on(
        &self,
        link: LinkId,
        channel: ChannelIndex,
        content: Content,
        count: u64,
    ) -> Outcome<Result<SentReport, BackendSendError>> {
        let request = SeamRequest::SendOn {
            link,
            channel,
            content,
            count,
        };
        match self.attempt(Request::Seam(request)).await? {
            Ok(Reply::Sent(report)) => Ok(Ok(report)),
            Err(Refusal::BackendSend(error)) => Ok(Err(error)),
            other => Err(self.odd(&other)),
        }
    }

    /// Hands one message to a channel, which must take it.
    pub async fn send_on(&self, link: LinkId, mode: TransferMode, content: Content) -> Outcome {
        match self.try_send_on(link, mode.channel(), content, 1).await? {
            Ok(_) => Ok(()),
            Err(error) => Err(self.fail(format!("could not send: {error}"))),
        }
    }

    /// How much a channel buffers.
    pub async fn buffered_on(&self, link: LinkId, mode: TransferMode) -> Outcome<usize> {
        let channel = mode.channel();
        match self
            .ask(Request::Seam(SeamRequest::BufferedOn { link, channel }))
            .await?
        {
            Reply::Amount(amount) => Ok(amount),
            reply => Err(self.odd(&reply)),
        }
    }

    /// What its platform can do.
    pub async fn capabilities(&self) -> Outcome<Capabilities> {
        match self.ask(Request::Seam(SeamRequest::Capabilities)).await? {
            Reply::Capabilities(capabilities) => Ok(capabilities),
            reply => Err(self.odd(&reply)),
        }
    }

    /// Which waker is woken; see [`SeamRequest::Wake`].
    pub async fn wake(&self, alarm: Option<Duration>, wait: Duration) -> Outcome<Woken> {
        match self
            .ask(Request::Seam(SeamRequest::Wake { alarm, wait }))
            .await?
        {
            Reply::Woken(woken) => Ok(woken),
            reply => Err(self.odd(&reply)),
        }
    }

    /// The next event of this link that `accept` accepts. Others are passed over, but an end that is not accepted fails.
    pub async fn find_on<T>(
        &self,
        link: LinkId,
        what: &str,
        mut accept: impl FnMut(&LinkSeen) -> Option<T>,
    ) -> Outcome<T> {
        self.note(format!("waits {what}"));
        loop {
            match self.next().await? {
                Observed::Link(of, seen) if of == link => {
                    if let Some(found) = accept(&seen) {
                        return Ok(found);
                    }
                    if let LinkSeen::Closed(reason) = seen {
                        return Err(self.fail(format!("waited {what}, the link ended: {reason:?}")));
                    }
                }
                Observed::Link(..) => {}
                event => return Err(self.fail(format!("waited {what}, saw {event:?}"))),
            }
        }
    }

    /// Waits until all three channels of a link are open.
    pub async fn opened(&self, link: LinkId) -> Outcome {
        let mut open = 0;
        self.find_on(link, "for three open channels", |seen| {
            open += usize::from(matches!(seen, LinkSeen::Opened { .. }));
            (open == TransferMode::ALL.len()).then_some(())
        })
        .await
    }

    /// The next message of a link.
    pub async fn message(&self, link: LinkId) -> Outcome<(ChannelIndex, Body)> {
        self.find_on(link, "for a message", |seen| match seen {
            LinkSeen::Message { channel, body } => Some((*channel, body.clone())),
            _ => None,
        })
        .await
    }

    /// The end of a link.
    pub async fn closed(&self, link: LinkId) -> Outcome<CloseReason> {
        self.find_on(link, "for the end of the link", |seen| match seen {
            LinkSeen::Closed(reason) => Some(reason.clone()),
            _ => None,
        })
        .await
    }

    /// Waits until the far side's close is noticed: a platform says so of the link, or of all its channels.
    pub async fn closed_by_far(&self, link: LinkId) -> Outcome {
        let mut closed = 0;
        self.find_on(link, "for the far side's close", |seen| match seen {
            LinkSeen::Closed(CloseReason::Remote) => Some(()),
            LinkSeen::ChannelClosed(_) => {
                closed += 1;
                (closed == TransferMode::ALL.len()).then_some(())
            }
            _ => None,
        })
        .await
    }
}
