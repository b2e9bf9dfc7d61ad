//! Letters: one file each, Markdown with Jinja placeholders, rendered to subject, text, HTML or SMS.
//! What users edit goes through minijinja (strict, with a bound on work); the HTML around it is askama's.

mod blocks;
mod check;
mod engine;
mod html;
mod jinja;
mod labels;
mod law;
mod lint;
mod markdown;
pub mod page;
mod phrase;
pub mod report;
mod sample;
mod view;

pub use engine::{LetterError, Letters};
pub use labels::Labels;
pub use sample::{VARIANTS, sample_at, sample_view};
pub use view::{LetterFacts, View, view};
