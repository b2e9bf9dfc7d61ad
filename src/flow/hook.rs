//! Where what a gateway sends back comes to, and by what it is known as the gateway's: the same for whoever asks for receipts,
//! whoever hears them, and whoever is told what to enter at the gateway.

use super::desk::{Desk, DeskError};
use crate::channel::sms::HookUrl;
use crate::channel::sms::verify::Signer;
use crate::config::gateway::Gateway;
use crate::config::hook::{Hook, Verify};
use crate::config::listen::ListenSettings;
use crate::config::settings::SmsTransport;

/// The gateway that can be heard, with how it is.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// Where.
    pub listen: &'a ListenSettings,
    /// The gateway.
    pub gateway: &'a Gateway,
    /// What comes back from it.
    pub hook: &'a Hook,
}

/// The gateway that can be heard: one is configured, its file says how, and there is a listener.
pub fn heard(desk: &Desk) -> Option<Heard<'_>> {
    let settings = &desk.setup.settings;
    let SmsTransport::Gateway { gateway, .. } = &settings.sms.as_ref()?.transport else { return None };
    Some(Heard { listen: settings.listen.as_ref()?, gateway, hook: gateway.hook.as_ref()? })
}

/// The path to which the gateway sends, below the public URL.
pub fn path(desk: &Desk, heard: &Heard) -> String {
    format!("/hook/{}/{}", heard.gateway.name, desk.keys.hook(&heard.gateway.name))
}

/// The whole URL; who knows it can speak as a gateway that signs nothing.
pub fn url(desk: &Desk, heard: &Heard) -> String {
    format!("{}{}", heard.listen.public, path(desk, heard))
}

/// What the gateway signs with.
pub fn signer(desk: &Desk, heard: &Heard) -> Result<Signer, DeskError> {
    let settings = &desk.setup.settings;
    let password = settings.sms.as_ref().and_then(|s| s.password.as_ref()).filter(|_| heard.hook.verify == Verify::Twilio);
    let secret = heard.listen.secret.as_ref().or(password);
    let secret = secret.map(|s| s.load(&desk.setup.environment)).transpose()?;
    Ok(Signer { secret, signature: heard.listen.signature })
}

/// Where receipts of what is sent are to go. A key that cannot be read costs the receipts and no message: who would hear them
/// says so.
pub(super) fn for_receipts(desk: &Desk) -> Option<HookUrl> {
    let heard = heard(desk)?;
    let login = match heard.hook.verify {
        Verify::Login => signer(desk, &heard).ok()?.secret,
        _ => None,
    };
    Some(HookUrl { url: url(desk, &heard), login })
}
