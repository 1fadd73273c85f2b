//! Nothing: what matters is the manifest.
//!
//! This workspace and that of the adapters build into one target folder. What both depend on in the same version is built once, as
//! long as both turn on the same features. A feature of one crate is enough to have all be built again that depend on it: 150
//! crates, half of what the adapters take to build. So the manifest here names the features that only one of them would turn on.
//! `visitor` depends on it on the other side.
//!
//! No published crate depends on it.
