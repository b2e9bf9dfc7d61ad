//! Mail that comes back: getting it, from a server or a folder, and reading it.

pub mod read;
