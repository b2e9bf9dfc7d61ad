//! E-mail: building the message, and the wire.

pub mod address;
pub mod build;
pub mod classify;
mod folder;
pub mod read;
mod smtp;
pub mod wire;

pub use build::{Built, Copy, Envelope, MailParts, build};

use super::outlet::Outlet;
use super::{Fault, Sent};
use crate::config::secret::Secret;
use crate::config::settings::{EmailSettings, MailTransport};
use crate::domain::step::Channel;

/// A way for mail to leave; one for each worker.
#[derive(Debug)]
pub enum Mailer {
    /// A connection to a server, made when needed and given up when in doubt.
    Smtp(Box<smtp::Client>),
    /// A folder of .eml files.
    Folder(folder::Folder),
    /// Nowhere: a test.
    Nowhere(Outlet),
}

impl Mailer {
    /// Prepares a mailer; nothing is connected yet.
    pub fn new(settings: &EmailSettings, password: Option<Secret>) -> Mailer {
        match &settings.transport {
            MailTransport::Smtp { host, port, tls } => {
                Mailer::Smtp(Box::new(smtp::Client::new(host, *port, *tls, settings, password)))
            }
            MailTransport::Folder(path) => Mailer::Folder(folder::Folder::new(path)),
        }
    }

    /// Sends one message. One with copies of invoices, which can be made without them, is not offered to a server that
    /// takes none of its size.
    pub async fn send(&mut self, envelope: &Envelope, message: Vec<u8>, copies: bool) -> Sent {
        match self {
            Mailer::Smtp(client) => client.send(envelope, message, copies).await,
            Mailer::Folder(folder) => folder.send(envelope, &message).await,
            Mailer::Nowhere(outlet) => outlet.take(&envelope.envid, Channel::Email, envelope.to.as_ref(), &message),
        }
    }

    /// Connects, encrypts and logs in, and sends nothing.
    pub async fn probe(&mut self) -> Result<String, Fault> {
        match self {
            Mailer::Smtp(client) => client.probe().await,
            Mailer::Folder(folder) => folder.probe(),
            Mailer::Nowhere(_) => Ok("mail goes nowhere".to_owned()),
        }
    }

    /// Takes leave of the server.
    pub async fn close(&mut self) {
        if let Mailer::Smtp(client) = self {
            client.close().await;
        }
    }
}
