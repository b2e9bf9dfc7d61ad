//! SMS: through a gateway that a data file describes, or into a file.

mod file;
mod gateway;
pub mod heard;
pub mod request;
pub mod verify;

pub use file::Lines;
pub use gateway::{Client as GatewayClient, HookUrl, Text, read as read_answer};

use super::outlet::Outlet;
use super::{Fault, Sent};
use crate::config::secret::Secret;
use crate::config::settings::{SmsSettings, SmsTransport};
use crate::domain::step::Channel;

/// A way for SMS to leave.
#[derive(Debug)]
pub enum Texter {
    /// A gateway.
    Gateway(Box<GatewayClient>),
    /// A file, one JSON object a line.
    File(Lines),
    /// Nowhere: a test.
    Nowhere(Outlet),
}

impl Texter {
    /// Prepares a texter; nothing is connected yet. `hook`: where receipts are to go, if they can be heard.
    pub fn new(settings: &SmsSettings, password: Option<Secret>, hook: Option<HookUrl>) -> Result<Texter, Fault> {
        match &settings.transport {
            SmsTransport::File(path) => Ok(Texter::File(Lines::new(path))),
            SmsTransport::Gateway { gateway, url } => {
                Ok(Texter::Gateway(Box::new(GatewayClient::new(gateway.clone(), url, settings, password, hook)?)))
            }
        }
    }

    /// Sends one text.
    pub async fn send(&self, reference: &str, of: Text<'_>) -> Sent {
        match self {
            Texter::Gateway(client) => client.send(of).await,
            Texter::File(file) => file.send(reference, of.to, of.text).await,
            Texter::Nowhere(outlet) => outlet.take(reference, Channel::Sms, of.to, of.text.as_bytes()),
        }
    }

    /// Reaches the gateway and sends nothing.
    pub async fn probe(&self) -> Result<String, Fault> {
        match self {
            Texter::Gateway(client) => client.probe().await,
            Texter::File(file) => Ok(file.probe()),
            Texter::Nowhere(_) => Ok("texts go nowhere".to_owned()),
        }
    }
}
