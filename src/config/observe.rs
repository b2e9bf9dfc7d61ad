//! `[observe]`: where metrics and health are read. On this machine only: there is no login, and what is told is nobody else's.

use super::section::Section;
use std::net::SocketAddr;

/// Where whoever watches the daemon may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObserveSettings {
    /// An address of this machine; `None`: nothing listens.
    pub listen: Option<SocketAddr>,
}

/// Reads the section; left out, nothing listens.
pub(super) fn read(s: Section) -> Option<ObserveSettings> {
    let listen = s.parse_with("listen", |text| {
        let address: SocketAddr = text.parse().map_err(|_| WANTED.to_owned())?;
        match address.ip().is_loopback() {
            true => Ok(address),
            false => Err(format!(
                "not an address of this machine alone, and there is no login; {WANTED}, and for others a proxy in front of it that asks who they are"
            )),
        }
    });
    let wrong = s.has("listen") && listen.is_none();
    s.finish();
    (!wrong).then_some(ObserveSettings { listen })
}

/// What is wanted.
const WANTED: &str = "wanted an address and port of this machine, such as \"127.0.0.1:9464\" or \"[::1]:9464\"";
