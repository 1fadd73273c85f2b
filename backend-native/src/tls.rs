//! Which servers are trusted, by their certificates.

use std::sync::{Arc, OnceLock};

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

/// Root certificates that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the root certificates cannot be used: {why}")]
pub struct CertificateError {
    why: String,
}

/// Root certificates that are trusted besides the platform's: for a server in the local network that has a certificate of its
/// own. None by default.
///
/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct RootCertificates(Arc<Roots>);

#[derive(Debug, Default)]
struct Roots {
    certificates: Vec<CertificateDer<'static>>,
    /// Made once, because the platform's certificates are files.
    config: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl RootCertificates {
    /// Those in a PEM text, one or more.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] when there is none in it, or one that cannot be used.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, CertificateError> {
        Self::default().with_pem(pem)
    }

    /// These and those in a PEM text, one or more.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] when there is none in it, or one that cannot be used.
    pub fn with_pem(&self, pem: impl AsRef<[u8]>) -> Result<Self, CertificateError> {
        let unusable = |why: String| CertificateError { why };
        let found = CertificateDer::pem_slice_iter(pem.as_ref())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unusable(error.to_string()))?;
        if found.is_empty() {
            return Err(unusable("no certificate in the PEM text".into()));
        }
        // Tried here, so that a broken one is reported where it is given.
        let mut trial = RootCertStore::empty();
        for certificate in &found {
            trial
                .add(certificate.clone())
                .map_err(|error| unusable(error.to_string()))?;
        }
        let certificates = self.0.certificates.iter().cloned().chain(found).collect();
        Ok(Self(Arc::new(Roots {
            certificates,
            config: OnceLock::new(),
        })))
    }

    /// A client's configuration that trusts the platform's roots and these.
    pub(crate) async fn client_config(&self) -> Result<Arc<ClientConfig>, String> {
        if let Some(config) = self.0.config.get() {
            return config.clone();
        }
        let roots = Arc::clone(&self.0);
        // It reads files.
        tokio::task::spawn_blocking(move || {
            let config = roots.config.get_or_init(|| make(&roots.certificates));
            config.clone()
        })
        .await
        .map_err(|error| error.to_string())?
    }
}

impl PartialEq for RootCertificates {
    fn eq(&self, other: &Self) -> bool {
        self.0.certificates == other.0.certificates
    }
}

impl Eq for RootCertificates {}

/// The crypto provider is named, not taken from the process: a program that links a second one would make rustls panic.
fn make(additional: &[CertificateDer<'static>]) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(additional.iter().cloned());
    let platform = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(platform.certs);
    if roots.is_empty() {
        let errors: Vec<String> = platform.errors.iter().map(ToString::to_string).collect();
        return Err(format!(
            "this system has no root certificates ({})",
            errors.join("; ")
        ));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
