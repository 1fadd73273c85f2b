//! A far side in plain JavaScript, which does what no peer of ours does.

use js_sys::{Array, Function, Promise};
use mesh_core::{Command, LinkEvent, SdpType, SessionDescription};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::support::Peer;

/// It has the planned channels and the control channel, and runs `act` with the connection. Its offer has all candidates in it.
const STRANGER: &str = "
    const pc = new RTCPeerConnection();
    for (const id of [1, 2, 3]) pc.createDataChannel('planned', { negotiated: true, id });
    const control = pc.createDataChannel('control', { negotiated: true, id: 1001 });
    act(pc, control);
    const gathered = new Promise(done => { pc.onicecandidate = e => { if (!e.candidate) done(); }; });
    const offer = pc.createOffer().then(o => pc.setLocalDescription(o)).then(() => gathered)
        .then(() => pc.localDescription.sdp);
    return [offer, sdp => pc.setRemoteDescription({ type: 'answer', sdp }),
        c => pc.addIceCandidate({ candidate: c, sdpMid: '0' }), () => pc.close()];
";

/// The far side.
pub(crate) struct Stranger {
    answer: Function,
    candidate: Function,
    close: Function,
}

impl Stranger {
    /// Makes one and gives its offer to the open link of `peer`. `act` is a function of the connection and the control channel.
    pub(crate) async fn offer_to(peer: &mut Peer, act: &str) -> Self {
        let parts: Array = Function::new_no_args(&format!("const act = {act}; {STRANGER}"))
            .call0(&JsValue::UNDEFINED)
            .expect("it runs")
            .unchecked_into();
        let part = |at| parts.get(at).unchecked_into::<Function>();
        let offer = parts.get(0).unchecked_into::<Promise>();
        let sdp = JsFuture::from(offer).await.expect("an offer").as_string();
        let link = peer.link;
        peer.execute(Command::SetRemote {
            link,
            description: SessionDescription {
                sdp_type: SdpType::Offer,
                sdp: sdp.expect("text"),
            },
        });
        Self {
            answer: part(1),
            candidate: part(2),
            close: part(3),
        }
    }

    /// Takes an answer or a candidate.
    pub(crate) fn hear(&self, signal: &LinkEvent) {
        let (function, text) = match signal {
            LinkEvent::Description { description, .. } => (&self.answer, &description.sdp),
            LinkEvent::Candidate { candidate, .. } => (&self.candidate, &candidate.candidate),
            other => panic!("{other:?}"),
        };
        let told = function.call1(&JsValue::UNDEFINED, &JsValue::from_str(text));
        told.expect("the far side takes it");
    }

    pub(crate) fn close(self) {
        let _ = self.close.call0(&JsValue::UNDEFINED);
    }
}
