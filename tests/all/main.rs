//! Tests from outside: the library through its pumps, over real sockets, with a clock that stands still.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, missing_docs)]

mod ahead;
mod channels;
mod cli_check;
mod cli_daemon;
mod cli_deaf;
mod cli_disk;
mod cli_json;
mod cli_release;
mod cli_run;
mod config;
mod crash;
mod demo;
mod demo_story;
mod floors;
mod guard;
mod licences;
mod mail_blame;
mod mail_doubt;
mod mail_faults;
mod mail_pipelined;
mod mail_reread;
mod mail_tls;
mod mail_wire;
mod pace;
mod program;
mod rows;
mod sms_faults;
mod sms_kannel;
mod sms_twilio;
mod stops;
mod store;
mod support;
mod word;
