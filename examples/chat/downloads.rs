//! Files of this machine: those that are sent, and where those of peers are stored.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::files::Size;
use crate::name::split_extension;
use crate::sharing::Document;

/// How many files of one name there may be in a folder.
const NAMESAKES: u32 = 1000;

/// Reads a file to send, unless it is larger than `limit`.
///
/// # Errors
///
/// Why it cannot be sent, for whoever has typed the path.
pub(crate) fn read(path: &[u8], limit: usize) -> Result<Document, String> {
    if path.is_empty() {
        return Err(String::from("usage: /send FILE or /send-to ID FILE"));
    }
    let path = std::str::from_utf8(path).map_err(|_| String::from("the path is not UTF-8"))?;
    let path = Path::new(path);
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    // A pipe or a device might never end, or not even open.
    let metadata = fs::metadata(path).map_err(failed)?;
    let name = path.file_name().filter(|_| metadata.is_file());
    let name = name.ok_or_else(|| format!("{} is no file", path.display()))?;
    // It may grow while it is read.
    let mut bytes = Vec::new();
    let most = (limit as u64).saturating_add(1);
    let file = File::open(path).map_err(failed)?;
    file.take(most).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > limit {
        return Err(format!("{} has more than {}", path.display(), Size(limit)));
    }
    Ok(Document {
        name: name.to_string_lossy().into_owned(),
        bytes: bytes.into(),
    })
}

/// Stores bytes in a folder under this name, which must be a safe one. If there is a file of that name, the new one gets a
/// number: `name (2).png`. Nothing is overwritten, and no link is followed.
///
/// # Errors
///
/// Those of the file system. Nothing is left of the file then.
pub(crate) fn save(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    for number in 1..=NAMESAKES {
        let path = folder.join(numbered(name, number));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                return match file.write_all(bytes) {
                    Ok(()) => Ok(path),
                    Err(error) => {
                        // Half a file looks like a whole one.
                        drop(file);
                        let _ = fs::remove_file(&path);
                        Err(error)
                    }
                };
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(
        ErrorKind::AlreadyExists,
        format!("there are {NAMESAKES} files of that name already"),
    ))
}

fn numbered(name: &str, number: u32) -> String {
    if number == 1 {
        return name.to_owned();
    }
    let (stem, extension) = split_extension(name);
    format!("{stem} ({number}){extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own, removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("chat-downloads-{name}-{}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let Folder(folder) = &Folder::new("overwritten");
        for (name, bytes, stored) in [
            ("map.tar.gz", "first", "map.tar.gz"),
            ("map.tar.gz", "second", "map.tar (2).gz"),
            ("map.tar.gz", "third", "map.tar (3).gz"),
            ("map", "first", "map"),
            ("map", "second", "map (2)"),
        ] {
            let path = save(folder, name, bytes.as_bytes()).unwrap();
            assert_eq!(path, folder.join(stored));
        }
        assert_eq!(fs::read(folder.join("map.tar.gz")).unwrap(), b"first");
        assert_eq!(fs::read(folder.join("map.tar (3).gz")).unwrap(), b"third");
        // A folder is in the way, too.
        fs::create_dir(folder.join("saves")).unwrap();
        let path = save(folder, "saves", b"").unwrap();
        assert_eq!(path, folder.join("saves (2)"));
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let Folder(folder) = &Folder::new("missing");
        let error = save(&folder.join("none"), "a", b"a").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }

    #[test]
    fn only_files_of_a_size_are_read() {
        let Folder(folder) = &Folder::new("read");
        let path = folder.join("a b.txt");
        fs::write(&path, "12345").unwrap();
        let read = |path: &Path, limit| read(path.to_str().unwrap().as_bytes(), limit);
        let document = read(&path, 5).unwrap();
        assert_eq!(document.name, "a b.txt");
        assert_eq!(&document.bytes.bytes()[..], b"12345");
        for (path, limit, why) in [
            (&*path, 4, "has more than 4 B"),
            (folder, 5, "is no file"),
            (&folder.join("none"), 5, "none: "),
            (Path::new(""), 5, "usage: "),
        ] {
            let error = read(path, limit).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
