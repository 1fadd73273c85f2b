//! Builds the chat for the browser into a folder that any static server can serve.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::outcome::Outcome;
use crate::print::say;
use crate::run::Runner;
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

/// Builds the page and prints its sizes.
pub(crate) fn run(runner: &Runner, toolchain: &Toolchain, workspace: &Workspace) -> Vec<Outcome> {
    let folder = folder(workspace);
    let wasm = folder.join(format!("{ARTIFACT}_bg.wasm"));
    let page = Page {
        name: "the page",
        package: "web-chat",
        artifact: ARTIFACT,
        folder: folder.clone(),
        optimise: true,
    };
    let begun = Instant::now();
    let stages = match page.stages(toolchain) {
        Ok(stages) => stages,
        Err(why) => return vec![failed("build of the page", begun, why)],
    };
    let mut outcomes = Vec::new();
    let mut raw = 0;
    for stage in stages {
        // The last stage shrinks the file where it is.
        raw = size(&wasm).unwrap_or(raw);
        let outcome = stage.run(runner);
        let stop = outcome.failed > 0;
        outcomes.push(outcome);
        if stop {
            return outcomes;
        }
    }
    let begun = Instant::now();
    let result = copy(&workspace.workspace_root.join(FILES), &folder)
        .and_then(|()| sizes(&folder, &wasm, raw))
        .map_err(|error| format!("{}: {error}", folder.display()));
    let outcome = Outcome::of_check("files of the page", begun.elapsed(), result);
    outcome.say();
    outcomes.push(outcome);
    outcomes
}

fn failed(name: &str, begun: Instant, why: String) -> Outcome {
    let outcome = Outcome::of_check(name, begun.elapsed(), Err(why));
    outcome.say();
    outcome
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Says how large the program is, and how large what a browser has to fetch.
fn sizes(folder: &Path, wasm: &Path, raw: u64) -> io::Result<()> {
    let (optimised, compressed) = (size(wasm)?, gzip(wasm)?);
    say!(
        "\n[ci] the page's wasm: {} raw, {} optimised, {} gzip",
        kilobytes(raw),
        kilobytes(optimised),
        kilobytes(compressed)
    );
    let (mut all, mut all_compressed) = (0, 0);
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        all += size(&path)?;
        all_compressed += gzip(&path)?;
    }
    say!(
        "[ci] the whole page: {}, {} gzip, in {}",
        kilobytes(all),
        kilobytes(all_compressed),
        folder.display()
    );
    Ok(())
}

fn size(file: &Path) -> io::Result<u64> {
    Ok(fs::metadata(file)?.len())
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
    fn kilobytes_have_one_decimal() {
        assert_eq!(kilobytes(0), "0.0 kB");
        assert_eq!(kilobytes(1_099), "1.0 kB");
        assert_eq!(kilobytes(123_456), "123.4 kB");
    }

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
