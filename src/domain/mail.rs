//! The words of a mail, before they become a message on the wire.

/// A mail's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Subject, one line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
    /// The language that was used.
    pub language: String,
}

/// Words about no customer in particular, without the address of the one who happened to meet with them: in any case of
/// letters, and a telephone number also without its plus sign.
pub fn without_address(text: &str, address: &str) -> String {
    let wanted = address.strip_prefix('+').unwrap_or(address);
    if wanted.is_empty() {
        return text.to_owned();
    }
    // Lower case in ASCII alone: every byte stays in its place.
    let (low, wanted) = (text.to_ascii_lowercase(), wanted.to_ascii_lowercase());
    let (mut out, mut from) = (String::with_capacity(text.len()), 0);
    while let Some(at) = low[from..].find(&wanted).map(|at| from + at) {
        out.push_str(text[from..at].strip_suffix('+').unwrap_or(&text[from..at]));
        out.push_str("(the recipient)");
        from = at + wanted.len();
    }
    out.push_str(&text[from..]);
    out
}

#[cfg(test)]
mod tests {
    use super::without_address;

    #[test]
    fn a_recipient_is_named_to_nobody_else() {
        let said = "554 5.7.1 <Marie.Müller@Client.example>: relay access denied; see marie.müller@client.example";
        let told = "554 5.7.1 <(the recipient)>: relay access denied; see (the recipient)";
        assert_eq!(without_address(said, "marie.müller@client.example"), told);
        assert_eq!(without_address("+3212345678 and 3212345678: no", "+3212345678"), "(the recipient) and (the recipient): no");
        assert_eq!(without_address("421 try later", "+3212345678"), "421 try later");
        assert_eq!(without_address("421 try later", ""), "421 try later");
    }
}
