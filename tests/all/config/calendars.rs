//! The holidays that are shipped, on the days that the official lists give.

use super::{GOOD, Tree};
use jiff::ToSpan as _;
use jiff::civil::date;
use relance::config::Setup;

fn holidays(setup: &Setup, country: &str, year: i16) -> Vec<String> {
    let calendar = &setup.calendars[country];
    let days = date(year, 1, 1).series(1.day()).take_while(|d| d.year() == year);
    days.filter(|d| calendar.is_holiday(*d)).map(|d| d.strftime("%m-%d").to_string()).collect()
}

#[test]
fn belgium() {
    let setup = Tree::new(GOOD).setup();
    let list = ["01-01", "04-06", "05-01", "05-14", "05-25", "07-21", "08-15", "11-01", "11-11", "12-25"];
    assert_eq!(holidays(&setup, "BE", 2026), list);
}

#[test]
fn england_moves_new_year_christmas_and_boxing_day_off_the_weekend() {
    let setup = Tree::new(GOOD).setup();
    assert_eq!(holidays(&setup, "GB", 2027), ["01-01", "03-26", "03-29", "05-03", "05-31", "08-30", "12-27", "12-28"]);
    assert_eq!(holidays(&setup, "GB", 2028), ["01-03", "04-14", "04-17", "05-01", "05-29", "08-28", "12-25", "12-26"]);
    let ends = |year: i16| holidays(&setup, "GB", year).into_iter().filter(|d| d.starts_with("12-")).collect::<Vec<_>>();
    assert_eq!(ends(2022), ["12-26", "12-27"], "Christmas on a Sunday");
    assert_eq!(ends(2020), ["12-25", "12-28"], "Boxing Day on a Saturday");
    assert_eq!(ends(2021), ["12-27", "12-28"]);
    // Days moved or given once.
    let may = |year: i16| holidays(&setup, "GB", year).into_iter().filter(|d| d.starts_with("05-")).collect::<Vec<_>>();
    assert_eq!(may(2020), ["05-08", "05-25"]);
    assert_eq!(may(2023), ["05-01", "05-08", "05-29"]);
    assert_eq!(holidays(&setup, "GB", 2022)[3..8], ["05-02", "06-02", "06-03", "08-29", "09-19"]);
}

#[test]
fn ireland_keeps_st_brigid_on_a_monday_or_on_friday_the_first() {
    let setup = Tree::new(GOOD).setup();
    let brigid = |year: i16| holidays(&setup, "IE", year).into_iter().filter(|d| d.starts_with("02-")).collect::<Vec<_>>();
    let days = ["02-06", "02-05", "02-03", "02-02", "02-01", "02-07", "02-05", "02-01"];
    for (year, day) in (2023..=2030).zip(days) {
        assert_eq!(brigid(year), [day], "{year}");
    }
    assert_eq!(brigid(2022), Vec::<String>::new(), "not a holiday yet");
}

#[test]
fn others_by_their_particular_days() {
    let setup = Tree::new(GOOD).setup();
    assert!(holidays(&setup, "NL", 2025).contains(&"04-26".to_owned()), "King's Day is never a Sunday");
    assert!(!holidays(&setup, "NL", 2025).contains(&"04-27".to_owned()));
    assert!(holidays(&setup, "NL", 2026).contains(&"04-27".to_owned()));
    assert!(
        !holidays(&setup, "IT", 2025).contains(&"10-04".to_owned()) && holidays(&setup, "IT", 2026).contains(&"10-04".to_owned())
    );
    assert!(
        !holidays(&setup, "LU", 2018).contains(&"05-09".to_owned()) && holidays(&setup, "LU", 2019).contains(&"05-09".to_owned())
    );
    assert_eq!(holidays(&setup, "CH", 2026), ["01-01", "05-14", "08-01", "12-25"]);
    assert_eq!(
        holidays(&setup, "FR", 2026),
        ["01-01", "04-06", "05-01", "05-08", "05-14", "05-25", "07-14", "08-15", "11-01", "11-11", "12-25"]
    );
    assert_eq!(holidays(&setup, "DE", 2026), ["01-01", "04-03", "04-06", "05-01", "05-14", "05-25", "10-03", "12-25", "12-26"]);
}

#[test]
fn a_calendar_of_ones_own_takes_the_place_of_the_shipped_one() {
    let setup = Tree::new(GOOD)
        .file("calendars/BE.toml", "name = \"Ours\"\n\n[[holiday]]\nname = \"Flemish Community Day\"\nfixed = \"07-11\"\n")
        .setup();
    assert_eq!(holidays(&setup, "BE", 2026), ["07-11"]);
    assert_eq!(holidays(&setup, "CH", 2026).len(), 4, "the others stay");
}
