//! What comes back by mail.
