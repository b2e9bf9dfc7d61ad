//! Tests from outside: the library through its pumps, over real sockets, with a clock that stands still.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, missing_docs)]

mod mail_doubt;
mod mail_faults;
mod mail_reread;
mod mail_wire;
mod support;
