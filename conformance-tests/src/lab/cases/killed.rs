//! A run that is killed leaves no namespace, no process and no file.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::lab::netns::{Run, left_by};
use crate::{Failure, Outcome};

/// How long the guard of a dead run may take.
const CLEARED: Duration = Duration::from_secs(5);

/// How often one looks meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// SIGKILL, while a player is in a namespace.
pub(super) async fn a_killed_run_leaves_nothing(_: &Run) -> Outcome<String> {
    let failed = |what: String| Failure::new(format!("a second run: {what}"));
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut child = Command::new(program)
        .arg("hold")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let id = child.id().unwrap_or_default();
    let stdout = child.stdout.take();
    let stdout = stdout.ok_or_else(|| failed("it prints nothing".to_owned()))?;
    let line = BufReader::new(stdout).lines().next_line().await;
    if !matches!(line, Ok(Some(_))) {
        return Err(failed("it does not begin".to_owned()));
    }
    if left_by(id).is_empty() {
        return Err(failed("it has nothing to leave".to_owned()));
    }
    let begun = Instant::now();
    child
        .kill()
        .await
        .map_err(|error| failed(error.to_string()))?;
    loop {
        let left = left_by(id);
        if left.is_empty() {
            return Ok(format!("everything was gone after {:.2?}", begun.elapsed()));
        }
        if begun.elapsed() > CLEARED {
            return Err(failed(format!("it leaves {}", left.join(", "))));
        }
        tokio::time::sleep(LOOK).await;
    }
}
