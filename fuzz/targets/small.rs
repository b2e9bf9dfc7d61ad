//! Small readers: amounts, delays, schedules, addresses, URLs, names of files.

use super::{halves, text};
use jiff::civil::date;
use relance::channel::email::address;
use relance::config::database::DatabaseSettings;
use relance::domain::calendar::Calendar;
use relance::domain::currency::Currency;
use relance::domain::debtor::parse_pay_runs;
use relance::domain::document::{DocumentKind, FileName};
use relance::domain::enterprise;
use relance::domain::gsm::segments;
use relance::domain::keep::Keep;
use relance::domain::mail::without_address;
use relance::domain::money::{LARGEST, Money, Threshold};
use relance::domain::tame::{is_tame, tamed};
use relance::domain::time::{parse_days, parse_hours};
use relance::domain::when::{Delay, When};

/// Amounts: what is read is printed, and what is printed is read as the same.
pub fn money(data: &[u8]) {
    let text = text(data);
    for code in ["EUR", "JPY", "TND"] {
        let Some(currency) = Currency::parse(code) else { continue };
        if let Ok(money) = Money::parse(&text, currency) {
            assert!(money.minor.abs() <= LARGEST);
            assert_eq!(Money::parse(&money.decimal(), currency), Ok(money));
            assert_eq!(Money::from_real(money.minor as f64 / 10f64.powi(currency.decimals() as i32), currency), Ok(money));
        }
        if let Ok(limit) = Threshold::parse(&text) {
            assert!(limit.minor(currency) >= 0);
        }
        if let Some(bytes) = data.first_chunk::<8>()
            && let Ok(money) = Money::from_real(f64::from_le_bytes(*bytes), currency)
        {
            assert!(money.minor.abs() <= LARGEST);
        }
    }
    assert!(Currency::parse(&text).is_none_or(|c| c.code().eq_ignore_ascii_case(&text)));
}

/// `when`, delays, windows, days of payment: what is read is printed as the same, and days stay days.
pub fn when(data: &[u8]) {
    let text = text(data);
    if let Ok(when) = When::parse(&text) {
        assert_eq!(When::parse(&when.to_string()), Ok(when.clone()), "{when}");
        moved(when.delay);
    }
    if let Ok(delay) = Delay::parse(&text) {
        assert_eq!(Delay::parse(&delay.to_string()), Ok(delay));
        moved(delay);
    }
    assert!(parse_hours(&text).is_none_or(|(from, to)| from < to && to <= 24 * 60));
    assert!(parse_days(&text).is_none_or(|days| days.contains(&true)));
    assert!(relance::config::duration(&text).is_none_or(|s| s > 0));
    assert!(parse_pay_runs(&text).is_none_or(|days| !days.is_empty()));
    let (zone, now) = (jiff::tz::TimeZone::UTC, jiff::Timestamp::UNIX_EPOCH);
    assert!(Keep::parse(&text).and_then(|keep| keep.until(now, &zone)).is_none_or(|until| until <= now));
}

fn moved(delay: Delay) {
    let none = Calendar::new("none", &[]);
    for day in [date(1970, 1, 1), date(2026, 11, 2), date(2199, 12, 31)] {
        assert!(delay.after(day, Some(&none)) >= day && delay.before(day, None) <= day);
    }
}

/// Schedules: one that is taken comes true, and finding out when has an end.
pub fn cron(data: &[u8]) {
    let Ok(schedule) = relance::config::schedule(&text(data)) else { return };
    assert!(schedule.cron.find_next_occurrence(&chrono::DateTime::UNIX_EPOCH, false).is_ok());
}

/// Addresses: what is taken can stand in a command and in a header, and is the same when it is read again.
pub fn address(data: &[u8]) {
    let text = text(data);
    let Some(found) = address::parse(&text) else { return };
    let shown = found.to_string();
    assert_eq!(address::parse(&shown), Some(found));
    assert!(!shown.chars().any(|c| c.is_control() || c.is_whitespace() || "<>,;\"\\".contains(c)), "{shown:?}");
    assert!(shown.len() <= 320, "{} bytes", shown.len());
}

/// The URL of a database: none with a password is taken, and its place shows no parameters.
pub fn url(data: &[u8]) {
    if let Ok(found) = DatabaseSettings::at(&text(data)) {
        assert!(!found.place().contains('?') && found.same_database(&found));
        let authority = found.url().split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default().to_owned();
        assert!(authority.rsplit_once('@').is_none_or(|(user, _)| !user.contains(':')), "{authority}");
    }
}

/// Kinds and names of copies, numbers of firms, texts of SMS, an account, words without an address.
pub fn document(data: &[u8]) {
    let text = text(data);
    let kind = DocumentKind::of(data).unwrap_or(DocumentKind::Pdf);
    let name = FileName::of(&text, kind, usize::from(data.first().copied().unwrap_or(1)));
    let tame = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    assert!(name.ascii.chars().all(tame) && !name.ascii.starts_with('.') && name.ascii.len() <= 72, "{}", name.ascii);
    assert!(name.full.is_none_or(|full| is_tame(&full) && !full.contains(['/', '\\', '"'])));
    enterprise::is_valid(&text, Some("BE"));
    enterprise::is_valid(&text, None);
    assert!(segments(&text).count <= text.encode_utf16().count().max(1) * 2);
    if let Ok(iban) = text.parse::<iban::Iban>() {
        let plain = iban::IbanLike::electronic_str(&iban).to_owned();
        assert!(plain.len() <= 34 && plain.parse::<iban::Iban>().is_ok());
    }
    let (address, said) = halves(&text);
    let told = without_address(said, address);
    assert!(address.is_empty() || told.len() <= said.len() * 20);
    assert!(is_tame(&tamed(&text)));
}
