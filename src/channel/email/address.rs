//! Addresses on the wire: which ones a mail can carry, and a domain in ASCII for servers that know no other.

use lettre::Address;
use lettre::message::Mailbox;
use std::str::FromStr as _;

/// The address, if it is one that mail can be sent to. Quoted names before the @ and numbers behind it are
/// addresses to the letter of the standard, and in a ledger they are mistakes.
pub fn parse(text: &str) -> Option<Address> {
    let address = Address::from_str(text).ok()?;
    let named = address.domain().contains('.') && !address.domain().starts_with('[');
    let number = address.domain().parse::<std::net::IpAddr>().is_ok();
    let plain = !address.user().contains(['"', '\\', '(', ')', ',', ':', ';', '<', '>', '[', ']', ' ']);
    // What cannot be read back from a header has no place in one.
    let kept = Mailbox::new(None, address.clone()).to_string().parse::<Mailbox>().is_ok_and(|m| m.email == address);
    (named && !number && plain && kept && in_ascii_domain(&address).is_some()).then_some(address)
}

/// The address with its domain in ASCII (RFC 5890): the same address, readable for every server.
pub(super) fn in_ascii_domain(address: &Address) -> Option<Address> {
    if address.domain().is_ascii() {
        return Some(address.clone());
    }
    Address::new(address.user(), idna::domain_to_ascii(address.domain()).ok()?).ok()
}

/// The address in ASCII altogether; `None` where that cannot be.
pub(super) fn in_ascii(address: &Address) -> Option<Address> {
    in_ascii_domain(address).filter(|a| a.user().is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_a_mail_can_carry_are_addresses() {
        for good in ["a@b.example", "o'hara+acc=1@b.example", "j\u{f6}rg@b.example", "info@m\u{fc}ller.example"] {
            assert!(parse(good).is_some(), "{good}");
        }
        let bad =
            ["a", "a@b", "\"a b\"@c.example", "a b@c.example", "a@[127.0.0.1]", "a@127.0.0.1", "a@b.example, c@b.example", ""];
        for bad in bad {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_domain_has_a_form_in_ascii() {
        let ascii = |text: &str| in_ascii(&parse(text).unwrap()).map(|a| a.to_string());
        assert_eq!(ascii("info@m\u{fc}ller.example").as_deref(), Some("info@xn--mller-kva.example"));
        assert_eq!(ascii("a@b.example").as_deref(), Some("a@b.example"));
        assert_eq!(ascii("j\u{f6}rg@b.example"), None);
    }
}
