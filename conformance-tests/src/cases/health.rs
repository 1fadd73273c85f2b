//! A peer that says nothing for a while and is there all the same: nobody is told that it is interrupted.

use std::time::Duration;

use futures_util::future::try_join;
use mesh_core::TransferMode;

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::observed::Seen;
use crate::request::{Pace, To};
use crate::stream::Weather;
use crate::{Content, Failure, Outcome, Participant};

/// Longer than any limit for an interruption.
const LOADING: Duration = Duration::from_secs(10);
const BUSY: Duration = Duration::from_secs(8);

/// Says for how many seconds a tab is hidden, where [`BUSY`] is not enough: a browser lets the timers of a tab that is hidden for five
/// minutes ring once a minute.
const HIDDEN_SECONDS: &str = "CONFORMANCE_HIDDEN_SECONDS";

/// How long an interruption that was about to be told of may take to come.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// A game that loads for ten seconds, and does not poll meanwhile.
pub async fn a_game_that_does_not_poll_is_still_there(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::connected_meshes(&cast).await?;
    a.pace(Pace::Never).await?;
    b.sleep(LOADING).await?;
    a.pace(Pace::Events).await?;
    try_join(undisturbed(a, b), undisturbed(b, a)).await?;
    Ok(())
}

/// A page whose thread is busy for eight seconds, and answers nothing meanwhile.
pub async fn a_busy_thread_is_still_there(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::connected_meshes(&cast).await?;
    // Its pulse has begun.
    b.sleep(AFTERWARDS).await?;
    let is_busy = a.block(BUSY);
    let looks = async {
        b.sleep(BUSY / 2).await?;
        let is_stalled = b.figures(a.id()).await?.is_stalled;
        // A native backend answers on threads of its own.
        ensure_eq!(is_stalled, a.kind().is_page(), "whether it is stalled");
        Ok(())
    };
    try_join(is_busy, looks).await?;
    try_join(undisturbed(a, b), undisturbed(b, a)).await?;
    let is_stalled = b.figures(a.id()).await?.is_stalled;
    ensure!(!is_stalled, "it answers again and counts as stalled");
    Ok(())
}

/// How much longer a tab is hidden than in every run.
///
/// # Errors
///
/// The variable of the environment is no number of seconds.
pub fn longer_hidden() -> Outcome<Duration> {
    let Some(seconds) = std::env::var_os(HIDDEN_SECONDS) else {
        return Ok(Duration::ZERO);
    };
    let number = seconds.to_str().and_then(|seconds| seconds.parse().ok());
    let Some(hidden) = number.map(Duration::from_secs) else {
        let what = format!("{HIDDEN_SECONDS} is {seconds:?}, and a number of seconds is expected");
        return Err(Failure::new(what));
    };
    Ok(hidden.saturating_sub(BUSY))
}

/// A page behind another tab, where timers ring once a second at most.
pub async fn a_hidden_tab_is_still_there(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    if !a.kind().is_page() {
        return Err(Failure::not_run(steps::NO_PAGE));
    }
    let hidden = BUSY + longer_hidden()?;
    steps::connected_meshes(&cast).await?;
    a.hide().await?;
    b.sleep(hidden).await?;
    try_join(undisturbed(a, b), undisturbed(b, a)).await?;
    Ok(())
}

/// A path that loses every fifth datagram each way and takes half a second there and back, 200 ms more or less; a few datagrams are
/// later still.
pub async fn a_bad_path_is_no_interruption(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    let spoiler = steps::spoiler(&cast).await?;
    steps::connected_meshes(&cast).await?;
    let bad = Weather {
        loss_percent: 20,
        reorder_percent: 20,
        delay: Duration::from_millis(150),
        jitter: Duration::from_millis(200),
    };
    spoiler.weather(bad).await?;
    b.sleep(LOADING).await?;
    try_join(undisturbed(a, b), undisturbed(b, a)).await?;
    Ok(())
}

/// Two words of the other come, and no interruption is told of before them.
async fn undisturbed(one: &Participant, other: &Participant) -> Outcome {
    for word in ["are you there", "still"] {
        let content = Content::Text(word.to_owned());
        let expected = content.body();
        let to = To::One(one.id());
        other.send(to, TransferMode::Reliable, content).await?;
        let is_word = one.find("for a word", |seen| match seen {
            Seen::Packet { body, .. } => Some(*body == expected),
            Seen::Interrupted(_) | Seen::Resumed(_) => Some(false),
            _ => None,
        });
        ensure!(is_word.await?, "{} was told of an interruption", one.name());
        one.sleep(AFTERWARDS).await?;
    }
    Ok(())
}
