//! Phone numbers as books have them, brought into international form.

/// `+32470000001` from `0470 00 00 01` and a country; `None` when it is not a number that can be dialled.
pub fn normalise(text: &str, country: Option<&str>) -> Option<String> {
    let country = country.and_then(|c| c.parse().ok());
    let number = phonenumber::parse(country, text).ok()?;
    let form = number.format().mode(phonenumber::Mode::E164).to_string();
    let digits = form.strip_prefix('+')?;
    ((8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())).then_some(form)
}

/// The same for a number as networks write it: the country first, with or without `+` or `00` before it. What begins with a
/// single zero is a number of `country`.
pub fn from_network(text: &str, country: Option<&str>) -> Option<String> {
    let text = text.trim();
    let bare = text.strip_prefix("00").or_else(|| Some(text).filter(|t| !t.starts_with(['0', '+'])));
    let whole = bare.filter(|d| d.bytes().all(|b| b.is_ascii_digit())).and_then(|d| normalise(&format!("+{d}"), None));
    whole.or_else(|| normalise(text, country))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_books_hold() {
        assert_eq!(normalise("0470 00 00 01", Some("BE")).as_deref(), Some("+32470000001"));
        assert_eq!(normalise("+33 6 39 98 12 34", None).as_deref(), Some("+33639981234"));
        assert_eq!(normalise("(0)20 / no", Some("DE")), None);
        assert_eq!(normalise("ask Marie", Some("BE")), None);
        assert_eq!(normalise("0470 00 00 01", None), None);
    }

    #[test]
    fn reads_what_networks_say() {
        for same in ["+32470000001", "32470000001", "0032470000001", "0470000001", " 32470000001 "] {
            assert_eq!(from_network(same, Some("BE")).as_deref(), Some("+32470000001"), "{same}");
        }
        for none in ["", "Canal", "8888", "00", "+", "0470000001é"] {
            assert_eq!(from_network(none, None), None, "{none}");
        }
    }
}
