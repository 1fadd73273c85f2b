//! Building for the browser and driving browsers: where the tools are, and what is done with them.

mod browser;
mod lockfile;
mod page;
mod target;
mod toolchain;
pub(crate) mod tools;

pub(crate) use browser::Browser;
pub(crate) use lockfile::bindgen_version;
pub(crate) use page::Page;
pub(crate) use target::{Compiler, Sysroot, TARGET, Way};
pub(crate) use toolchain::Toolchain;
