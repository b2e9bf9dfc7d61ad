//! The trade itself: money, dates, cadences and the decision what leaves when.
//!
//! Everything here is pure: no network, no files, no SQL, no clock. What a
//! function needs to know, `now` included, is handed to it.

pub mod answer;
pub mod attempt;
pub mod bank;
pub mod base64;
pub mod cadence;
pub mod calendar;
pub mod case;
pub mod condition;
pub mod country;
pub mod currency;
pub mod debtor;
pub mod decision;
pub mod document;
pub mod enterprise;
pub mod fill;
pub mod grave;
pub mod gsm;
pub mod hex;
pub mod inbound;
pub mod invoice;
pub mod json;
pub mod keep;
pub mod ledger;
pub mod mail;
pub mod mask;
pub mod money;
pub mod people;
pub mod phone;
pub mod quoted;
pub mod reach;
pub mod reason;
pub mod refusal;
pub mod spoken;
pub mod standing;
pub mod step;
pub mod tame;
pub mod time;
pub mod when;
