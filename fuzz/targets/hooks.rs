//! What comes to the listeners. For SMS gateways: each request is read by each of the shipped files, and tried as signed by each way.
//! For the answer page: forms, as anybody may send them.

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
use relance::domain::answer::form;
use relance::domain::answer::{AnswerKind, FARTHEST_DAY, MOST_WORDS};
use relance::domain::currency::Currency;
use relance::domain::inbound::{MOST_LINE, MOST_TEXT, Via};
use relance::domain::money::LARGEST;
use relance::domain::tame::is_tame;
use relance::domain::time::days_between;
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

/// The first line is a day, the second an amount, the rest what somebody wrote; all of it as a form besides.
pub fn page_form(data: &[u8]) {
    let all = text(data);
    let request =
        Request { url: "?l=fr", method: None, headers: vec![("content-type", "application/x-www-form-urlencoded")], body: data };
    if let Some(fields) = Fields::of(&request) {
        assert!(fields.form.len() <= data.len() + 1);
    }
    let (day, rest) = halves(&all);
    let (amount, said) = halves(rest);
    let today = jiff::civil::date(2026, 11, 2);
    for kind in AnswerKind::ALL {
        if let Ok(day) = form::day(kind, day, today) {
            let ahead = days_between(today, day);
            assert!(ahead.abs() <= FARTHEST_DAY && (kind != AnswerKind::Paid || ahead <= 0), "{day}");
            assert!(kind != AnswerKind::Promise || ahead >= 0, "{day}");
        }
    }
    for code in ["EUR", "JPY", "TND"] {
        let Some(currency) = Currency::parse(code) else { continue };
        assert!(
            form::amount(amount, currency).is_ok_and(|m| m.minor > 0 && m.minor <= LARGEST)
                || form::amount(amount, currency).is_err()
        );
    }
    let words = form::words(said);
    assert!(
        words.chars().count() <= MOST_WORDS && words.lines().all(|line| is_tame(line) && !line.trim().is_empty()),
        "{words:?}"
    );
}
