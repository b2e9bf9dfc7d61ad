//! Numbers of firms in public registers: whether a text is one (rule R16). A valid number proposes that its bearer is a
//! firm; it proves nothing, and what the ledger or a person says outweighs it.

/// Whether the text is a valid enterprise number: of the Belgian register (KBO/BCE, check modulo 97), the French one
/// (SIREN or SIRET, Luhn), or a VAT number in the form of its country. Spaces, dots, hyphens and slashes mean nothing.
/// `country` is that of the customer, for numbers that do not begin with one.
pub fn is_valid(text: &str, country: Option<&str>) -> bool {
    let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '.' | '-' | '/' | '\u{a0}')).collect();
    if plain.len() > 20 || !plain.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return false;
    }
    let plain = plain.to_ascii_uppercase();
    let prefixed = plain.len() > 2 && plain.as_bytes()[..2].iter().all(u8::is_ascii_uppercase);
    let (land, number) = if prefixed { plain.split_at(2) } else { (country.unwrap_or_default(), plain.as_str()) };
    match (land, digits(number)) {
        ("BE", Some(d)) => belgian(&d),
        ("FR", Some(d)) if !prefixed => (d.len() == 9 || d.len() == 14) && luhn(&d),
        ("FR", _) if prefixed => french_vat(number),
        ("LU", Some(d)) => d.len() == 8 && value(&d[..6]) % 89 == value(&d[6..]),
        ("DE", Some(d)) => prefixed && d.len() == 9 && german_vat(&d),
        ("NL", None) => dutch_vat(number),
        ("NL", Some(d)) => !prefixed && d.len() == 8,
        ("AT", None) => prefixed && number.strip_prefix('U').and_then(digits).is_some_and(|d| d.len() == 8),
        ("CH", None) => number.strip_prefix('E').and_then(digits).is_some_and(|d| d.len() == 9),
        ("GB", Some(d)) => (prefixed && matches!(d.len(), 9 | 12)) || (!prefixed && d.len() == 8),
        ("ES", None) => prefixed && number.len() == 9,
        ("IT", Some(d)) => d.len() == 11 && luhn(&d),
        ("IE", None) => prefixed && matches!(number.len(), 8 | 9) && number.as_bytes()[0].is_ascii_digit(),
        ("PT", Some(d)) => prefixed && d.len() == 9,
        ("DK" | "FI" | "HU" | "SI" | "MT", Some(d)) => prefixed && d.len() == 8,
        ("PL" | "SK", Some(d)) => prefixed && d.len() == 10,
        ("SE", Some(d)) => prefixed && d.len() == 12,
        ("CZ", Some(d)) => prefixed && (8..=10).contains(&d.len()),
        ("RO", Some(d)) => prefixed && (2..=10).contains(&d.len()),
        ("BG" | "LT" | "LV" | "EE" | "EL" | "HR", Some(d)) => prefixed && (9..=12).contains(&d.len()),
        _ => false,
    }
}

fn digits(text: &str) -> Option<Vec<u8>> {
    let all = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    all.then(|| text.bytes().map(|b| b - b'0').collect())
}

fn value(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |n, d| n * 10 + u64::from(*d))
}

/// Ten digits, of which the last two are 97 less the rest of the first eight; older texts leave the first zero out.
fn belgian(digits: &[u8]) -> bool {
    let ten: Vec<u8> = if digits.len() == 9 { [&[0], digits].concat() } else { digits.to_vec() };
    ten.len() == 10 && ten[0] <= 1 && value(&ten[..8]) > 0 && 97 - value(&ten[..8]) % 97 == value(&ten[8..])
}

fn luhn(digits: &[u8]) -> bool {
    let doubled = |d: u8| if d > 4 { d * 2 - 9 } else { d * 2 };
    let sum: u32 = digits.iter().rev().enumerate().map(|(i, d)| u32::from(if i % 2 == 1 { doubled(*d) } else { *d })).sum();
    sum > 0 && sum.is_multiple_of(10)
}

/// Two characters and a SIREN; two digits are a check: 12 + 3 × SIREN, modulo 97.
fn french_vat(number: &str) -> bool {
    let Some((key, siren)) = number.split_at_checked(2) else { return false };
    let Some(siren) = digits(siren).filter(|d| d.len() == 9 && luhn(d)) else { return false };
    digits(key).is_none_or(|key| value(&key) == (12 + 3 * (value(&siren) % 97)) % 97)
}

/// Nine digits by ISO 7064, MOD 11,10.
fn german_vat(digits: &[u8]) -> bool {
    let product = digits[..8].iter().fold(10u32, |product, d| {
        let sum = (u32::from(*d) + product) % 10;
        2 * if sum == 0 { 10 } else { sum } % 11
    });
    (11 - product) % 10 == u32::from(digits[8])
}

/// Nine digits, B, two digits.
fn dutch_vat(number: &str) -> bool {
    let parts = number.split_once('B').and_then(|(a, b)| Some((digits(a)?, digits(b)?)));
    parts.is_some_and(|(a, b)| a.len() == 9 && b.len() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_numbers_are_known_however_they_are_written() {
        for good in ["BE 0403.170.701", "0403170701", "403.170.701", "BE0403170701"] {
            assert!(is_valid(good, Some("BE")), "{good}");
        }
        assert!(is_valid("732 829 320", Some("FR")) && is_valid("73282932000074", Some("FR")));
        assert!(is_valid("FR44732829320", None) && is_valid("DE136695976", None));
        assert!(is_valid("NL123456789B01", None) && is_valid("LU15027442", None) && is_valid("ATU12345678", None));
    }

    #[test]
    fn others_are_not() {
        for (bad, land) in [
            ("0403170702", "BE"),
            ("0000000097", "BE"),
            ("732829321", "FR"),
            ("000000000", "FR"),
            ("FR45732829320", "FR"),
            ("DE136695975", "DE"),
            ("", "BE"),
            ("none", "BE"),
            ("BE", "BE"),
            ("12345678901234567890123", "BE"),
            ("0403170701", "XX"),
            ("NL12345678B01", "NL"),
        ] {
            assert!(!is_valid(bad, Some(land)), "{bad}");
        }
        assert!(!is_valid("0403170701", None), "without a country it could be anything");
    }
}
