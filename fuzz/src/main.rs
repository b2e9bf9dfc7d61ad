//! Runs one target under libFuzzer: RELANCE_FUZZ_TARGET names it. `tests/fuzz` builds and calls this.
#![no_main]

#[path = "../targets/mod.rs"]
mod targets;

use std::sync::OnceLock;
use targets::{TARGETS, Target};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    static TARGET: OnceLock<Target> = OnceLock::new();
    let named = || {
        let name = std::env::var("RELANCE_FUZZ_TARGET").unwrap_or_default();
        TARGETS
            .iter()
            .find(|(known, ..)| *known == name)
            .map(|(_, target, _)| *target)
            .expect("RELANCE_FUZZ_TARGET names no target")
    };
    TARGET.get_or_init(named)(data);
});
