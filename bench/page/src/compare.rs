//! The comparison: both contestants in the same page load, in turns.

use serde_json::json;
use wasm_bindgen::JsValue;

use crate::bare::BarePair;
use crate::ours::OurPair;
use crate::pair::{GAME_MESSAGE, Pair};
use crate::time::Clock;

/// Connections of a round; the last one carries the rest of it.
const OPENS: usize = 3;

/// The large messages: 32 MiB of them.
const LARGE: usize = 16 * 1024;
const LARGE_MESSAGES: u32 = 2048;

const SMALL_MESSAGES: u32 = 40_000;
const PINGS: usize = 1000;

/// Before what is measured: the tenth of it.
const WARM_UP: u32 = 10;

/// Milliseconds to open, MB/s, thousands of messages a second, microseconds there and back.
type Figures = [f64; 4];

/// Measures; the figures of each round, in its order, as JSON.
pub(crate) async fn run(rounds: u32) -> Result<String, JsValue> {
    let clock = Clock::new()?;
    // The first round of all compiles what the others run.
    measure::<OurPair>(&clock).await?;
    measure::<BarePair>(&clock).await?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        if round % 2 == 0 {
            ours.push(measure::<OurPair>(&clock).await?);
            bare.push(measure::<BarePair>(&clock).await?);
        } else {
            bare.push(measure::<BarePair>(&clock).await?);
            ours.push(measure::<OurPair>(&clock).await?);
        }
    }
    Ok(json!({ "ours": ours, "bare": bare }).to_string())
}

async fn measure<P: Pair>(clock: &Clock) -> Result<Figures, JsValue> {
    let mut opens = Vec::new();
    let mut pair = open::<P>(clock, &mut opens).await?;
    while opens.len() < OPENS {
        pair.close();
        pair = open::<P>(clock, &mut opens).await?;
    }
    let bytes = f64::from(LARGE_MESSAGES) * LARGE as f64;
    let milliseconds = flood(&mut pair, clock, LARGE, LARGE_MESSAGES).await?;
    let megabytes = bytes / 1e3 / milliseconds;
    let milliseconds = flood(&mut pair, clock, GAME_MESSAGE, SMALL_MESSAGES).await?;
    let thousands = f64::from(SMALL_MESSAGES) / milliseconds;
    pair.round_trips(clock, PINGS / WARM_UP as usize).await?;
    let trips = pair.round_trips(clock, PINGS).await?;
    pair.close();
    Ok([middle(opens), megabytes, thousands, middle(trips) * 1e3])
}

async fn open<P: Pair>(clock: &Clock, opens: &mut Vec<f64>) -> Result<P, JsValue> {
    let start = clock.now();
    let pair = P::open().await?;
    opens.push(clock.now() - start);
    Ok(pair)
}

/// Milliseconds.
async fn flood<P: Pair>(
    pair: &mut P,
    clock: &Clock,
    size: usize,
    messages: u32,
) -> Result<f64, JsValue> {
    pair.flood(size, messages / WARM_UP).await?;
    let start = clock.now();
    pair.flood(size, messages).await?;
    Ok(clock.now() - start)
}

/// The value in the middle.
fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::middle;

    #[test]
    fn the_middle_is_one_that_was_measured() {
        assert!((middle(vec![9.0, 1.0, 3.0]) - 3.0).abs() < f64::EPSILON);
        assert!(middle(Vec::new()).is_nan());
    }
}
