//! Ends for which the far side is to blame.

use mesh_core::CloseReason;

use hostile_member::{Attack, Chance};

use crate::stage::Stage;
use crate::support::member::{besiege, until_the_end};

fn attacked(stage: &mut Stage, number: u32, attack: Attack) {
    let peer = &mut stage.pair().a;
    let mut member = besiege(peer, number);
    let mut chance = Chance::new(number.into());
    let reason = until_the_end(peer, &mut member, |member| {
        attack.burst(member, &mut chance)
    });
    assert!(matches!(reason, CloseReason::Protocol(_)), "{reason:?}");
}

pub(crate) fn too_many_channels(stage: &mut Stage, number: u32) {
    attacked(stage, number, Attack::Channels);
}

pub(crate) fn control(stage: &mut Stage, number: u32) {
    attacked(stage, number, Attack::Control);
}

pub(crate) fn panic(stage: &mut Stage, number: u32) {
    attacked(stage, number, Attack::EmptyDcep);
}
