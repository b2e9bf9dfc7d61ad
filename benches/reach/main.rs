//! How well the default rules of reach.toml find out who can no longer be reached, against a naive rule, on a population
//! of whom that is known:
//!
//!     cargo bench --bench reach            # with another seed: cargo bench --bench reach -- 7
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

#[path = "../../tests/all/reach/population.rs"]
mod population;

use population::{NAIVE, SEED, SHARES, Score, by_contacts, by_rules, population};
use relance::domain::reach::Rules;

/// Customers.
const SIZE: usize = 10_000;

fn main() {
    let seed = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(SEED);
    let lives = population(seed, SIZE);
    println!("seed {seed}, {SIZE} customers, 420 days");
    let clock = std::time::Instant::now();
    tell("the default rules", &by_rules(&Rules::default(), &lives));
    println!("  ({:.1} s)", clock.elapsed().as_secs_f64());
    let mut slow = Rules::default();
    (slow.silence.contacts, slow.silence.days) = (7, 60);
    tell("the same with contacts = 7, days = 60", &by_rules(&slow, &lives));
    for most in [NAIVE, NAIVE + 3] {
        tell(&format!("{most} contacts without a payment"), &by_contacts(most, &lives));
    }
}

fn tell(name: &str, score: &Score) {
    let wrongly: Vec<String> = SHARES
        .iter()
        .map(|(habit, _)| (habit, score.wrongly.iter().filter(|h| *h == habit).count()))
        .filter(|(_, n)| *n > 0)
        .map(|(habit, n)| format!("{habit:?} {n}"))
        .collect();
    println!(
        "{name}: precision {:.1} %, recall {:.1} % of {} unreachable, found out after {:.0} days on average; wrongly: {}",
        100.0 * score.precision(),
        100.0 * score.recall(),
        score.lost,
        score.days_on_average(),
        wrongly.join(", ")
    );
}
