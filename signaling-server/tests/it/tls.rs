//! The server over TLS.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use signaling_server::{BindError, Config, Server, TlsFiles};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use futures_util::{SinkExt, StreamExt};

use crate::peer::*;

/// The files of a certificate for localhost, removed at the end.
struct Files {
    folder: PathBuf,
    certificate: rcgen::Certificate,
}

impl Files {
    fn new() -> Self {
        let name = format!("signaling-it-tls-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
        let certified = certified.expect("a certificate");
        let write = |name, text| std::fs::write(folder.join(name), text).expect("a file");
        write("cert.pem", certified.cert.pem());
        write("key.pem", certified.signing_key.serialize_pem());
        Self {
            folder,
            certificate: certified.cert,
        }
    }

    fn config(&self) -> TlsFiles {
        TlsFiles {
            certificates: self.folder.join("cert.pem"),
            key: self.folder.join("key.pem"),
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test]
async fn a_session_over_tls() {
    let files = Files::new();
    let server = server(Config {
        tls: Some(files.config()),
        ..quick()
    })
    .await;
    let mut roots = RootCertStore::empty();
    roots.add(files.certificate.der().clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(client));
    let stream = TcpStream::connect(server.local_addr())
        .await
        .expect("a server");
    let name = ServerName::try_from("localhost").expect("a name");
    let stream = timeout(DEADLINE, connector.connect(name, stream)).await;
    let stream = stream.expect("in time").expect("TLS");
    let (mut socket, _) = client_async("wss://localhost/", stream)
        .await
        .expect("a WebSocket");
    socket
        .send(Message::text(JOIN))
        .await
        .expect("an open socket");
    let first = timeout(DEADLINE, socket.next()).await.expect("in time");
    let first = first.expect("an answer").expect("a frame");
    assert_eq!(first.to_text().expect("a text"), notice(1, 1, "true"));

    // Whoever does not speak TLS is not answered.
    let url = format!("ws://{}", server.local_addr());
    let plain = timeout(DEADLINE, tokio_tungstenite::connect_async(url)).await;
    assert!(plain.expect("in time").is_err());
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_an_error_with_words() {
    let missing = TlsFiles {
        certificates: "/nonexistent/cert.pem".into(),
        key: "/nonexistent/key.pem".into(),
    };
    let config = Config {
        tls: Some(missing),
        ..quick()
    };
    let error = Server::bind(([127, 0, 0, 1], 0).into(), config).await;
    let error = error.expect_err("there is no such file");
    assert!(matches!(error, BindError::Tls(_)));
    let words = error.to_string();
    assert!(
        words.starts_with("cannot read /nonexistent/cert.pem"),
        "{words}"
    );
}
