//! SMS: through a gateway that a data file describes, or into a file.

mod gateway;

pub use gateway::Client as GatewayClient;

use super::{Answer, Fault, Sent};
use crate::config::secret::Secret;
use crate::config::settings::{SmsSettings, SmsTransport};
use std::path::PathBuf;

/// A way for SMS to leave.
#[derive(Debug)]
pub enum Texter {
    /// A gateway.
    Gateway(Box<GatewayClient>),
    /// A file, one JSON object a line.
    File(PathBuf),
}

impl Texter {
    /// Prepares a texter; nothing is connected yet.
    pub fn new(settings: &SmsSettings, password: Option<Secret>) -> Result<Texter, Fault> {
        match &settings.transport {
            SmsTransport::File(path) => Ok(Texter::File(path.clone())),
            SmsTransport::Gateway { gateway, url } => {
                Ok(Texter::Gateway(Box::new(GatewayClient::new(gateway.clone(), url, settings, password)?)))
            }
        }
    }

    /// Sends one text.
    pub async fn send(&self, reference: &str, to: &str, text: &str) -> Sent {
        match self {
            Texter::Gateway(client) => client.send(to, text).await,
            Texter::File(path) => append(path, reference, to, text).await,
        }
    }

    /// Reaches the gateway and sends nothing.
    pub async fn probe(&self) -> Result<String, Fault> {
        match self {
            Texter::Gateway(client) => client.probe().await,
            Texter::File(path) => Ok(format!("SMS go to the file {}", path.display())),
        }
    }
}

async fn append(path: &std::path::Path, reference: &str, to: &str, text: &str) -> Sent {
    use tokio::io::AsyncWriteExt as _;
    let line = serde_json::json!({ "reference": reference, "to": to, "text": text }).to_string() + "\n";
    let write = async {
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        let mut file = tokio::fs::File::options().create(true).append(true).open(path).await?;
        file.write_all(line.as_bytes()).await?;
        file.sync_all().await
    };
    match write.await {
        Ok(()) => Sent::Answered(Answer::accepted(format!("written to {}", path.display()))),
        Err(e) => Sent::NotBegun(Fault::network(format!("cannot write to {}: {e}", path.display()))),
    }
}
