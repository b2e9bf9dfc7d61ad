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
