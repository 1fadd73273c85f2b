//! Requests to a bare backend.

use mesh_core::{Backend, BackendSendError, ChannelSpec, Rejected, SendLimits};

use super::stack::Stack;
use super::{Host, wake};
use crate::platform::Platform;
use crate::refusal::Refusal;
use crate::reply::{Reply, SentReport};
use crate::request::SeamRequest;

impl<P: Platform> Host<P> {
    pub(super) async fn seam(&mut self, request: SeamRequest) -> Result<Reply, Refusal> {
        let Stack::Backend(backend) = &mut self.stack else {
            return Err(Refusal::Suite(
                "this participant is no bare backend".to_owned(),
            ));
        };
        Ok(match request {
            SeamRequest::Execute(command) => {
                backend.execute(command);
                Reply::Done
            }
            SeamRequest::SendOn {
                link,
                channel,
                content,
                count,
            } => {
                let mut report = SentReport::default();
                for payload in content.payloads(count) {
                    match backend.send(link, channel, payload) {
                        Ok(()) => {
                            report.messages += 1;
                            let buffered = backend.buffered_amount(link, channel);
                            report.most_buffered = report.most_buffered.max(buffered);
                        }
                        Err(Rejected {
                            reason: BackendSendError::Full,
                            ..
                        }) if report.messages > 0 => break,
                        Err(rejected) => return Err(rejected.reason.into()),
                    }
                }
                Reply::Sent(report)
            }
            SeamRequest::BufferedOn { link, channel } => {
                Reply::Amount(backend.buffered_amount(link, channel))
            }
            SeamRequest::Capabilities => Reply::Capabilities(backend.capabilities()),
            SeamRequest::CreateInBand {
                link,
                channel,
                parameters,
            } => {
                let spec = ChannelSpec {
                    label: "in-band".to_owned(),
                    parameters,
                    limits: SendLimits::default(),
                    bulk: false,
                };
                self.platform
                    .create_in_band(backend.bare(), link, channel, spec);
                Reply::Done
            }
            SeamRequest::Wake { alarm, wait } => {
                let limit = self.platform.sleep(wait);
                let alarm = alarm.map(|span| (span, self.platform.sleep(span)));
                let (woken, entries) = wake::watch(backend.as_mut(), alarm, limit).await;
                for entry in entries {
                    self.note(entry);
                }
                Reply::Woken(woken)
            }
        })
    }
}
