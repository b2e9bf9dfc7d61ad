//! `[listen]`: where what gateways send back is heard. Off unless it is configured, and behind the firm's own proxy, which has
//! the certificate.

use super::hook::Verify;
use super::read::is_loopback;
use super::secret::SecretSource;
use super::section::Section;
use super::settings::{SmsSettings, SmsTransport};
use std::net::SocketAddr;
use std::path::Path;

/// Where what comes back over HTTP is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenSettings {
    /// The address to listen on.
    pub address: SocketAddr,
    /// What the world calls it, without a `/` at the end: the proxy hands on what comes there.
    pub public: String,
    /// What the gateway signs with, or logs in with.
    pub secret: Option<SecretSource>,
    /// The digest that Vonage's account is set to.
    pub signature: Signature,
}

/// The digests that Vonage signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// MD5 over fields and secret.
    Md5Hash,
    /// HMAC-SHA-1.
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

const SIGNATURES: [(&str, Signature); 4] =
    [("md5hash", Signature::Md5Hash), ("sha1", Signature::Sha1), ("sha256", Signature::Sha256), ("sha512", Signature::Sha512)];

/// Reads the section.
pub(super) fn read(s: Section, base: &Path) -> Option<ListenSettings> {
    let wanted = "an address and port such as \"127.0.0.1:8480\"";
    if !s.has("address") {
        s.missing("address", wanted);
    }
    let address = s.parse("address", wanted, |t| t.parse().ok());
    if !s.has("public") {
        s.missing("public", PUBLIC);
    }
    let public = s.parse("public", PUBLIC, public);
    let secret = SecretSource::read(&s, "secret", base);
    let wrong = s.has("secret") && secret.is_none();
    let signature = s.parse("signature", "\"md5hash\", \"sha1\", \"sha256\" or \"sha512\"", |t| {
        SIGNATURES.iter().find(|(word, _)| *word == t).map(|(_, s)| *s)
    });
    s.finish();
    let signature = signature.unwrap_or(Signature::Sha256);
    (!wrong).then_some(ListenSettings { address: address?, public: public?, secret, signature })
}

const PUBLIC: &str = "what gateways call it, such as \"https://hooks.example.org\": https, no login, no query";

/// https, or this machine; a host, perhaps a port and a path, and nothing else.
pub(super) fn public(text: &str) -> Option<String> {
    let text = text.trim_end_matches('/');
    let (secure, rest) = match text.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix("http://")?),
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/[]%".contains(&b);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let good = !host.is_empty() && rest.bytes().all(plain) && (secure || is_loopback(host));
    good.then(|| text.to_owned())
}

impl ListenSettings {
    /// Why these settings cannot hear the gateway that is configured.
    pub(super) fn unfit(&self, sms: &SmsSettings) -> Option<String> {
        let SmsTransport::Gateway { gateway, .. } = &sms.transport else { return None };
        let lacks = match gateway.hook.as_ref()?.verify {
            Verify::Vonage | Verify::MessageBird => self.secret.is_none(),
            Verify::Twilio => self.secret.is_none() && sms.password.is_none(),
            Verify::Url | Verify::Login => false,
        };
        lacks.then(|| {
            format!(
                "\"secret\" is missing: {} signs what it sends back; wanted secret = {{ credential = \"hooks\" }} or {{ file = \"/path\" }} with the key that it signs with",
                gateway.name
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::public;

    #[test]
    fn a_public_url_is_encrypted_and_nothing_but_a_place() {
        for good in
            ["https://hooks.canal.example", "https://x.example:8443/relance", "http://127.0.0.1:8480", "http://[::1]:8480"]
        {
            assert_eq!(public(good).as_deref(), Some(good));
        }
        assert_eq!(public("https://x.example/").as_deref(), Some("https://x.example"));
        for bad in [
            "",
            "x.example",
            "http://x.example",
            "https://",
            "https://a:b@x.example",
            "https://x.example?a",
            "https://x.example/#a",
            "ftp://x.example",
        ] {
            assert_eq!(public(bad), None, "{bad}");
        }
    }
}
