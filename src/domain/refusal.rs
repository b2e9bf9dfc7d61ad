//! What a server's words of refusal are about, where they are certain: heard on the wire, and read in mail that comes back.

/// Words by which servers refuse us rather than the recipient or the message; 5.7.1 alone says neither.
const ABOUT_US: [&str; 13] = [
    "relay access denied",
    "relaying denied",
    "relay denied",
    "relaying not allowed",
    "relaying not permitted",
    "relay not permitted",
    "not permitted to relay",
    "not allowed to relay",
    "unable to relay",
    "cannot relay",
    "sender address rejected",
    "client host",
    "helo command rejected",
];

/// Whether a refusal is about our sender, host or relaying, by words that say nothing else.
pub fn is_about_us(text: &str) -> bool {
    // What stands in brackets is an address: anybody's, and of any name.
    let mut plain = String::with_capacity(text.len());
    let mut depth = 0u32;
    for c in text.chars() {
        match c {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            c if depth == 0 => plain.push(c.to_ascii_lowercase()),
            _ => {}
        }
    }
    ABOUT_US.iter().any(|words| plain.contains(words))
}

#[cfg(test)]
mod tests {
    use super::is_about_us;

    #[test]
    fn an_address_may_be_called_anything() {
        assert!(is_about_us("554 5.7.1 <x@y.example>: Relay access denied"));
        assert!(!is_about_us("550 5.1.1 <relay access denied@y.example>: User unknown"));
    }
}
