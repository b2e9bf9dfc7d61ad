//! Whether a request is the gateway's own, as each of them shows it. All comparisons take the same time whatever they find.
//! What is verified is what is read: every field that a reader looks at is below the signature.

use super::request::{Fields, Request};
use crate::channel::token::same;
use crate::config::hook::Verify;
use crate::config::listen::Signature;
use crate::config::secret::Secret;
use crate::domain::base64::unbase64;
use crate::domain::hex::{hex, unhex};
use jiff::Timestamp;
use md5::Md5;
use ring::hmac;
use sha2::{Digest as _, Sha256};

/// How far in the past a signed timestamp may lie, in seconds: a day, because what nobody took is sent again for that long.
/// What comes twice changes nothing anyway, so this only bounds for how long a copy is worth anything.
const OLDEST: i64 = 86_400;

/// How far in the future it may lie: clocks differ.
const FUTURE: i64 = 300;

/// How much clocks may differ where a token says from when to when it holds.
const LEEWAY: i64 = 60;

/// Why a request is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// The URL is not the one that was given out.
    Url,
    /// There is no signature, or no login.
    Unsigned,
    /// There is one, and it is not the gateway's.
    Forged,
    /// It was signed too long ago, or for later.
    Stale,
    /// It is not what this gateway sends.
    Malformed,
    /// It comes by another method.
    Method,
    /// It is too large.
    Large,
    /// Too many came at once.
    Many,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Refusal; 8] = [
        Refusal::Url,
        Refusal::Unsigned,
        Refusal::Forged,
        Refusal::Stale,
        Refusal::Malformed,
        Refusal::Method,
        Refusal::Large,
        Refusal::Many,
    ];

    /// The word in metrics and in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::Url => "url",
            Refusal::Unsigned => "unsigned",
            Refusal::Forged => "forged",
            Refusal::Stale => "stale",
            Refusal::Malformed => "malformed",
            Refusal::Method => "method",
            Refusal::Large => "large",
            Refusal::Many => "many",
        }
    }
}

/// What a gateway signs with.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The secret; none where the URL is all.
    pub secret: Option<Secret>,
    /// The digest that Vonage's account is set to.
    pub signature: Signature,
}

/// Whether a request is the gateway's.
pub fn verify(by: Verify, signer: &Signer, request: &Request, fields: &Fields, now: Timestamp) -> Result<(), Refusal> {
    let secret = signer.secret.as_ref().map(|s| s.reveal().as_bytes());
    match (by, secret) {
        (Verify::Url, _) | (Verify::Login, None) => Ok(()),
        (Verify::Login, Some(secret)) => login(request, secret),
        // The configuration is refused without one; so nothing is ever taken for signed that is not.
        (_, None) => Err(Refusal::Unsigned),
        (Verify::Twilio, Some(secret)) => twilio(request, fields, secret),
        (Verify::Vonage, Some(secret)) => vonage(fields, secret, signer.signature, now),
        (Verify::MessageBird, Some(secret)) => messagebird(request, secret, now),
    }
}

fn login(request: &Request, secret: &[u8]) -> Result<(), Refusal> {
    let said = request.header("authorization").ok_or(Refusal::Unsigned)?;
    let (scheme, value) = said.split_once(' ').ok_or(Refusal::Unsigned)?;
    let good = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => same(value.trim().as_bytes(), secret),
        "basic" => {
            let login = unbase64(value.trim()).ok_or(Refusal::Forged)?;
            let at = login.iter().position(|b| *b == b':').ok_or(Refusal::Forged)?;
            same(&login[at + 1..], secret)
        }
        _ => return Err(Refusal::Unsigned),
    };
    if good { Ok(()) } else { Err(Refusal::Forged) }
}

/// base64(HMAC-SHA-1(token, URL and every field of the form with its value, sorted)). A body that is no form has its SHA-256
/// in the query, which is signed.
fn twilio(request: &Request, fields: &Fields, secret: &[u8]) -> Result<(), Refusal> {
    let said = request.header("x-twilio-signature").ok_or(Refusal::Unsigned)?;
    let mut form = fields.form.clone();
    form.sort();
    form.dedup();
    let mut signed = request.url.to_owned();
    form.iter().for_each(|(name, value)| signed.extend([name.as_str(), value.as_str()]));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = unbase64(said).ok_or(Refusal::Forged)?;
    hmac::verify(&key, signed.as_bytes(), &tag).map_err(|_| Refusal::Forged)?;
    if fields.form.is_empty() && !request.body.is_empty() {
        let digest = fields.query.iter().find(|(name, _)| name == "bodySHA256").map(|(_, value)| value);
        let digest = digest.and_then(|d| unhex(d)).ok_or(Refusal::Unsigned)?;
        if !same(&digest, &Sha256::digest(request.body)) {
            return Err(Refusal::Forged);
        }
    }
    Ok(())
}

/// A digest over `&name=value` of every field but the signature, sorted by name, `&` and `=` in values made `_`.
fn vonage(fields: &Fields, secret: &[u8], signature: Signature, now: Timestamp) -> Result<(), Refusal> {
    let mut all = fields.all();
    let at = all.iter().position(|(name, _)| name == "sig").ok_or(Refusal::Unsigned)?;
    let (_, said) = all.swap_remove(at);
    all.sort();
    // Of two fields with one name a reader would see the first, and a signature says nothing of which that is.
    if all.windows(2).any(|two| matches!(two, [a, b] if a.0 == b.0)) {
        return Err(Refusal::Malformed);
    }
    let mut text = String::new();
    all.iter().for_each(|(name, value)| text.extend(["&", name, "=", &value.replace(['&', '='], "_")]));
    let said = unhex(said.trim()).ok_or(Refusal::Forged)?;
    let keyed = |algorithm| hmac::verify(&hmac::Key::new(algorithm, secret), text.as_bytes(), &said).is_ok();
    let good = match signature {
        Signature::Md5Hash => same(&Md5::new().chain_update(text.as_bytes()).chain_update(secret).finalize(), &said),
        Signature::Sha1 => keyed(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        Signature::Sha256 => keyed(hmac::HMAC_SHA256),
        Signature::Sha512 => keyed(hmac::HMAC_SHA512),
    };
    if !good {
        return Err(Refusal::Forged);
    }
    let at = all.iter().find(|(name, _)| name == "timestamp").and_then(|(_, value)| value.trim().parse::<i64>().ok());
    let age = now.as_second().saturating_sub(at.ok_or(Refusal::Stale)?);
    if (-FUTURE..=OLDEST).contains(&age) { Ok(()) } else { Err(Refusal::Stale) }
}

/// A JSON Web Token with an HMAC: who made it, from when to when it holds, and the digests of URL and body.
fn messagebird(request: &Request, secret: &[u8], now: Timestamp) -> Result<(), Refusal> {
    let token = request.header("messagebird-signature-jwt").ok_or(Refusal::Unsigned)?;
    let (signed, tag) = token.rsplit_once('.').ok_or(Refusal::Forged)?;
    let (head, claims) = signed.split_once('.').ok_or(Refusal::Forged)?;
    let json = |part: &str| {
        let bytes = unbase64(part).ok_or(Refusal::Forged)?;
        serde_json::from_slice::<serde_json::Value>(&bytes).map_err(|_| Refusal::Forged)
    };
    // Only what needs the key counts, whatever the token says of itself.
    let algorithm = match json(head)?.get("alg").and_then(|a| a.as_str()) {
        Some("HS256") => hmac::HMAC_SHA256,
        Some("HS384") => hmac::HMAC_SHA384,
        Some("HS512") => hmac::HMAC_SHA512,
        _ => return Err(Refusal::Forged),
    };
    let tag = unbase64(tag).ok_or(Refusal::Forged)?;
    hmac::verify(&hmac::Key::new(algorithm, secret), signed.as_bytes(), &tag).map_err(|_| Refusal::Forged)?;
    let claims = json(claims)?;
    let text = |name: &str| claims.get(name).and_then(|v| v.as_str()).unwrap_or_default();
    let digest = |bytes: &[u8]| hex(&Sha256::digest(bytes));
    let is = |name: &str, bytes: &[u8]| same(text(name).to_ascii_lowercase().as_bytes(), digest(bytes).as_bytes());
    let payload = if request.body.is_empty() { text("payload_hash").is_empty() } else { is("payload_hash", request.body) };
    if text("iss") != "MessageBird" || !is("url_hash", request.url.as_bytes()) || !payload {
        return Err(Refusal::Forged);
    }
    let second = |name: &str| claims.get(name).and_then(|v| v.as_i64());
    let now = now.as_second();
    let begun = second("nbf").is_none_or(|from| from <= now.saturating_add(LEEWAY));
    let over = second("exp").is_none_or(|until| until.saturating_add(LEEWAY) < now);
    if begun && !over { Ok(()) } else { Err(Refusal::Stale) }
}
