//! What relance answers over HTTP: the room that all listeners share, with bounds on everything that a request may take, and
//! what gateways send back.

pub mod hooks;
pub mod rate;
pub mod serve;
