//! Customers who choose their own names: what a ledger may hold of HTML, Markdown, templates, headers, control and direction
//! marks, and a megabyte in a field, sent from the first poll to the last alert. Nothing of it does anything: not in a mail,
//! not on a terminal, not in a program that reads JSON.

use crate::program::{Firm, into_folder, late};
use crate::support::mail::Parsed;
use crate::support::{Config, Row, Smtp, World};
use std::collections::BTreeSet;

/// What somebody may call himself.
const NAMES: [&str; 12] = [
    "<script>alert(1)</script><img src=x onerror=alert(1)><a href=https://evil.example>x</a>",
    "**bold** [click](https://evil.example) ![i](https://evil.example/x.png) `code` # h",
    "{{ 7 * 7 }}{% for i in range(9999) %}x{% endfor %}{{ creditor.iban }}",
    "A\r\nBcc: victim@evil.example\r\nX-Evil: 1\r\n\r\nbody",
    "B\0C\u{b}\u{c}\u{85}D",
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{1b}P+q\u{1b}\\E",
    "\u{202e}gnp.exe\u{2066}\u{200b}\u{200f}\u{feff}\u{61c}\u{e0041}F",
    "\u{e000}items\u{e000} \u{e000}payment\u{e000} G",
    "=?utf-8?q?=0d=0aBcc:_x=40evil.example?= H",
    "line\u{2028}line\u{2029}I",
    "\"J\" <victim@evil.example>, (K); L:",
    "../../etc/passwd\\..\\NUL.exe",
];

/// A row that says it in every column that takes words.
fn hostile(row: Row, n: usize, name: &str) -> Row {
    let people =
        serde_json::json!([{ "role": "manager", "name": format!("P{name}").replace(char::is_control, " ") }]).to_string();
    // As JSON writes what the cell itself would not be let through with.
    let people = people.replace('\u{202e}', "\\u202e").replace('\u{e000}', "\\ue000").replace('\u{200b}', "\\u200b");
    ["customer_name", "reference", "owner", "tags", "enterprise_no"]
        .into_iter()
        .fold(row, |row, column| row.with(column, name))
        .with("number", &format!("N{n} {name}"))
        .with("contacts", &people)
        .with("document", "copy.pdf")
        .with("pay_url", "https://pay.example/?a=\"><script>x</script>")
        .with("language", if n.is_multiple_of(2) { "en" } else { "fr" })
}

/// One customer for each name, and rows that cannot be read.
fn rows(base: impl Fn(&str, &str) -> Row) -> Vec<Row> {
    let named = NAMES.iter().enumerate().map(|(n, name)| hostile(base(&format!("F-{n}"), &format!("C{n}")), n, name));
    let mut rows: Vec<Row> = named.collect();
    let long = "é".repeat(1990);
    rows.push(base("F-long", "Clong").with("customer_name", &long).with("reference", &long).with("owner", &long));
    rows.push(base("F-plain", "Cplain"));
    let mega = "M".repeat(1 << 20);
    for column in ["customer_name", "number", "reference", "contacts", "pay_url", "tags", "email", "due_on", "balance"] {
        rows.push(base(&format!("U-{column}"), &format!("U{column}")).with(column, &mega));
    }
    for (n, link) in ["javascript:alert(1)", "data:text/html,x", "http://pay.example/1"].iter().enumerate() {
        rows.push(base(&format!("U-link{n}"), &format!("Ulink{n}")).with("pay_url", link));
    }
    let key = r#"[{"role":"manager","na\u001b[2J\u202eme":1}]"#;
    rows.push(base("U-key", "Ukey").with("contacts", key));
    rows
}

/// Rows of [`rows`] that cannot be read.
const UNREADABLE: usize = 13;

/// No sign that does something.
fn is_harmless(what: &str, text: &str) {
    let wild = |c: &char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    if let Some(found) = text.chars().find(wild) {
        let at = text.find(found).unwrap();
        let start = text[..at].char_indices().rev().nth(80).map_or(0, |(i, _)| i);
        panic!("{what}: {found:?} in …{:?}", text[start..].chars().take(160).collect::<String>());
    }
}

/// Headers that our mails have.
const HEADERS: [&str; 15] = [
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "Content-Language",
    "Date",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "User-Agent",
];

/// The tags of a page, attributes and all.
fn tags(html: &str) -> BTreeSet<String> {
    html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap().to_owned()).collect()
}

/// Looks at a mail as its recipient's program would.
fn look(what: &str, bytes: &[u8]) -> Parsed {
    assert!(bytes.len() < 150_000, "{what}: {} bytes", bytes.len());
    let mail = Parsed::new(bytes);
    for name in mail.names() {
        assert!(HEADERS.iter().any(|h| h.eq_ignore_ascii_case(name)), "{what}: a header {name}");
    }
    mail.values().iter().for_each(|value| is_harmless(what, value));
    mail.parts.iter().for_each(|(_, text)| is_harmless(what, text));
    for file in &mail.files {
        let tame = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        assert!(file.ascii.chars().all(tame) && file.ascii.ends_with(".pdf") && !file.ascii.starts_with('.'), "{}", file.ascii);
        assert!(!file.name.contains(['/', '\\']) && file.name.len() < 300, "{}", file.name);
    }
    mail
}

#[tokio::test]
async fn a_hostile_ledger_makes_mails_in_which_nothing_is_alive() {
    let server = Smtp::start().await;
    let world = World::new(Config::mail(server.port).with_documents("1 MB").guard_line("max_messages_per_cycle = 1000")).await;
    std::fs::create_dir_all(world.path("pdf")).unwrap();
    std::fs::write(world.path("pdf/copy.pdf"), b"%PDF-1.7 copy\n").unwrap();
    world.insert(&rows(Row::new)).await;
    world.poll().await;
    for _ in 0..4 {
        world.round().await;
    }
    let mails = server.accepted();
    let to: BTreeSet<&str> = mails.iter().map(|m| m.to.as_str()).filter(|to| *to != "compta@canal.example").collect();
    assert_eq!(to.len(), NAMES.len() + 2, "{to:?}");
    assert!(to.iter().all(|to| to.ends_with("@client.example")), "{to:?}");
    let plain = tags(look("plain", &server.to("cplain@client.example")[0].bytes).part("text/html"));
    for mail in &mails {
        let seen = look(&mail.to, &mail.bytes);
        if mail.to == "compta@canal.example" {
            continue;
        }
        let html = seen.part("text/html");
        // One's own link is the only one, and quoted as it must be.
        let link = "a href=\"https://pay.example/?a=&#34;&#62;&#60;script&#62;x&#60;/script&#62;\"";
        let foreign: Vec<String> = tags(html).difference(&plain).filter(|tag| !tag.starts_with(link)).cloned().collect();
        let own = |tag: &String| {
            ["table", "td", "tr", "/a", "html lang", "div", "/div", "span", "b"].iter().any(|t| tag.starts_with(t))
        };
        assert!(foreign.iter().all(own), "{}: {foreign:?}", mail.to);
        assert!(!foreign.iter().any(|tag| tag.contains("evil") || tag.contains("onerror")), "{}: {foreign:?}", mail.to);
        assert!(!seen.text().contains("xxxxxxxxxx"), "a template was run");
    }
    let third = server.to("c2@client.example")[0].parsed();
    assert!(third.text().contains("{{ 7 * 7 }}{% for i in range(9999) %}x{% endfor %}{{ creditor.iban }}"), "{}", third.text());
    let fourth = server.to("c3@client.example")[0].parsed();
    assert!(fourth.header("Subject").contains("Bcc: victim@evil.example X-Evil: 1"), "{}", fourth.header("Subject"));
    assert_eq!(world.whose("accepted").await.len(), to.len());
    world.finish().await;
}

#[tokio::test]
async fn a_hostile_ledger_moves_no_terminal_and_no_reader_of_json() {
    let config = into_folder().with_documents("1 MB").guard_line("max_messages_per_cycle = 1000");
    let firm = Firm::new(&config, &rows(late)).await;
    std::fs::create_dir_all(firm.path("pdf")).unwrap();
    std::fs::write(firm.path("pdf/copy.pdf"), b"%PDF-1.7 copy\n").unwrap();
    let ran = firm.run(&["run", "--once"]);
    is_harmless("the journal", &ran.err);
    assert!(ran.err.len() < 200_000 && firm.mails().len() == NAMES.len() + 2, "{} mails\n{}", firm.mails().len(), ran.err);
    firm.run(&["hold", "C1", "--reason", "asked", "--until", &crate::program::day(30).to_string()]);
    let verbs: [&[&str]; 14] = [
        &["status"],
        &["log"],
        &["explain", "C3"],
        &["explain", "F-5"],
        &["report"],
        &["calls"],
        &["tasks"],
        &["holds"],
        &["preview"],
        &["debtor", "C6"],
        &["person", "export", "C5"],
        &["uncertain"],
        &["check", "--connect"],
        &["approve"],
    ];
    for verb in verbs {
        for json in [false, true] {
            let whole = if json { [verb, &["--json"]].concat() } else { verb.to_vec() };
            let ran = firm.run(&whole);
            if json && ran.err.contains("unexpected argument") {
                continue;
            }
            let what = whole.join(" ");
            assert!(ran.out.len() < 400_000, "{what}: {} bytes", ran.out.len());
            is_harmless(&what, &ran.out);
            is_harmless(&what, &ran.err);
            for line in ran.out.lines().filter(|_| json) {
                serde_json::from_str::<serde_json::Value>(line).unwrap();
            }
        }
    }
    assert_eq!(firm.object(&["status"])["never_read"], UNREADABLE);
    for path in firm.alerts().into_iter().chain(firm.mails()) {
        look(&path.display().to_string(), &std::fs::read(&path).unwrap());
    }
}

/// A file that is no database any more, or half of one: nothing is taken from it, and nothing leaves.
#[tokio::test]
async fn a_ledger_that_is_no_database_any_more_stops_sending() {
    let whole = {
        let firm = Firm::new(&into_folder(), &[late("F-1", "C1"), late("F-2", "C2")]).await;
        std::fs::read(firm.path("ledger.db")).unwrap()
    };
    for bytes in [b"no database, \x1b[2J at all".repeat(200), whole[..whole.len() / 2].to_vec(), Vec::new()] {
        let firm = Firm::new(&into_folder(), &[]).await;
        firm.ledger.close().await;
        std::fs::write(firm.path("ledger.db"), &bytes).unwrap();
        let ran = firm.run(&["run", "--once"]).ends(1);
        is_harmless("the journal", &ran.err);
        assert_eq!(firm.mails().len(), 0, "{}", ran.err);
        assert!(ran.err.contains("ledger"), "{}", ran.err);
    }
}
