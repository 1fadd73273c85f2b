//! Where the memory of a connection goes: a mesh of four under an allocator that counts, ours or the crate without a hand-over.
//!
//! `heap FOLDER` writes dhat's profile of each into the folder, for dh_view, and prints the most of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use bench::heap::Kept;
use bench::node::Side;
use bench::ours::Ours;
use bench::settings::Settings;
use bench::tuned::Tuned;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const PEERS: usize = 4;
const CONNECTIONS: u64 = 6;

/// Frames of a backtrace; the futures of the crate are deep.
const FRAMES: usize = 40;

/// Functions that are printed; the files have all of them.
const SHOWN: usize = 25;

#[expect(clippy::print_stderr, reason = "the one place that writes there")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.as_slice() {
        [flag, ..] if flag.starts_with('-') => Err(anyhow::anyhow!("heap FOLDER, and no {flag}")),
        [folder] => both(&PathBuf::from(folder)),
        [folder, side] => measure(&PathBuf::from(folder), side),
        _ => Err(anyhow::anyhow!("heap FOLDER")),
    };
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

/// Each in a process of its own.
fn both(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for side in ["ours", "tuned"] {
        let mut child = Command::new(std::env::current_exe()?);
        let status = child.arg(folder).arg(side).status()?;
        ensure!(status.success(), "{side} failed ({status})");
    }
    Ok(())
}

fn measure(folder: &Path, side: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let file = folder.join(format!("heap-{side}.json"));
    let profiler = dhat::Profiler::builder()
        .file_name(&file)
        .trim_backtraces(Some(FRAMES))
        .build();
    match side {
        "ours" => runtime.block_on(kept::<Ours>(profiler))?,
        _ => runtime.block_on(kept::<Tuned>(profiler))?,
    }
    runtime.shutdown_background();
    show(side, &Kept::parse(&fs::read_to_string(&file)?)?);
    Ok(())
}

/// The profile is written while the mesh is there.
async fn kept<S: Side>(profiler: dhat::Profiler) -> Result<()> {
    let nodes = S::mesh(PEERS, &Settings::default()).await?;
    drop(profiler);
    drop(nodes);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn show(side: &str, kept: &Kept) {
    let kib = |bytes: u64| format!("{:>7} KiB", bytes / 1024 / CONNECTIONS);
    println!("memory of a connection, both ends, {side}, by the crate that asked for it:");
    for (name, bytes) in &kept.crates {
        println!("{} {name}", kib(*bytes));
    }
    println!("and by function:");
    for (name, bytes) in kept.functions.iter().take(SHOWN) {
        println!("{} {name}", kib(*bytes));
    }
    println!();
}
