//! One peer connection of the browser, behind our words.

mod channels;

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use async_channel::Sender;
use mesh_core::platform::{PairWatch, control, pulse};
use mesh_core::{
    ChannelIndex, ChannelSpec, ConnectFailure, Goodbye, IceCandidate, LinkConfig, LinkStats,
    PathKind, SdpType, SessionDescription,
};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{RtcDataChannel, RtcDataChannelEvent, RtcPeerConnection, RtcPeerConnectionIceEvent};

use crate::channel::Channel;
use crate::config::PlatformConfig;
use crate::control::Control;
use crate::count::{Count, Kind};
use crate::ending::Ending;
use crate::far_relays::FarRelays;
use crate::inbox::LinkInbox;
use crate::js::{self, Callback};
use crate::note::Note;
use crate::pulse::Pulse;
use crate::relay::Refusal;
use crate::stats;
use crate::translate;

use channels::Channels;

/// Not an attribute in web-sys, so it is listened to.
const ICE_CANDIDATE_ERROR: &str = "icecandidateerror";

/// A peer connection.
pub(crate) struct Connection {
    inner: RtcPeerConnection,
    channels: Channels,
    ending: Ending,
    /// What the far side is told at the end.
    parting: RefCell<Option<Goodbye>>,
    far_relays: FarRelays,
    /// The latest figures.
    figures: Cell<LinkStats>,
    /// Which pair of candidates is used.
    pairs: RefCell<PairWatch>,
    notes: Sender<Note>,
    callbacks: RefCell<Option<Callbacks>>,
}

struct Callbacks {
    candidate: Callback,
    candidate_error: Callback,
    state: Callback,
    channel: Callback,
    _count: Count,
}

impl Callbacks {
    fn new(connection: &Weak<Connection>) -> Self {
        Self {
            candidate: Callback::of(connection, Connection::on_candidate),
            candidate_error: Callback::of(connection, Connection::on_candidate_error),
            state: Callback::of(connection, |connection, _| connection.on_state()),
            channel: Callback::of(connection, Connection::on_channel),
            _count: Count::new(Kind::Connection),
        }
    }
}

impl Connection {
    /// Makes it.
    pub(crate) fn open(
        config: &LinkConfig,
        platform: &PlatformConfig,
        inbox: &Rc<LinkInbox>,
        notes: Sender<Note>,
    ) -> Result<Rc<Self>, ConnectFailure> {
        let configuration = translate::configuration(config, platform);
        let inner = RtcPeerConnection::new_with_configuration(&configuration)
            .map_err(|error| translate::refused_configuration(config, &error))?;
        // Where it cannot be made, the connection does without.
        let control = make_channel(&inner, &control::spec(), false);
        let control = control.map(|channel| Control::new(channel, notes.clone(), Rc::clone(inbox)));
        let pulse = make_channel(&inner, &pulse::spec(), false).ok();
        let pulse = pulse.and_then(|channel| Pulse::new(channel, notes.clone()));
        let connection = Rc::new_cyclic(|connection| Self {
            inner,
            channels: Channels::new(Rc::clone(inbox), notes.clone(), control.ok(), pulse),
            ending: Ending::new(),
            parting: RefCell::default(),
            far_relays: FarRelays::default(),
            figures: Cell::default(),
            pairs: RefCell::default(),
            notes,
            callbacks: RefCell::new(Some(Callbacks::new(connection))),
        });
        connection.attach();
        Ok(connection)
    }

    fn attach(&self) {
        if let Some(callbacks) = &*self.callbacks.borrow() {
            let inner = &self.inner;
            inner.set_onicecandidate(Some(callbacks.candidate.function()));
            inner.set_onconnectionstatechange(Some(callbacks.state.function()));
            inner.set_oniceconnectionstatechange(Some(callbacks.state.function()));
            inner.set_ondatachannel(Some(callbacks.channel.function()));
            let error = callbacks.candidate_error.function();
            // Without it, causes are less exact.
            let _ = inner.add_event_listener_with_callback(ICE_CANDIDATE_ERROR, error);
        }
    }

    /// What the far side is told at the end.
    pub(crate) fn set_parting(&self, goodbye: Goodbye) {
        self.parting.replace(Some(goodbye));
    }

    /// Tells the far side why the connection ends: what was set, or else what is known here. The number of the request that
    /// confirms it; `None` where nothing was said.
    pub(crate) fn say_goodbye(&self, known: Option<Goodbye>) -> Option<u16> {
        let goodbye = self.parting.take().or(known)?;
        self.channels.say_goodbye(&goodbye)
    }

    /// Closes it at once: hears nothing any more, and the far side hears of it.
    pub(crate) fn close(&self) {
        let Some(callbacks) = self.callbacks.take() else {
            return;
        };
        let inner = &self.inner;
        inner.set_onicecandidate(None);
        inner.set_onconnectionstatechange(None);
        inner.set_oniceconnectionstatechange(None);
        inner.set_ondatachannel(None);
        let error = callbacks.candidate_error.function();
        let _ = inner.remove_event_listener_with_callback(ICE_CANDIDATE_ERROR, error);
        self.channels.detach();
        inner.close();
        drop(callbacks);
        // Whoever drains it need not wait any longer.
        let _ = self.notes.try_send(Note::Drained);
    }

    /// Where it is told to end.
    pub(crate) const fn ending(&self) -> &Ending {
        &self.ending
    }

    /// One of the channels.
    pub(crate) fn channel(&self, index: ChannelIndex) -> Option<Rc<Channel>> {
        self.channels.channel(index)
    }

    /// Takes nothing more to send.
    pub(crate) fn stop_accepting(&self) {
        self.channels.stop_accepting();
    }

    /// The channels.
    pub(crate) const fn channels(&self) -> &Channels {
        &self.channels
    }

    /// Makes a channel: one that both sides make by agreement, or one that the far side is told of.
    pub(crate) fn create_channel(
        &self,
        index: ChannelIndex,
        spec: &ChannelSpec,
        in_band: bool,
    ) -> Result<(), ConnectFailure> {
        let id = spec.parameters.id;
        let refused =
            |why: &str| ConnectFailure::Channel(format!("channel {id} \"{}\": {why}", spec.label));
        // The browser sees to the id alone.
        if self.channels.channel(index).is_some() {
            return Err(refused("there is one in its place already"));
        }
        make_channel(&self.inner, spec, in_band)
            .map(|inner| self.channels.add_planned(index, spec, inner))
            .map_err(|error| refused(&js::words(&error)))
    }

    /// Makes an offer and applies it.
    pub(crate) async fn offer(&self) -> Result<SessionDescription, ConnectFailure> {
        let offer = self.inner.create_offer();
        let offer = self.ending.settled(&offer).await.map_err(platform)?;
        self.apply_local(SdpType::Offer, &offer).await
    }

    /// Applies the far side's description. An offer is answered.
    pub(crate) async fn accept(
        &self,
        description: &SessionDescription,
    ) -> Result<Option<SessionDescription>, ConnectFailure> {
        let unusable = |error: JsValue| ConnectFailure::Description(js::words(&error));
        let is_first = self.inner.remote_description().is_none();
        let remote = translate::remote_description(description, is_first)?;
        let applied = self.inner.set_remote_description(&remote);
        self.ending.settled(&applied).await.map_err(unusable)?;
        self.channels.described(&description.sdp);
        self.far_relays.add_all(&description.sdp);
        if description.sdp_type == SdpType::Answer {
            return Ok(None);
        }
        let answer = self.inner.create_answer();
        let answer = self.ending.settled(&answer).await.map_err(unusable)?;
        self.apply_local(SdpType::Answer, &answer).await.map(Some)
    }

    async fn apply_local(
        &self,
        sdp_type: SdpType,
        made: &JsValue,
    ) -> Result<SessionDescription, ConnectFailure> {
        let sdp = js::get_string(made, "sdp").unwrap_or_default();
        let local = translate::session_description(sdp_type, &sdp);
        let applied = self.inner.set_local_description(&local);
        self.ending.settled(&applied).await.map_err(platform)?;
        Ok(SessionDescription { sdp_type, sdp })
    }

    /// Applies the far side's candidate. One that cannot be used is left out: others may do, and if none does, the deadline
    /// tells. So is one that only says that no more come.
    pub(crate) async fn add_candidate(&self, candidate: &IceCandidate) {
        if candidate.candidate.is_empty() {
            return;
        }
        self.far_relays.add(&candidate.candidate);
        let init = translate::remote_candidate(candidate);
        let added = self
            .inner
            .add_ice_candidate_with_opt_rtc_ice_candidate_init(Some(&init));
        let _ = self.ending.settled(&added).await;
    }

    /// What is known of it as of the last [`measure`](Self::measure).
    pub(crate) const fn figures(&self) -> LinkStats {
        self.figures.get()
    }

    /// What is known of it at this moment, and which way its messages take if that is another one than before.
    pub(crate) async fn measure(&self) -> (LinkStats, Option<PathKind>) {
        let report = self.ending.settled(&self.inner.get_stats()).await;
        let read = report.map(|report| stats::read(&report, &self.far_relays));
        let (round_trip, pair) = read.unwrap_or_default();
        let (bytes_sent, bytes_received) = self.channels.carried();
        let mut stats = LinkStats {
            round_trip,
            bytes_sent,
            bytes_received,
            ..LinkStats::default()
        };
        let selected = self.pairs.borrow_mut().look(pair, &mut stats);
        if let Some(pulse) = self.channels.pulse() {
            pulse.measured(&mut stats);
        }
        self.figures.set(stats);
        (stats, selected)
    }

    /// Looks for the pulse at what the path has carried.
    pub(crate) async fn look_at_path(&self) {
        let report = self.ending.settled(&self.inner.get_stats()).await;
        if let Some(pulse) = self.channels.pulse() {
            pulse.looked(report.ok().and_then(|report| stats::carried(&report)));
        }
    }

    fn note(&self, note: Note) {
        // Fails once the link has ended.
        let _ = self.notes.try_send(note);
    }

    fn on_candidate(&self, event: &JsValue) {
        let event: &RtcPeerConnectionIceEvent = event.unchecked_ref();
        // An empty one says that no more come, as does none.
        let candidate = event.candidate();
        let candidate = candidate.as_ref().and_then(translate::local_candidate);
        self.note(candidate.map_or(Note::Gathered, Note::Candidate));
    }

    fn on_candidate_error(&self, event: &JsValue) {
        let code = js::get_number(event, "errorCode").unwrap_or_default();
        self.note(Note::Refused(Refusal {
            url: js::get_string(event, "url").unwrap_or_default(),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a float cast saturates"
            )]
            code: code as u16,
            text: js::get_string(event, "errorText").unwrap_or_default(),
        }));
    }

    fn on_state(&self) {
        let (connection, ice) = (
            self.inner.connection_state(),
            self.inner.ice_connection_state(),
        );
        if translate::is_unsecured(connection, ice) {
            self.note(Note::Unsecured);
        }
        if let Some(state) = translate::state(connection, ice) {
            self.note(Note::State(state));
        }
    }

    /// The channel is taken here and now: its first message may be the very next thing that happens.
    fn on_channel(&self, event: &JsValue) {
        let event: &RtcDataChannelEvent = event.unchecked_ref();
        self.channels.add_remote(event.channel());
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}

fn make_channel(
    connection: &RtcPeerConnection,
    spec: &ChannelSpec,
    in_band: bool,
) -> Result<RtcDataChannel, JsValue> {
    let init = translate::channel_init(spec.parameters);
    if in_band {
        // Its id is passed over then (W3C).
        init.set_negotiated(false);
    }
    let label = JsValue::from_str(&spec.label);
    // web-sys declares it as if it never threw.
    js::call(connection, "createDataChannel", &[&label, &init]).and_then(JsCast::dyn_into)
}

fn platform(error: JsValue) -> ConnectFailure {
    ConnectFailure::Platform(js::words(&error))
}
