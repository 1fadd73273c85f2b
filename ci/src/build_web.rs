//! Builds the chat for the browser into a folder that any static server can serve.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::print::say;
use crate::web::{Page, Toolchain};
use crate::workspace::Workspace;

/// The name of the package's wasm file, without `.wasm`; `start.js` loads the module of this name.
const ARTIFACT: &str = "web_chat";
/// What the page has besides the program.
const FILES: &str = "examples/web/page";

/// Where the page is put.
pub(crate) fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target_directory.join("web")
}

/// What becomes the page.
pub(crate) fn page(workspace: &Workspace) -> Page {
    Page {
        name: "the page",
        package: "web-chat",
        artifact: ARTIFACT,
        folder: folder(workspace),
        optimise: true,
    }
}

/// Puts the other files beside the program, and prints the sizes.
pub(crate) fn files(workspace: &Workspace, toolchain: &Toolchain) -> Result<(), String> {
    let folder = folder(workspace);
    copy(&workspace.root.join(FILES), &folder)
        .and_then(|()| sizes(&folder, &toolchain.built(ARTIFACT)))
        .map_err(|error| format!("{}: {error}", folder.display()))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Says how large the program is: as it was compiled, as it is, and as a browser has to fetch it.
fn sizes(folder: &Path, built: &Path) -> io::Result<()> {
    let wasm = folder.join(format!("{ARTIFACT}_bg.wasm"));
    let size = |file: &Path| Ok::<_, io::Error>(kilobytes(fs::metadata(file)?.len()));
    let (raw, optimised, gzip) = (size(built)?, size(&wasm)?, kilobytes(gzip(&wasm)?));
    say!("\n[ci] the page's wasm: {raw} raw, {optimised} optimised, {gzip} gzip");
    say!("[ci] the page is in {}", folder.display());
    Ok(())
}

/// How many bytes the file has when a server compresses it as well as it can.
fn gzip(file: &Path) -> io::Result<u64> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&fs::read(file)?)?;
    let compressed = encoder.finish()?.len();
    Ok(u64::try_from(compressed).unwrap_or(u64::MAX))
}

fn kilobytes(bytes: u64) -> String {
    format!("{}.{} kB", bytes / 1000, bytes % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_loads_the_module_that_is_built() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let start = fs::read_to_string(root.join(FILES).join("start.js")).unwrap();
        assert!(start.contains(&format!("import(\"./{ARTIFACT}.js\")")));
        let index = fs::read_to_string(root.join(FILES).join("index.html")).unwrap();
        for file in ["style.css", "start.js", "icon.svg"] {
            assert!(index.contains(&format!("\"{file}\"")), "{file}");
            assert!(root.join(FILES).join(file).is_file(), "{file}");
        }
    }
}
