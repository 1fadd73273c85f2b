//! A participant as a process: a host behind a mailbox. The program around it is `conformance-puppet`.

use std::panic::AssertUnwindSafe;
use std::path::Path;

use backend_native::{PlatformConfig, RootCertificates};
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use tokio::runtime::Handle;

use super::http::HttpMailbox;
use super::platform::{Native, Threads};
use super::vitals;
use crate::conduit::Local;
use crate::failure::panic_words;
use crate::host::Host;
use crate::mailbox::serve;
use crate::{Failure, Outcome};

/// Plays the participant `name` for the coordinator at `url`, until that is gone. `roots` is a file of root certificates that
/// it trusts besides the platform's.
///
/// # Errors
///
/// What is wrong with the file, or what went wrong with the coordinator; its being gone is the ordinary end.
pub async fn play(url: &str, name: &str, roots: Option<&Path>) -> Outcome {
    vitals::count_panics();
    let config = PlatformConfig {
        root_certificates: roots.map(read).transpose()?.unwrap_or_default(),
        ..PlatformConfig::default()
    };
    let (conduit, calls) = Local::new();
    let host = Host::new(Native::new(
        &Handle::current(),
        Threads::Given,
        true,
        config,
    ));
    let mailbox = HttpMailbox::new(url);
    let serving = serve(&mailbox, name, conduit.into_calls());
    let playing = AssertUnwindSafe(host.run(calls)).catch_unwind();
    let panic = match select(Box::pin(serving), Box::pin(playing)).await {
        Either::Left((outcome, _)) => return outcome,
        Either::Right((Ok(()), _)) => return Ok(()),
        Either::Right((Err(panic), _)) => panic,
    };
    let what = format!("a panic: {}", panic_words(panic.as_ref()));
    mailbox.trouble(name, &what).await?;
    Err(Failure::new(what))
}

fn read(path: &Path) -> Outcome<RootCertificates> {
    let failed = |why: String| Failure::new(format!("{}: {why}", path.display()));
    let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    RootCertificates::from_pem(pem).map_err(|error| failed(error.to_string()))
}
