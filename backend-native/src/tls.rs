//! Which servers are trusted, by their certificates.

mod verifier;

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError as Invalid, ClientConfig, RootCertStore};
use thiserror::Error;

use self::verifier::Verifier;

/// Root certificates that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the root certificates cannot be used: {why}")]
pub struct CertificateError {
    why: String,
}

/// Root certificates that are trusted besides the platform's: for a server in the local network that has a certificate of its
/// own. None by default.
///
/// A server that shows one of these very certificates is trusted as it is, whatever name it has and until when it is valid:
/// whoever gave it here knows the server. So the output of `openssl req -x509` will do. Certificates that are signed by one of
/// these are checked as usual.
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
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new(roots, additional.to_vec(), Arc::clone(&provider))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// What went wrong in a TLS handshake, for a player, and what the host of the server can do about it.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the rest has the words of rustls"
)]
pub(crate) fn words(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let Some(rustls::Error::InvalidCertificate(invalid)) = inner else {
        return format!("TLS: {error}");
    };
    let why = match invalid {
        // Somebody this machine trusts has the same name, and did not.
        Invalid::UnknownIssuer | Invalid::BadSignature => {
            "nobody this machine trusts has signed it; give the certificate itself as a root certificate"
        }
        Invalid::Expired | Invalid::ExpiredContext { .. } => "it has expired; it must be renewed",
        Invalid::NotValidYet | Invalid::NotValidYetContext { .. } => {
            "it is not valid yet; is the clock of this machine right?"
        }
        Invalid::NotValidForName | Invalid::NotValidForNameContext { .. } => {
            "it is made for another name; the address must be one of its names (subjectAltName)"
        }
        // webpki tells this one by name alone.
        Invalid::Other(other) if other.0.to_string() == "CaUsedAsEndEntity" => {
            "it is made to sign others; give the certificate itself as a root certificate"
        }
        _ => return format!("TLS: the server's certificate is not accepted: {invalid}"),
    };
    format!("TLS: the server's certificate is not accepted: {why}")
}
