//! TLS with a certificate that is read again when its files change.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::TlsFiles;

/// How often the files are looked at.
pub(crate) const LOOK: Duration = Duration::from_secs(5);

/// What speaks TLS to clients; clones have the same certificate.
#[derive(Clone)]
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    current: Arc<Current>,
    provider: Arc<CryptoProvider>,
    /// Of the files when they were read for the first time.
    seen: [Stamp; 2],
}

/// Why a certificate cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or holds no PEM of that kind.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The file holds no certificate.
    #[error("{path} holds no certificate")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The key is not the certificate's, or of a kind that is not known.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// The certificate that new clients are shown.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

/// What tells that a file has changed.
type Stamp = Option<(SystemTime, u64)>;

impl Tls {
    /// Reads the files for the first time.
    pub(crate) fn new(files: &TlsFiles) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        // First, so that a change while they are read is noticed later.
        let seen = look(files);
        let key = load(files, &provider)?;
        let current = Arc::new(Current(RwLock::new(Arc::new(key))));
        let resolver: Arc<dyn ResolvesServerCert> = current.clone();
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            current,
            provider,
            seen,
        })
    }

    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }

    /// Reads the files again. If they cannot be used, the old certificate stays.
    pub(crate) fn reload(&self, files: &TlsFiles) -> Result<(), TlsError> {
        let key = load(files, &self.provider)?;
        let mut current = self
            .current
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(key);
        Ok(())
    }

    /// Looks at the files so often, and reads them again whenever they have changed since [`new`](Self::new), for ever.
    pub(crate) async fn watch(self, files: TlsFiles, every: Duration) {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = self.seen;
        loop {
            ticks.tick().await;
            let now = stamps(&files).await;
            if now == seen {
                continue;
            }
            seen = now;
            let (tls, read) = (self.clone(), files.clone());
            match tokio::task::spawn_blocking(move || tls.reload(&read)).await {
                Ok(Ok(())) => tracing::info!("the certificate has been read again"),
                // The other file may follow.
                Ok(Err(error)) => tracing::warn!(%error, "the old certificate stays"),
                Err(_) => return,
            }
        }
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _client: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

fn load(files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let unreadable = |path: &PathBuf| {
        let path = path.clone();
        |source| TlsError::Read { path, source }
    };
    let path = &files.certificates;
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable(path))?;
    if certificates.is_empty() {
        let path = path.clone();
        return Err(TlsError::NoCertificate { path });
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(unreadable(&files.key))?;
    Ok(CertifiedKey::from_der(certificates, key, provider)?)
}

async fn stamps(files: &TlsFiles) -> [Stamp; 2] {
    let files = files.clone();
    let look = move || look(&files);
    tokio::task::spawn_blocking(look).await.unwrap_or_default()
}

fn look(files: &TlsFiles) -> [Stamp; 2] {
    [stamp(&files.certificates), stamp(&files.key)]
}

fn stamp(path: &PathBuf) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
