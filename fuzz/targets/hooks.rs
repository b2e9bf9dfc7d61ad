//! What comes to the listener for SMS gateways: each request is read by each of the shipped files, and tried as signed by each way.

use super::{halves, text};
use jiff::Timestamp;
use relance::channel::sms::heard::Reader;
use relance::channel::sms::request::{Fields, Request};
use relance::channel::sms::verify::{Signer, verify};
use relance::config::bundled::GATEWAYS;
use relance::config::gateway::{Gateway, Method, gateway};
use relance::config::hook::Verify;
use relance::config::listen::Signature;
use relance::config::node::Node;
use relance::config::problem::Problems;
use relance::config::secret::Secret;
use relance::domain::inbound::{MOST_LINE, MOST_TEXT, Via};
use relance::domain::tame::is_tame;
use std::sync::OnceLock;

fn shipped() -> &'static [Gateway] {
    static SHIPPED: OnceLock<Vec<Gateway>> = OnceLock::new();
    SHIPPED.get_or_init(|| {
        let none = Problems::default();
        GATEWAYS.iter().filter_map(|(name, text)| gateway(name, &Node::parse(name, text, &none), &none)).collect()
    })
}

/// The first line is the query, the second the kind of the body and a header that signs, the rest the body.
pub fn receipt(data: &[u8]) {
    let all = text(data);
    let (query, rest) = halves(&all);
    let (head, body) = halves(rest);
    let (kind, signature) = head.split_once(' ').unwrap_or((head, ""));
    let url = format!("https://hooks.example/hook/x/y?{query}");
    let names = ["authorization", "x-twilio-signature", "messagebird-signature-jwt"];
    let headers: Vec<(&str, &str)> = names.iter().map(|name| (*name, signature)).chain([("content-type", kind)]).collect();
    let stop = &super::settings::setup().stop;
    for method in [Method::Get, Method::Post] {
        let request = Request { url: &url, method: Some(method), headers: headers.clone(), body: body.as_bytes() };
        let Some(fields) = Fields::of(&request) else { continue };
        for gateway in shipped() {
            let Some(hook) = &gateway.hook else { continue };
            let reader = Reader { gateway: &gateway.name, hook, stop, country: "BE" };
            let Ok(Some(incoming)) = reader.read(&request, &fields, Timestamp::UNIX_EPOCH) else { continue };
            assert!(incoming.via == Via::Sms && incoming.key.len() <= 1500 && is_tame(&incoming.key), "{:?}", incoming.key);
            assert!(is_tame(&incoming.subject) && incoming.subject.chars().count() <= MOST_LINE);
            assert!(incoming.text.lines().all(is_tame) && incoming.text.chars().count() <= MOST_TEXT);
            let clues = &incoming.clues;
            let short = [&clues.gateway_id, &clues.from, &clues.recipient].into_iter().flatten();
            short.chain(clues.tokens.iter().map(|t| &t.token)).for_each(|t| assert!(is_tame(t) && t.len() <= 4000, "{t:?}"));
        }
        for by in [Verify::Twilio, Verify::Vonage, Verify::MessageBird, Verify::Login] {
            let signer = Signer { secret: Some(Secret::new("nobody knows it")), signature: Signature::Sha256 };
            assert!(verify(by, &signer, &request, &fields, Timestamp::UNIX_EPOCH).is_err(), "a signature by nobody");
        }
    }
}
