//! Building for the browser and driving browsers: where the tools are, and what is done with them.

mod browser;
mod page;
mod target;
mod toolchain;

pub(crate) use browser::Browser;
pub(crate) use page::{Page, Use};
pub(crate) use target::{Compiler, SYSROOT, TARGET, script, way};
pub(crate) use toolchain::Toolchain;
