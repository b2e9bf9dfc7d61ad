//! Addresses, made unreadable where words of others are passed on to a log. Whoever writes an event leaves addresses out by
//! himself; this is for those that come along in somebody's answer.

use std::borrow::Cow;

/// What stands in place of what is not told.
const HIDDEN: &str = "***";

/// A number with so many digits behind a plus sign is a telephone's.
const DIGITS: usize = 7;

/// The same text with `***@domain` for each mail address, and `+***` for each telephone number that begins with a plus sign.
pub fn masked(text: &str) -> Cow<'_, str> {
    if !text.contains(['@', '+']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['@', '+']) {
        let (before, from) = rest.split_at(at);
        if let Some(behind) = from.strip_prefix('@') {
            // Only what is left of this piece: what was masked before cannot belong to it.
            let kept = &before[..local(before)];
            out.push_str(kept);
            if kept.len() < before.len() {
                out.push_str(HIDDEN);
            }
            out.push('@');
            rest = behind;
        } else if let Some(end) = number(from) {
            out.push_str(before);
            out.push('+');
            out.push_str(HIDDEN);
            rest = &from[end..];
        } else {
            // A plus sign may stand amid a mail address, whose part before it must go too.
            let next = from[1..].find(|c: char| !in_local(c)).map_or(from.len(), |n| n + 1);
            if from[next..].starts_with('@') {
                let kept = &before[..local(before)];
                out.push_str(kept);
                out.push_str(HIDDEN);
                out.push('@');
                rest = &from[next + 1..];
            } else {
                out.push_str(before);
                out.push_str(&from[..next]);
                rest = &from[next..];
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Where the local part of an address begins that ends with this text.
fn local(text: &str) -> usize {
    if let Some(inner) = text.strip_suffix('"') {
        return inner.rfind('"').unwrap_or(0);
    }
    text.char_indices().rev().find(|(_, c)| !in_local(*c)).map_or(0, |(at, c)| at + c.len_utf8())
}

/// What may stand before the @ without quotes; without what stands between a key and its value, or in a URL.
fn in_local(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-?^_|~.".contains(c)
}

/// Where a telephone number ends that begins here with its plus sign.
fn number(text: &str) -> Option<usize> {
    let (mut digits, mut end) = (0, 1);
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '0'..='9' => (digits, end) = (digits + 1, at + 1),
            ' ' | '-' | '.' | '/' | '(' | ')' => {}
            _ => break,
        }
    }
    // What goes on behind with an @ is a mail address, and is looked at as such.
    (digits >= DIGITS && !text[end..].starts_with('@')).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn no_address_is_left_whatever_stands_around_it() {
        for (text, told) in [
            ("550 <Marie.Müller@client.example>: no", "550 <***@client.example>: no"),
            ("to=a@b.example,c@d.example", "to=***@b.example,***@d.example"),
            ("\"john doe\"@b.example is full", "***@b.example is full"),
            ("compta+12ab@canal.example", "***@canal.example"),
            ("+32123456789@sms.example", "***@sms.example"),
            ("o'brien+x@b.example", "***@b.example"),
            ("+32 2 123 45 67 is busy, +3212345678", "+*** is busy, +***"),
            ("postgres://relance@db.example/relance", "postgres://***@db.example/relance"),
            ("1 + 2 = 3, +12 and @ alone", "1 + 2 = 3, +12 and @ alone"),
            ("nothing here", "nothing here"),
            ("a@b@c.example", "***@***@c.example"),
            ("é+@", "***@"),
        ] {
            assert_eq!(masked(text), told, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn it_takes_any_text(text in ".*") {
            masked(&text);
        }
    }
}
