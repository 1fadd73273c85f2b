//! Coming back to a seat: the token that shows whose it is, and the key that it is signed with.

mod key;
mod token;

pub use key::{KeyError, ResumeKey};
pub(crate) use token::{Claim, Proved, Vault, validity};
