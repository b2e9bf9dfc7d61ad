//! What is held about a customer: where it lies (`places`), how it is told (`export`), how it is erased, and what stands
//! against that (`erase`), and what is erased by itself when its time has come (`retention`).

pub mod erase;
pub mod export;
pub mod places;
pub mod retention;
