//! What relance answers over HTTP: the room that all listeners share, with bounds on everything that a request may take, and
//! what gateways send back, and the page on which customers answer.

pub mod doors;
pub mod hooks;
pub mod page;
pub mod rate;
pub mod serve;
