//! Builds the examples for the browser into a folder that any static server can serve: the arena, and in `chat` the chat.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::print::say;
use crate::web::{Page, Toolchain, Use};
use crate::workspace::Workspace;

/// An example with a page.
pub(crate) struct Example {
    pub(crate) page: Page,
    /// What the page has besides the program.
    files: &'static [&'static str],
}

/// Where the pages are put.
pub(crate) fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target_directory.join("web")
}

/// What becomes pages.
pub(crate) fn examples(workspace: &Workspace) -> [Example; 2] {
    let page = |name, package, artifact, folder| Page {
        name,
        package,
        manifest: None,
        artifact,
        folder,
        made_for: Use::Play,
    };
    let folder = folder(workspace);
    let chat = page("the chat", "web-chat", "web_chat", folder.join("chat"));
    let arena = page("the arena", "arena", "arena", folder);
    [
        Example {
            page: arena,
            files: &["examples/arena/index.html", "examples/arena/page"],
        },
        Example {
            page: chat,
            files: &["examples/web/page"],
        },
    ]
}

impl Example {
    /// Puts the other files beside the program, and prints the sizes.
    pub(crate) fn complete(&self, root: &Path, toolchain: &Toolchain) -> Result<(), String> {
        let page = &self.page;
        let mut files = self.files.iter();
        files
            .try_for_each(|from| copy(&root.join(from), &page.folder))
            .and_then(|()| sizes(page, &toolchain.built(page.artifact)))
            .map_err(|error| format!("{}: {error}", page.folder.display()))
    }
}

/// Copies a file, or what is in a folder.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(name) = from.file_name().filter(|_| from.is_file()) {
        return fs::copy(from, to.join(name)).map(drop);
    }
    fs::read_dir(from)?.try_for_each(|entry| copy(&entry?.path(), to))
}

/// Says how large the program and its JavaScript are: as they are, and as a browser has to fetch them.
pub(crate) fn sizes(page: &Page, built: &Path) -> io::Result<()> {
    let size = |file: &Path| Ok::<_, io::Error>(kilobytes(fs::metadata(file)?.len()));
    say!("\n[ci] {} as it was compiled: {}", page.name, size(built)?);
    for (what, ending) in [("wasm", "_bg.wasm"), ("JavaScript", ".js")] {
        let file = page.folder.join(format!("{}{ending}", page.artifact));
        let (whole, gzip, brotli) = (size(&file)?, gzip(&file)?, brotli(&file)?);
        let (gzip, brotli) = (kilobytes(gzip), kilobytes(brotli));
        say!("[ci] its {what}: {whole}, {gzip} gzip, {brotli} brotli");
    }
    say!("[ci] the page is in {}", page.folder.display());
    Ok(())
}

/// How many bytes the file has when a server compresses it so.
fn gzip(file: &Path) -> io::Result<u64> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&fs::read(file)?)?;
    let compressed = encoder.finish()?.len();
    Ok(u64::try_from(compressed).unwrap_or(u64::MAX))
}

/// How many bytes the file has when a server compresses it as well as it can.
fn brotli(file: &Path) -> io::Result<u64> {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 11, 22);
    encoder.write_all(&fs::read(file)?)?;
    let compressed = encoder.into_inner().len();
    Ok(u64::try_from(compressed).unwrap_or(u64::MAX))
}

fn kilobytes(bytes: u64) -> String {
    format!("{}.{} kB", bytes / 1000, bytes % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_loads_the_module_that_is_built() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        for (index, files, artifact) in [
            ("web/page/index.html", "web/page", "web_chat"),
            ("arena/index.html", "arena/page", "arena"),
        ] {
            let start = fs::read_to_string(root.join(files).join("start.js")).unwrap();
            assert!(start.contains(&format!("import(\"./{artifact}.js\")")));
            let index = fs::read_to_string(root.join(index)).unwrap();
            for file in ["style.css", "start.js"] {
                assert!(index.contains(&format!("\"{file}\"")), "{file}");
                assert!(root.join(files).join(file).is_file(), "{file}");
            }
        }
    }
}
