//! The test world: a ledger, a store, a clock that stands still, and servers that speak over real sockets.

pub mod config;
pub mod home;
pub mod http;
pub mod mail;
pub mod postgres;
pub mod relay;
pub mod row;
pub mod smtp;
pub mod smtp_session;
pub mod terminal;
pub mod tls;
pub mod world;

pub use config::{Config, STANDARD};
pub use postgres::Database;
pub use relay::Relay;
pub use row::Row;
pub use smtp::{Act, Greet, Offers, Smtp, Stage};
pub use world::World;
