//! Certificates from files.

use std::path::Path;

use super::*;

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("signaling-tls-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn files(&self) -> TlsFiles {
        TlsFiles {
            certificates: self.0.join("cert.pem"),
            key: self.0.join("key.pem"),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn certificate() -> rcgen::CertifiedKey<rcgen::KeyPair> {
    rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file");
}

fn shown(tls: &Tls) -> Vec<u8> {
    let current = tls.current.0.read().expect("no panic");
    current.cert.first().expect("a certificate").to_vec()
}

#[test]
fn what_cannot_be_used_is_an_error_with_words() {
    let folder = Folder::new("words");
    let files = folder.files();
    let words = |files| Tls::new(files).expect_err("unusable").to_string();
    assert!(words(&files).starts_with(&format!("cannot read {}", files.certificates.display())));
    write(&files.certificates, "nothing");
    assert_eq!(
        words(&files),
        format!("{} holds no certificate", files.certificates.display())
    );
    let (one, two) = (certificate(), certificate());
    write(&files.certificates, &one.cert.pem());
    assert!(words(&files).starts_with(&format!("cannot read {}", files.key.display())));
    write(&files.key, &two.signing_key.serialize_pem());
    assert!(words(&files).starts_with("certificate and key cannot be used"));
    write(&files.key, &one.signing_key.serialize_pem());
    assert!(Tls::new(&files).is_ok());
}

#[test]
fn new_files_are_shown_and_broken_ones_change_nothing() {
    let folder = Folder::new("reload");
    let files = folder.files();
    let (one, two) = (certificate(), certificate());
    write(&files.certificates, &one.cert.pem());
    write(&files.key, &one.signing_key.serialize_pem());
    let tls = Tls::new(&files).expect("usable");
    assert_eq!(shown(&tls), one.cert.der().to_vec());
    // The certificate comes before its key.
    write(&files.certificates, &two.cert.pem());
    assert!(tls.reload(&files).is_err());
    assert_eq!(shown(&tls), one.cert.der().to_vec());
    write(&files.key, &two.signing_key.serialize_pem());
    assert!(tls.reload(&files).is_ok());
    assert_eq!(shown(&tls), two.cert.der().to_vec());
}

#[tokio::test]
async fn every_change_of_the_files_is_noticed() {
    let folder = Folder::new("watch");
    let files = folder.files();
    let one = certificate();
    let show = |certificate: &rcgen::CertifiedKey<rcgen::KeyPair>, end: &str| {
        write(&files.certificates, &(certificate.cert.pem() + end));
        write(&files.key, &(certificate.signing_key.serialize_pem() + end));
    };
    show(&one, "");
    let tls = Tls::new(&files).expect("usable");
    let every = Duration::from_millis(5);
    let mut watching = None;
    // The first change comes before anybody watches. The time of a file is not exact, but its length changes, too.
    for end in ["\n", "\n\n"] {
        let next = certificate();
        show(&next, end);
        watching.get_or_insert_with(|| tokio::spawn(tls.clone().watch(files.clone(), every)));
        let noticed = async {
            while shown(&tls) != next.cert.der().to_vec() {
                tokio::time::sleep(every).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), noticed).await;
        assert!(in_time.is_ok());
    }
    if let Some(watching) = watching {
        watching.abort();
    }
}
