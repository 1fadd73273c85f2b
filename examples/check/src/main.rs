//! Plays the examples on its own, with headless browsers in the place of whoever would open the pages, and says what it saw.
//!
//! `cargo ci play --check` runs it, with all that it needs. It ends what it starts; should it be killed, its caller ends the rest.

mod arena_check;
mod bot;
mod chat;
mod chat_check;
mod driver;
mod file;
mod flood;
mod game;
mod lines;
mod print;
mod restart;
mod tab;
mod tagging;
mod trouble;
mod window;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::driver::Browser;
use crate::print::say;

/// Where everything is.
#[derive(Debug, Parser)]
struct Options {
    /// The arena.
    #[arg(long)]
    arena: PathBuf,
    /// The signaling server.
    #[arg(long)]
    server: PathBuf,
    /// The chat of the terminal.
    #[arg(long)]
    chat: PathBuf,
    /// The pages that `cargo ci build-web` makes.
    #[arg(long)]
    pages: PathBuf,
    /// Where to write pictures.
    #[arg(long)]
    pictures: PathBuf,
    #[arg(long)]
    chromium: String,
    #[arg(long)]
    chromedriver: String,
    #[arg(long)]
    firefox: String,
    #[arg(long)]
    geckodriver: String,
    /// The arena alone.
    #[arg(long)]
    arena_only: bool,
}

impl Options {
    fn chromium(&self) -> Browser<'_> {
        Browser::Chromium {
            driver: &self.chromedriver,
            program: &self.chromium,
        }
    }

    fn firefox(&self) -> Browser<'_> {
        Browser::Firefox {
            driver: &self.geckodriver,
            program: &self.firefox,
        }
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    let checked = arena_check::run(&options).and_then(|()| {
        if options.arena_only {
            return Ok(());
        }
        chat_check::run(&options)
    });
    match checked {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say!("error: {why}");
            ExitCode::FAILURE
        }
    }
}
