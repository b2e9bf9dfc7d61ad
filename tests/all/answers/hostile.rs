//! Whatever a visitor or a ledger writes is text, and nothing else: on the page, in the letter to the creditor, on a terminal. And
//! what the page says of itself keeps a browser from everything but showing it.

use super::{Desk, with_page};
use crate::program::{Firm, into_folder, late};
use crate::support::{Config, Row};
use relance::letter::page::policy;

/// Markup, ends of headers, escapes of terminals, overrides of direction, templates.
const NASTY: &str = "</textarea><script>alert(1)</script><img src=x onerror=alert(1)>\r\nBcc: x@evil.example\r\n\r\n\u{1b}[2J\u{202e}{{ 7*7 }}{creditor}\u{0}\u{e000}items\u{e000}";

fn harmless(text: &str) {
    assert!(
        !text.contains('\u{1b}') && !text.contains('\u{202e}') && !text.contains('\u{0}') && !text.contains('\u{e000}'),
        "{text:?}"
    );
}

#[tokio::test]
async fn hostile_words_are_alive_nowhere() {
    let desk =
        Desk::open(&[Row::new("F-1", "C1").with("customer_name", "<b>Evil</b> & {{ 7*7 }} \u{202e}Ltd").with("number", "F<i>1")])
            .await;
    let link = desk.link("C1");
    let shown = desk.get(&link).await.body;
    assert!(shown.contains("&#60;b&#62;Evil") || shown.contains("&lt;b&gt;Evil"), "{shown}");
    assert!(!shown.contains("<b>Evil") && !shown.contains("F<i>1") && !shown.contains("49"), "{shown}");
    // Given back beside what is wrong with it …
    let back = desk.answer(&link, "wrong", &[("words", "")]).await;
    assert_eq!(back.status, 422);
    let back = desk.answer(&link, "paid", &[("on", NASTY), ("amount", NASTY), ("how", NASTY)]).await;
    assert_eq!(back.status, 422);
    assert!(!back.body.contains("<script") && !back.body.contains("<img"), "{}", back.body);
    harmless(&back.body);
    // … and taken.
    let done = desk.answer(&link, "arrangement", &[("words", NASTY)]).await;
    assert_eq!(done.status, 200);
    assert!(!done.body.contains("<script"), "{}", done.body);
    desk.world.review().await;
    let letter = desk.smtp.to("compta@canal.example").pop().unwrap();
    let parsed = letter.parsed();
    assert!(!parsed.has("Bcc"), "{:?}", parsed.names());
    harmless(parsed.text());
    assert!(parsed.text().contains("{{ 7*7 }}{creditor}"), "{}", parsed.text());
    let kept = desk.world.peek("SELECT text FROM proposal UNION ALL SELECT text FROM inbound").await;
    kept.iter().for_each(|text| harmless(text));
    desk.finish().await;
}

#[tokio::test]
async fn the_page_says_what_a_browser_may_do_with_it() {
    let desk = Desk::open(&[Row::new("F-1", "C1")]).await;
    let link = desk.link("C1");
    for reply in
        [desk.get(&link).await, desk.get("/").await, desk.answer(&link, "missing", &[]).await, desk.post(&link, "").await]
    {
        assert_eq!(reply.header("content-security-policy"), Some(policy().as_str()));
        for (name, value) in [
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("content-type", "text/html; charset=utf-8"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{name}");
        }
        assert!(reply.header("set-cookie").is_none() && reply.header("server").is_none());
        // Nothing is fetched from anywhere, nothing runs.
        for never in ["<script", "<img", "<iframe", "<link", "src=", "http:", "https:", "javascript:", " style=", "onclick"] {
            assert!(!reply.body.contains(never), "{never}: {}", reply.body);
        }
    }
    let policy = policy();
    for part in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'", "style-src 'sha256-"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    desk.finish().await;
}

/// The digest in the policy is that of what stands between the tags, as a browser counts it.
#[tokio::test]
async fn the_style_is_the_one_of_the_policy() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let desk = Desk::open(&[Row::new("F-1", "C1")]).await;
    for target in [desk.link("C1"), "/".to_owned()] {
        let body = desk.get(&target).await.body;
        let style = body.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style.as_bytes()));
        assert!(policy().contains(&format!("'sha256-{digest}'")), "{target}");
    }
    desk.finish().await;
}

/// What a customer wrote stands on the operator's terminal as it was tamed, and the verbs do as they say.
#[tokio::test]
async fn the_verbs_show_accept_and_refuse() {
    let config: Config = with_page(into_folder(), "");
    let firm = Firm::new(&config, &[late("F-1", "C1"), late("F-2", "C2")]).await;
    firm.run(&["run", "--once"]).ends(0);
    assert!(firm.run(&["proposals"]).ends(0).out.contains("no proposal waits"));
    let told = firm.run(&["proposals", "accept", "7"]).ends(1).err;
    assert!(told.contains("proposal 7 does not wait"), "{told}");
    assert!(firm.run(&["proposals", "refuse", "7"]).ends(2).err.contains("--reason"));
    assert!(firm.run(&["proposals", "show", "7"]).ends(1).err.contains("relance proposals --all"));
    assert!(firm.run(&["proposals", "C9"]).ends(1).err.contains("C9"));
}
