//! The addresses behind the names of servers, asked for once by all links of a backend.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::name_source::NameSource;

/// How long a name may take. Nothing waits for it but the server's own candidates.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long an answer is good. A failure is asked about again by the next link.
const FRESH: Duration = Duration::from_secs(60);

/// How many names are remembered. More are asked for, and forgotten.
const NAMES: usize = 64;

type Answer = Result<Arc<[SocketAddr]>, String>;

/// Asks for addresses, beside whatever else goes on.
#[derive(Debug)]
pub(crate) struct Resolver {
    /// Where questions wait for their answers: one link asks for all, and may be gone before.
    handle: Handle,
    names: Mutex<BTreeMap<(String, u16), Entry>>,
    /// Who is asked; the system if `None`.
    source: Option<Arc<dyn NameSource>>,
}

#[derive(Debug)]
struct Entry {
    since: Instant,
    answer: watch::Receiver<Option<Answer>>,
}

impl Entry {
    /// Whether another link may use it. One that is under way is: each asks in a thread that can hang for long.
    fn is_usable(&self) -> bool {
        match &*self.answer.borrow() {
            None => self.answer.has_changed().is_ok(),
            Some(answer) => answer.is_ok() && self.since.elapsed() < FRESH,
        }
    }
}

impl Resolver {
    pub(crate) fn new(handle: Handle, source: Option<Arc<dyn NameSource>>) -> Self {
        Self {
            handle,
            names: Mutex::default(),
            source,
        }
    }

    /// The addresses of a host, which may be an address itself; else what to tell a player.
    ///
    /// Takes 3 s at most. A name that takes longer is still remembered when it comes.
    pub(super) async fn resolve(&self, host: &str, port: u16) -> Answer {
        if let Ok(ip) = host.parse() {
            return Ok(Arc::from([SocketAddr::new(ip, port)]));
        }
        let mut answer = self.ask(host, port);
        let too_late = || Err(format!("the name {host} was not found in time"));
        match timeout(PATIENCE, answer.wait_for(Option::is_some)).await {
            Ok(Ok(answer)) => answer.clone().unwrap_or_else(too_late),
            // Too late, or the runtime is ending.
            Ok(Err(_)) | Err(_) => too_late(),
        }
    }

    fn ask(&self, host: &str, port: u16) -> watch::Receiver<Option<Answer>> {
        let key = (host.to_owned(), port);
        let mut names = self.entries();
        if let Some(entry) = names.get(&key).filter(|entry| entry.is_usable()) {
            return entry.answer.clone();
        }
        let (sender, answer) = watch::channel(None);
        let host = host.to_owned();
        let source = self.source.clone();
        self.handle.spawn(async move {
            let lookup = async {
                match source {
                    Some(source) => source.lookup(&host, port).await,
                    None => lookup_host((host.as_str(), port))
                        .await
                        .map(Iterator::collect),
                }
            };
            let found = tokio::select! {
                found = lookup => found,
                // The backend is gone, and so is every link of it.
                () = sender.closed() => return,
            };
            let found = found
                .map(Arc::from)
                .map_err(|error| format!("the name {host} was not found ({error})"));
            // Nobody may be waiting any more.
            let _ = sender.send(Some(found));
        });
        names.retain(|_, entry| entry.is_usable());
        if names.len() < NAMES {
            let entry = Entry {
                since: Instant::now(),
                answer: answer.clone(),
            };
            names.insert(key, entry);
        }
        answer
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<(String, u16), Entry>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::name_source::Lookup;

    #[tokio::test]
    async fn an_address_is_not_asked_for() {
        let resolver = Resolver::new(Handle::current(), None);
        for host in ["192.0.2.1", "2001:db8::1"] {
            let found = resolver.resolve(host, 3478).await.expect("an address");
            assert_eq!(found[0].ip().to_string(), host);
        }
        assert!(resolver.entries().is_empty());
    }

    /// Knows one name.
    #[derive(Debug)]
    struct One;

    impl NameSource for One {
        fn lookup(&self, host: &str, port: u16) -> Lookup {
            let found = if host == "game.example" {
                Ok(vec![SocketAddr::from(([192, 0, 2, 1], port))])
            } else {
                Err(io::ErrorKind::NotFound.into())
            };
            Box::pin(async move {
                tokio::task::yield_now().await;
                found
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_asked_for_once_as_long_as_it_is_fresh() {
        let resolver = Resolver::new(Handle::current(), Some(Arc::new(One)));
        let (first, second) = tokio::join!(
            resolver.resolve("game.example", 1),
            resolver.resolve("game.example", 1)
        );
        let first = first.expect("known");
        assert!(Arc::ptr_eq(&first, &second.expect("the same")));
        assert_eq!(resolver.entries().len(), 1);
        tokio::time::advance(FRESH).await;
        let third = resolver.resolve("game.example", 1).await;
        assert!(!Arc::ptr_eq(&first, &third.expect("asked for again")));
    }

    #[tokio::test]
    async fn a_name_without_addresses_is_asked_for_again() {
        let resolver = Resolver::new(Handle::current(), Some(Arc::new(One)));
        let error = resolver.resolve("other.example", 1).await;
        assert!(error.expect_err("not known").contains("other.example"));
        let names = resolver.entries();
        assert!(names.values().all(|entry| !entry.is_usable()));
    }
}
