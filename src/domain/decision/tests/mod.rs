//! The decision, rule by rule, and then as a whole: random cadences and ledgers lived through day by day, with a
//! checker beside them that shares no code with the planner.

mod booking;
mod build;
mod checker;
mod firmness;
mod minimum;
mod netting;
mod pace;
mod progress;
mod properties;
mod random;
mod sections;
mod simulation;
mod standstill;
mod tie_out;
