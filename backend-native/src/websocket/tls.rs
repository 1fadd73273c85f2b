//! Which servers a `wss` connection trusts.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::CertificateError;

/// The certificates in a PEM text; at least one.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let unusable = |why: String| CertificateError { why };
    let found = CertificateDer::pem_slice_iter(pem)
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
    Ok(found)
}

/// A client configuration that trusts the platform's roots and `additional`. Reads files: not for an async task.
///
/// The crypto provider is named, not taken from the process: a program that links a second one would make rustls panic.
pub(super) fn client_config(
    additional: Vec<CertificateDer<'static>>,
) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(additional);
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
