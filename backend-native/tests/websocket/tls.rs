//! `wss` with certificates of our own.

use std::sync::Arc;

use backend_native::{RootCertificates, WebSocketTransport};
use futures_util::{SinkExt, StreamExt};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use signaling::{Transport, TransportEvent, TransportOptions};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_tungstenite::accept_async;

use crate::support::{next, text, unreachable_because, within};

/// A TLS server with a certificate of its own for `localhost`; the URL and the certificate.
async fn secure_server() -> (tokio::task::JoinHandle<()>, String, String) {
    let names = vec!["localhost".to_owned()];
    server_with(CertificateParams::new(names).unwrap()).await
}

async fn server_with(params: CertificateParams) -> (tokio::task::JoinHandle<()>, String, String) {
    let signing_key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&signing_key).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(vec![certificate.der().clone()], key)
    .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // A client that does not trust us hangs up here.
        let Ok(stream) = acceptor.accept(stream).await else {
            return;
        };
        let mut server = accept_async(stream).await.unwrap();
        while let Some(Ok(message)) = server.next().await {
            if message.is_text() {
                server.send(message).await.unwrap();
            }
        }
    });
    (
        serving,
        format!("wss://localhost:{port}/"),
        certificate.pem(),
    )
}

fn connect_trusting(url: &str, roots: RootCertificates) -> WebSocketTransport {
    let options = TransportOptions::default();
    WebSocketTransport::connect_with(&Handle::current(), url, options, roots).unwrap()
}

#[tokio::test]
async fn wss_with_a_certificate_of_ones_own() {
    let (serving, url, certificate) = secure_server().await;
    let mut client = connect_trusting(&url, RootCertificates::from_pem(certificate).unwrap());
    assert_eq!(next(&mut client).await, TransportEvent::Opened);
    client.send("secret".into()).unwrap();
    assert_eq!(next(&mut client).await, text("secret"));
    drop(client);
    within(serving).await.unwrap();
}

#[tokio::test]
async fn wss_with_an_unknown_certificate_is_unreachable() {
    let (serving, url, _) = secure_server().await;
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let mut client = connect_trusting(&url, RootCertificates::from_pem(other.cert.pem()).unwrap());
    let why = unreachable_because(&mut client).await;
    // The other one has the same name, so the signature alone does not fit.
    assert!(
        why.contains("nobody this machine trusts has signed it"),
        "{why}"
    );
    within(serving).await.unwrap();
}

/// As `openssl req -x509` makes it: able to sign others, without a name, and here out of date, too.
#[tokio::test]
async fn wss_with_a_certificate_that_is_known_as_it_is() {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_after = rcgen::date_time_ymd(2000, 1, 1);
    let (serving, url, certificate) = server_with(params).await;
    let roots = RootCertificates::from_pem(certificate).unwrap();
    let mut client = connect_trusting(&url, roots);
    assert_eq!(next(&mut client).await, TransportEvent::Opened);
    drop(client);
    within(serving).await.unwrap();
}

/// One that is known does not make room for another one of the same name.
#[tokio::test]
async fn wss_with_another_certificate_of_that_name_is_refused_with_advice() {
    let make = || {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let known = make().self_signed(&KeyPair::generate().unwrap()).unwrap();
    let (serving, url, _) = server_with(make()).await;
    let roots = RootCertificates::from_pem(known.pem()).unwrap();
    let mut client = connect_trusting(&url, roots);
    let why = unreachable_because(&mut client).await;
    assert!(
        why.contains("certificate") && !why.contains("Error("),
        "{why}"
    );
    within(serving).await.unwrap();
}

#[test]
fn root_certificates_that_are_none_are_an_error() {
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in ["", "nonsense", broken] {
        let error = RootCertificates::from_pem(pem).unwrap_err();
        assert!(error.to_string().contains("cannot be used"));
    }
}
