//! The mock, tried through the seam alone.

mod chaos;
pub(crate) mod duo;
mod in_band;
mod life;
mod lobbies;
mod lobby_rules;
mod outages;
mod pairs;
mod pulse;
mod resume;
mod sessions;
mod silence;
mod transfer_ends;
mod transfers;
mod wakes;
mod weather;
