//! Who can still be reached: what evidence does to addresses and customers, what follows, and a population of whom the
//! truth is known.

mod flow;
mod population;
mod program;

use population::{NAIVE, SEED, by_contacts, by_rules, population};
use relance::config::bundled;
use relance::domain::reach::Rules;

#[test]
fn the_default_rules_find_out_most_and_blame_few() {
    let lives = population(SEED, 1_500);
    let (rules, naive) = (by_rules(&Rules::default(), &lives), by_contacts(NAIVE, &lives));
    assert!(rules.lost > 150, "{rules:?}");
    assert!(rules.precision() >= 0.70, "{} {rules:?}", rules.precision());
    assert!(rules.recall() >= 0.95, "{} {rules:?}", rules.recall());
    assert!(rules.days_on_average() < 90.0, "{}", rules.days_on_average());
    assert!(rules.precision() > naive.precision() + 0.2, "{} {}", rules.precision(), naive.precision());
    // The same seed is the same population.
    assert_eq!(by_rules(&Rules::default(), &population(SEED, 1_500)), rules);
}

#[test]
fn the_shipped_file_says_what_holds_without_it() {
    let (name, text) = bundled::REACH;
    assert_eq!(name, "reach.toml");
    let setup = crate::config::good_with(name, text);
    assert_eq!(*setup.reach, Rules::default());
    assert_eq!(*crate::config::good_with(name, "").reach, Rules::default());
}
