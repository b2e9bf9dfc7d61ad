//! The answers as a relance.toml with its comments.

use super::answers::{Answers, Key, OF_SYSTEM, is_postgres, secret};

/// The file.
pub(super) fn toml(answers: &Answers) -> String {
    let sections = [creditor, source, store, email, sms, guard].map(|section| section(answers));
    let parts = [vec![super::words::head()], sections.to_vec(), vec![super::words::TAIL.to_owned()]].concat();
    parts.join("\n")
}

fn creditor(answers: &Answers) -> String {
    let mut lines = Lines::new("[creditor]", "your firm");
    lines.text("name", answers.said(Key::Name), "as it stands in letters");
    lines.text("country", answers.said(Key::Country), "ISO 3166; its holidays are no bank working days");
    lines.text("language", answers.said(Key::Language), "for customers whose language has no letters: fr, nl, de, en");
    lines.text("timezone", answers.said(Key::Timezone), "of your dates, of poll, and of customers whose own zone is not known");
    let changed = "printed in letters; changed later: `relance release --iban`";
    lines.text_or("iban", answers.get(Key::Iban), "BE71096123456769", changed);
    let number = "as letters print it; in Belgium a first reminder to a person must name it";
    lines.text_or("enterprise_no", answers.get(Key::EnterpriseNo), "0123.456.749", number);
    lines.text("contact", answers.said(Key::Contact), "replies and alerts go here; must take local+ANYTHING@domain");
    lines.0
}

fn source(answers: &Answers) -> String {
    let mut lines = Lines::new("[source]", "your ledger, opened read-only");
    let kind = answers.kind();
    lines.text("kind", kind, "");
    if kind == "http" {
        lines.text(
            "preset",
            answers.said(Key::Preset),
            "what the system looks like: sources/NAME.toml, or one that comes with relance",
        );
    }
    lines.text(if matches!(kind, "postgres" | "http") { "url" } else { "path" }, answers.said(Key::Ledger), "");
    for (key, name) in OF_SYSTEM {
        match answers.get(key) {
            Some(place) if name.is_secret() => lines.place(name.as_str(), place),
            Some(word) => lines.text(name.as_str(), word, ""),
            None => {}
        }
    }
    if let Some(path) = answers.get(Key::LedgerTokens) {
        lines.text("tokens", path, "relance keeps here what the system gives anew each time");
    }
    if kind == "postgres" || answers.has(Key::LedgerPassword) {
        lines.secret(answers.get(Key::LedgerPassword), "ledger");
    }
    match (answers.get(Key::Query), kind) {
        (Some(query), _) => lines.query(query),
        (None, "http") => {}
        (None, "csv") => lines.0.push_str(super::words::EXPORT),
        (None, _) => lines.note("The view or table relance_invoices is read; query = \"SELECT …\" would read something else."),
    }
    lines.0.push_str(super::words::SOURCE);
    if matches!(kind, "sqlite" | "postgres") {
        lines.0.push_str(super::words::BOOKED);
    }
    lines.0
}

fn store(answers: &Answers) -> String {
    let mut lines = Lines::new("[store]", "relance's own records: marks, outbox, log");
    lines.text("url", answers.said(Key::Store), "");
    if is_postgres(answers.said(Key::Store)) {
        lines.secret(answers.get(Key::StorePassword), "store");
    }
    lines.0
}

fn email(answers: &Answers) -> String {
    let Some(smtp) = answers.get(Key::Smtp) else { return super::words::NO_EMAIL.to_owned() };
    let mut lines = Lines::new("[email]", "");
    lines.text("from", answers.said(Key::From), "");
    lines.text("smtp", smtp, "or smtps://host:465, or file:///folder (one .eml file a message)");
    lines.text_or("tls", answers.get(Key::SmtpTls), "required", "STARTTLS; \"none\" only for a relay on this machine");
    lines.login(answers.get(Key::SmtpUser), answers.get(Key::SmtpPassword), "smtp");
    lines.0.push_str(super::words::EMAIL);
    lines.0
}

fn sms(answers: &Answers) -> String {
    let Some(gateway) = answers.get(Key::SmsGateway) else { return super::words::NO_SMS.to_owned() };
    let mut lines = Lines::new("[sms]", "");
    lines.text("gateway", gateway, "kannel, twilio, a file in gateways/, or \"file\"");
    lines.text("url", answers.get(Key::SmsUrl).unwrap_or("http://127.0.0.1:13013"), "");
    lines.login(answers.get(Key::SmsUser), answers.get(Key::SmsPassword), "sms");
    lines.text_or("from", answers.get(Key::SmsFrom), "Canal", "sender number or name");
    lines.0
}

fn guard(answers: &Answers) -> String {
    let mut lines = Lines::new("[guard]", "what keeps sending safe");
    let start = answers.said(Key::Start);
    lines.line(if start == "dry" { "dry_run = true" } else { "# dry_run = true" }, "polls and plans, sends customers nothing");
    let to = answers.get(Key::RedirectTo).unwrap_or_else(|| answers.said(Key::Contact));
    let redirected = "all messages go here, the real address in the subject";
    lines.text_or("redirect_to", (start == "me").then_some(to), to, redirected);
    let most = answers.said(Key::MaxMessages);
    let note = "more than this in a day wait, all of them, for `relance release`";
    lines.line(&format!("max_messages_per_cycle = {most}"), note);
    let old = "first seen late: enters at the first step after due; or \"hold\"";
    lines.text_or("old_debts", answers.get(Key::OldDebts), "first-step", old);
    lines.0.push_str(super::words::GUARD);
    lines.0
}

/// A section, line by line.
struct Lines(String);

impl Lines {
    fn new(header: &str, note: &str) -> Lines {
        Lines(if note.is_empty() { format!("{header}\n") } else { format!("{header:<45}# {note}\n") })
    }

    /// A key with its value and a comment.
    fn text(&mut self, key: &str, value: &str, note: &str) {
        self.line(&format!("{key} = {}", quoted(value)), note);
    }

    /// The same, commented out with an example where there is no value.
    fn text_or(&mut self, key: &str, value: Option<&str>, example: &str, note: &str) {
        let sign = if value.is_none() { "# " } else { "" };
        self.line(&format!("{sign}{key} = {}", quoted(value.unwrap_or(example))), note);
    }

    fn line(&mut self, line: &str, note: &str) {
        self.0.push_str(&if note.is_empty() { format!("{line}\n") } else { format!("{line:<44} # {note}\n") });
    }

    fn note(&mut self, text: &str) {
        self.0.push_str(&format!("# {text}\n"));
    }

    /// Where something secret is.
    fn place(&mut self, key: &str, said: &str) {
        let (kind, place) = secret(said).unwrap_or(("credential", said));
        self.0.push_str(&format!("{key} = {{ {kind} = {} }}\n", quoted(place)));
    }

    fn secret(&mut self, said: Option<&str>, name: &str) {
        match said.and_then(secret) {
            Some((kind, place)) => self.place("password", &format!("{kind} {place}")),
            None => {
                let note = "or { file = \"/path\" }; left out: none is needed";
                self.line(&format!("# password = {{ credential = \"{name}\" }}"), note);
            }
        }
    }

    fn login(&mut self, user: Option<&str>, password: Option<&str>, name: &str) {
        self.text_or("user", user, "relance", "user and password go together; both left out: no login");
        self.secret(password, name);
    }

    /// SQL over several lines.
    fn query(&mut self, sql: &str) {
        let text = sql.trim().replace('\\', "\\\\").replace("\"\"\"", "\"\"\\\"");
        self.0.push_str(&format!("query = \"\"\"\n{text}\n\"\"\"\n"));
    }
}

/// A text as TOML writes it: JSON's escapes are also TOML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_as_it_was() {
        let mut answers = Answers::default();
        let odd = "a\"b\\c\u{7f}\u{1}'''é";
        answers.set(Key::Name, odd);
        answers.set(Key::Query, "SELECT '\\d' || \"\"\"x\"\"\" || ''''\n -- \"\"\"\"");
        let read: toml::Value = toml::from_str(&toml(&answers)).unwrap();
        assert_eq!(read["creditor"]["name"].as_str(), Some(odd));
        assert_eq!(read["source"]["query"].as_str(), Some("SELECT '\\d' || \"\"\"x\"\"\" || ''''\n -- \"\"\"\"\n"));
    }
}
