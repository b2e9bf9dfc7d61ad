//! Money: whole minor units (cents) and a currency. No floating point.

use super::currency::Currency;
use std::fmt;

/// An amount in the minor unit of its currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// Minor units: cents for EUR, yen for JPY.
    pub minor: i64,
    /// The currency; amounts in different currencies are never added.
    pub currency: Currency,
}

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Something other than digits, one dot and a sign.
    #[error("not a decimal number such as 1250.00")]
    NotANumber,
    /// More decimals than the currency has, zeros among them: `100.000` may well be a hundred thousand.
    #[error("more decimals than the currency has")]
    TooManyDecimals,
    /// Beyond what a ledger can hold, see [`LARGEST`].
    #[error("too large")]
    TooLarge,
}

/// The largest amount that is read, in minor units: a million million of a currency with cents. No invoice comes
/// near it, and sums over a ledger stay within 64 bits even if ninety thousand rows were as large.
pub const LARGEST: i64 = 100_000_000_000_000;

impl Money {
    /// An amount of minor units.
    pub fn new(minor: i64, currency: Currency) -> Money {
        Money { minor, currency }
    }

    /// Reads decimal text such as `-1250.5`. More decimals than the currency has are an error, zeros too:
    /// rounding silently would hide a wrong column, and `100.000` is how half of Europe writes a hundred thousand.
    pub fn parse(text: &str, currency: Currency) -> Result<Money, AmountError> {
        parse_minor(text, currency.decimals()).map(|minor| Money { minor, currency })
    }

    /// Takes a floating-point value only when it lies within one millionth of a legal amount.
    pub fn from_real(value: f64, currency: Currency) -> Result<Money, AmountError> {
        if !value.is_finite() {
            return Err(AmountError::NotANumber);
        }
        let scaled = value * 10f64.powi(currency.decimals() as i32);
        if scaled.abs() > LARGEST as f64 {
            return Err(AmountError::TooLarge);
        }
        let nearest = scaled.round();
        let step = 10f64.powi(currency.decimals() as i32);
        if (nearest / step - value).abs() > 1e-6 {
            return Err(AmountError::TooManyDecimals);
        }
        Ok(Money { minor: nearest as i64, currency })
    }

    /// Decimal text with exactly the currency's decimals, without the currency: `1250.00`.
    pub fn decimal(&self) -> String {
        let digits = self.currency.decimals() as usize;
        let sign = if self.minor < 0 { "-" } else { "" };
        let text = format!("{:0>width$}", self.minor.unsigned_abs(), width = digits + 1);
        let (whole, part) = text.split_at(text.len() - digits);
        match digits {
            0 => format!("{sign}{whole}"),
            _ => format!("{sign}{whole}.{part}"),
        }
    }
}

/// Reads decimal text into minor units of `decimals` places.
pub fn parse_minor(text: &str, decimals: u32) -> Result<i64, AmountError> {
    let text = text.trim();
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(part) || digits.ends_with('.') {
        return Err(AmountError::NotANumber);
    }
    if part.len() > decimals as usize {
        return Err(AmountError::TooManyDecimals);
    }
    let padded = format!("{whole}{part:0<width$}", width = decimals as usize);
    let minor: i64 = padded.parse().ok().filter(|minor| *minor <= LARGEST).ok_or(AmountError::TooLarge)?;
    Ok(if negative { -minor } else { minor })
}

/// A limit given in the configuration as decimal text, applied in any currency:
/// `"10.00"` means ten euros, ten dollars or ten yen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold {
    thousandths: i64,
}

impl Threshold {
    /// Reads up to three decimals; negative limits make no sense and are refused.
    pub fn parse(text: &str) -> Result<Threshold, AmountError> {
        match parse_minor(text, 3)? {
            n if n < 0 => Err(AmountError::NotANumber),
            thousandths => Ok(Threshold { thousandths }),
        }
    }

    /// The limit in a currency's minor units, rounded up so that the limit never grows laxer.
    pub fn minor(&self, currency: Currency) -> i64 {
        match currency.decimals() {
            0 => self.thousandths.div_euclid(1000) + i64::from(self.thousandths % 1000 != 0),
            2 => self.thousandths.div_euclid(10) + i64::from(self.thousandths % 10 != 0),
            _ => self.thousandths,
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn eur(text: &str) -> Result<i64, AmountError> {
        Money::parse(text, Currency::EUR).map(|m| m.minor)
    }

    #[test]
    fn reads_decimal_text() {
        assert_eq!(eur("1250.00"), Ok(125_000));
        assert_eq!(eur("-0.5"), Ok(-50));
        assert_eq!(eur("7"), Ok(700));
        assert_eq!(eur("7.1"), Ok(710));
        assert_eq!(eur("7.100"), Err(AmountError::TooManyDecimals), "in half of Europe that is seven thousand one hundred");
        assert_eq!(Money::parse("100.00", Currency::parse("JPY").unwrap()), Err(AmountError::TooManyDecimals));
        assert_eq!(Money::parse("7.100", Currency::parse("TND").unwrap()).map(|m| m.minor), Ok(7100));
        assert_eq!(eur("7.123"), Err(AmountError::TooManyDecimals));
        assert_eq!(eur("7,10"), Err(AmountError::NotANumber));
        assert_eq!(eur(""), Err(AmountError::NotANumber));
        assert_eq!(eur("-"), Err(AmountError::NotANumber));
        assert_eq!(eur("1."), Err(AmountError::NotANumber));
        assert_eq!(eur("99999999999999999999"), Err(AmountError::TooLarge));
        assert_eq!(eur("1000000000000.00"), Ok(LARGEST));
        assert_eq!(eur("1000000000000.01"), Err(AmountError::TooLarge));
        assert_eq!(eur("-92233720368547758.07"), Err(AmountError::TooLarge));
    }

    #[test]
    fn takes_reals_only_near_a_legal_amount() {
        let real = |v| Money::from_real(v, Currency::EUR).map(|m| m.minor);
        assert_eq!(real(0.1 + 0.2), Ok(30));
        assert_eq!(real(1250.0), Ok(125_000));
        assert_eq!(real(1.234), Err(AmountError::TooManyDecimals));
        assert_eq!(real(f64::NAN), Err(AmountError::NotANumber));
        assert_eq!(real(1e300), Err(AmountError::TooLarge));
        assert_eq!(real(1e13), Err(AmountError::TooLarge));
    }

    #[test]
    fn thresholds_fit_each_currency() {
        let yen = Currency::parse("JPY").unwrap();
        let dinar = Currency::parse("TND").unwrap();
        let t = Threshold::parse("1.50").unwrap();
        assert_eq!((t.minor(Currency::EUR), t.minor(yen), t.minor(dinar)), (150, 2, 1500));
        assert!(Threshold::parse("-1").is_err());
    }

    proptest! {
        #[test]
        fn decimal_text_round_trips(minor in -LARGEST..=LARGEST, code in prop::sample::select(vec!["EUR", "JPY", "TND"])) {
            let money = Money::new(minor, Currency::parse(code).unwrap());
            prop_assert_eq!(Money::parse(&money.decimal(), money.currency), Ok(money));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,24}") {
            let outcome = eur(&text);
            prop_assert!(outcome.is_ok() || outcome.is_err());
        }
    }
}
