//! How many sockets the system lets a program have.

use crate::Config;

/// Files that a program has open besides sockets: its logs, its epoll, its certificate while it is read.
const OTHERS: usize = 64;

impl Config {
    /// How many files the system must allow a server of these settings to have open.
    #[must_use]
    pub const fn files(&self) -> usize {
        self.max_peers
            .saturating_mul(self.files_of_a_peer())
            .saturating_add(self.max_refused)
            .saturating_add(self.max_handshakes)
            .saturating_add(OTHERS)
    }

    /// One that is forwarded to another instance has a socket there, too.
    const fn files_of_a_peer(&self) -> usize {
        if self.cluster.is_some() { 2 } else { 1 }
    }

    /// Takes no more peers than so many files allow. Returns whether that has changed anything.
    ///
    /// At the system's limit nobody can be accepted, not even to be refused with a reason, and `/health` does not answer.
    pub fn fit(&mut self, files: usize) -> bool {
        let missing = self.files().saturating_sub(files);
        if missing == 0 {
            return false;
        }
        // Where peers alone are not enough, everything is made smaller.
        self.max_handshakes = self.max_handshakes.min(files / 4).max(1);
        self.max_refused = self.max_refused.min(files / 8);
        let each = self.files_of_a_peer();
        let others = self
            .files()
            .saturating_sub(self.max_peers.saturating_mul(each));
        let room = files.saturating_sub(others) / each;
        self.max_peers = self.max_peers.min(room).max(1);
        true
    }
}

/// Raises the limit of this process to what is needed, as far as the system lets it; what it is then.
///
/// # Errors
///
/// What the system says.
#[cfg(unix)]
pub fn raise_file_limit(needed: usize) -> std::io::Result<usize> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let wanted = u64::try_from(needed).unwrap_or(u64::MAX).min(hard);
    let mut limit = soft;
    if wanted > soft {
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)?;
        limit = wanted;
    }
    Ok(usize::try_from(limit).unwrap_or(usize::MAX))
}

/// There is no such limit here.
///
/// # Errors
///
/// None.
#[cfg(not(unix))]
pub fn raise_file_limit(_needed: usize) -> std::io::Result<usize> {
    Ok(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClusterConfig;

    fn one_of_several() -> Config {
        let bind = ([127, 0, 0, 1], 0).into();
        Config {
            cluster: Some(ClusterConfig::new("redis://127.0.0.1", bind)),
            ..Config::default()
        }
    }

    #[test]
    fn one_of_several_instances_needs_a_second_file_for_each_peer() {
        let (alone, instance) = (Config::default(), one_of_several());
        assert_eq!(instance.files() - alone.files(), alone.max_peers);
    }

    #[test]
    fn few_files_are_shared_by_peers_and_those_that_are_on_the_way_or_refused() {
        for (config, files, peers, handshakes, refused) in [
            (Config::default(), 200, 61, 50, 25),
            (Config::default(), 1000, 561, 250, 125),
            (Config::default(), 5000, 3656, 1024, 256),
            (one_of_several(), 200, 30, 50, 25),
            (one_of_several(), 1000, 280, 250, 125),
            (one_of_several(), 5000, 1828, 1024, 256),
        ] {
            let mut fitted = config;
            assert!(fitted.fit(files));
            let shares = (fitted.max_peers, fitted.max_handshakes, fitted.max_refused);
            assert_eq!(shares, (peers, handshakes, refused), "{files}: {fitted:?}");
            assert!(fitted.files() <= files, "{files}: {fitted:?}");
        }
    }

    #[test]
    fn a_server_fits_the_files_it_may_open() {
        for files in [200, 1024, 5000, 20_000] {
            let mut config = Config::default();
            let changed = config.fit(files);
            assert_eq!(changed, files < Config::default().files());
            assert!(config.files() <= files, "{files}: {config:?}");
            assert!(
                config.max_peers > files / 4 || !changed,
                "{files}: {config:?}"
            );
        }
    }

    #[test]
    fn a_few_files_are_no_panic() {
        for files in 0..300 {
            let mut config = Config::default();
            config.fit(files);
            assert!(config.max_peers >= 1 && config.max_handshakes >= 1);
        }
    }
}
