//! What a case's weather is to a path of ours: faults by chance.

use std::time::Duration;

use crate::stream::Weather;

/// Chance is the same in each run, the order in which the datagrams come is not.
const SEED: u64 = 20_261_125;

/// How much later than the others a datagram comes that is overtaken.
const OVERTAKEN_BY: Duration = Duration::from_millis(30);

/// No faults yet.
pub(crate) fn calm() -> socket_faults::Weather {
    socket_faults::Weather::seeded(SEED)
}

/// From now on the path is like this, in each direction.
pub(crate) fn set(faults: &socket_faults::Weather, weather: Weather) {
    faults.set(|chance| {
        chance
            .loss(weather.loss())
            .late(weather.reorder(), OVERTAKEN_BY)
            .delay(weather.delay, Duration::ZERO)
    });
}
