//! Why mail could not be read, in words: what, where, and what to do. No password, and nothing of any mail, stands in them.

use crate::domain::tame::tamed;

/// Whose business it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// Our login is refused.
    Login,
    /// There is no connection, or it broke, or nobody answered in time.
    Network,
    /// The connection could not be encrypted, or the certificate is not to be trusted.
    Tls,
    /// The server answered, and said no or something that is no answer.
    Server,
    /// A folder on this machine cannot be read or written.
    Folder,
}

/// Why mail could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct InboxError {
    /// Whose business it is.
    pub trouble: Trouble,
    /// What happened, where, and what to do.
    pub text: String,
}

impl InboxError {
    pub(super) fn new(trouble: Trouble, text: impl Into<String>) -> InboxError {
        InboxError { trouble, text: text.into() }
    }

    /// The password cannot be had.
    pub fn secret(error: impl std::fmt::Display) -> InboxError {
        InboxError::new(Trouble::Login, format!("[inbox] password: {error}"))
    }
}

/// A server's words in one tame line of bounded length.
pub(super) fn words(text: &str) -> String {
    let one = tamed(text).split_whitespace().collect::<Vec<_>>().join(" ");
    one.chars().take(300).collect()
}
