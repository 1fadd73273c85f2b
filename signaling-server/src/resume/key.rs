//! The key that tokens are signed with.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use thiserror::Error;

/// How many bytes a key has.
const LENGTH: usize = 32;

/// What a server signs its members' tokens with, so that they can come back to their seats.
///
/// One that is kept in a file outlives the server: its members come back to the next one, too.
#[derive(Clone, PartialEq, Eq)]
pub struct ResumeKey {
    secret: [u8; LENGTH],
    is_known: bool,
}

/// Why a key cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file can be neither read nor made.
    #[error("the key file {}: {source}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("the key file {}: it does not hold 32 bytes in base64", path.display())]
    Content {
        /// Its path.
        path: PathBuf,
    },
    /// The system has no random numbers.
    #[error("the system gives no random numbers for a key")]
    NoEntropy,
}

impl ResumeKey {
    /// A key that nobody else has, and that is forgotten with the server.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoEntropy`].
    pub fn generate() -> Result<Self, KeyError> {
        let mut secret = [0; LENGTH];
        getrandom::fill(&mut secret).map_err(|_| KeyError::NoEntropy)?;
        Ok(Self {
            secret,
            is_known: false,
        })
    }

    /// A key that is the same in every run of a test, or of a fuzzer.
    pub(crate) const fn fixed() -> Self {
        Self {
            secret: [7; LENGTH],
            is_known: false,
        }
    }

    /// The key in a file, which is made if there is none and then can be read by its owner alone. It holds 32 random bytes in
    /// base64. It is there whole or not at all, whenever the process or the system ends, and servers that start at the same time
    /// get the same key.
    ///
    /// # Errors
    ///
    /// [`KeyError`], with the path in its words.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        let path = path.as_ref();
        let failed = |source| KeyError::File {
            path: path.to_owned(),
            source,
        };
        if let Some(text) = existing(path).map_err(failed)? {
            return Self::read(&text, path);
        }
        let key = Self::generate()?;
        key.write(path).map_err(failed)?;
        let text = fs::read_to_string(path).map_err(failed)?;
        let known = Self::read(&text, path)?;
        // Another server may have made it meanwhile.
        let is_ours = known.secret == key.secret;
        Ok(if is_ours { key } else { known })
    }

    fn read(text: &str, path: &Path) -> Result<Self, KeyError> {
        let secret = STANDARD.decode(text.trim()).ok();
        let secret = secret.and_then(|secret| secret.try_into().ok());
        let secret = secret.ok_or_else(|| KeyError::Content {
            path: path.to_owned(),
        })?;
        Ok(Self {
            secret,
            is_known: true,
        })
    }

    /// Makes the file, whole, unless another server has made it first.
    fn write(&self, path: &Path) -> io::Result<()> {
        // Servers in containers may share the folder and have the same process number.
        let unique = getrandom::u64().map_err(io::Error::other)?;
        let mut draft = path.as_os_str().to_owned();
        draft.push(format!(".{unique:016x}.new"));
        let draft = PathBuf::from(draft);
        let made = self
            .write_draft(&draft)
            .and_then(|()| publish(&draft, path));
        let _ = fs::remove_file(&draft);
        made
    }

    fn write_draft(&self, path: &Path) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        writeln!(file, "{}", STANDARD.encode(self.secret))?;
        file.sync_all()
    }

    /// The same key for the next server: one that takes its members back from the server that has this one.
    #[must_use]
    pub fn inherited(&self) -> Self {
        Self {
            is_known: true,
            ..self.clone()
        }
    }

    /// Whether there may be tokens of an earlier server that it was used by.
    pub(crate) const fn is_known(&self) -> bool {
        self.is_known
    }

    pub(crate) fn hmac(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.secret)
    }

    /// What instances sign with what they tell each other: another key, so that no token of a member can be taken for that.
    pub(crate) fn for_instances(&self) -> hmac::Key {
        let secret = hmac::sign(&self.hmac(), b"instances");
        hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref())
    }
}

/// What is in a file, if it exists.
fn existing(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Gives a whole file its name, unless there is one of that name.
fn publish(draft: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(draft, path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        // A file system without links: the last one wins there, if two servers make it at the same time.
        Err(_) => fs::rename(draft, path)?,
    }
    // The name itself must outlive a crash. Where a folder cannot be opened the system does without.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

impl fmt::Debug for ResumeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumeKey")
            .field("is_known", &self.is_known)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path in a folder of its own, which is removed with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("resume-key-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).expect("a folder");
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_is_made_once_and_then_read() {
        let folder = Folder::new("made");
        let path = folder.0.join("key");
        let made = ResumeKey::from_file(&path).expect("a key");
        let read = ResumeKey::from_file(&path).expect("a key");
        assert_eq!((made.is_known(), read.is_known()), (false, true));
        assert_eq!(made.secret, read.secret);
        assert_ne!(made.secret, ResumeKey::generate().expect("a key").secret);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).expect("a file").permissions().mode();
            assert_eq!(mode & 0o077, 0, "others can read it");
        }
    }

    #[test]
    fn servers_that_start_at_the_same_time_have_the_same_key() {
        let folder = Folder::new("race");
        let path = folder.0.join("key");
        let secrets = std::thread::scope(|scope| {
            let server = || ResumeKey::from_file(&path).map(|key| key.secret);
            let servers = [(); 8].map(|()| scope.spawn(server));
            servers.map(|server| server.join().expect("no panic").expect("a key"))
        });
        assert!(secrets.windows(2).all(|two| two[0] == two[1]));
        let files = fs::read_dir(&folder.0).expect("a folder").count();
        assert_eq!(files, 1, "a draft is left behind");
    }

    #[test]
    fn what_is_no_key_is_an_error_with_the_path() {
        let folder = Folder::new("wrong");
        let path = folder.0.join("key");
        for text in ["", "swordfish", "AAAA", "!"] {
            fs::write(&path, text).expect("a file");
            let error = ResumeKey::from_file(&path).expect_err("no key");
            let words = error.to_string();
            assert!(words.contains(&path.display().to_string()), "{words}");
            assert!(!words.contains("swordfish"), "{words}");
        }
        let nowhere = folder.0.join("no").join("key");
        assert!(matches!(
            ResumeKey::from_file(nowhere),
            Err(KeyError::File { .. })
        ));
    }

    /// A name so long that no draft can stand beside it: a folder in which nothing can be made, which holds for root, too.
    fn lone_name() -> String {
        "k".repeat(240)
    }

    #[test]
    fn a_key_that_is_there_is_read_where_nothing_can_be_written() {
        let folder = Folder::new("read-only");
        let path = folder.0.join(lone_name());
        let refused = ResumeKey::from_file(&path);
        assert!(refused.is_err(), "a draft can be made");
        fs::write(&path, STANDARD.encode([7; LENGTH])).expect("a file");
        let key = ResumeKey::from_file(&path).expect("a key");
        assert_eq!(key, ResumeKey::fixed().inherited());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_made_again() {
        let folder = Folder::new("unreadable");
        let path = folder.0.join(lone_name());
        fs::write(&path, [0xff]).expect("a file");
        let refused = ResumeKey::from_file(&path);
        let Err(KeyError::File { source, .. }) = refused else {
            panic!("{refused:?} is not about the file");
        };
        // The system's words are about reading it.
        assert_eq!(source.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn without_hard_links_the_draft_is_renamed() {
        let folder = Folder::new("no-links");
        let (draft, path) = (folder.0.join("draft"), folder.0.join("key"));
        // A folder has one name on every system.
        fs::create_dir(&draft).expect("a folder");
        publish(&draft, &path).expect("it has its name");
        assert!(path.is_dir() && !draft.exists());
    }

    #[test]
    fn it_is_not_printed() {
        let key = ResumeKey::generate().expect("a key");
        assert_eq!(format!("{key:?}"), "ResumeKey { is_known: false, .. }");
    }
}
