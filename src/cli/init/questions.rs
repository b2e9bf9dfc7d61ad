//! The questions, in the order in which somebody who begins has the answers at hand.

use super::CliError;
use super::answers::{Answers, Key, OF_SYSTEM, asked, is_postgres};
use super::ask::{Asker, Default, Question};
use super::is_service;
use crate::config::{Environment, known_systems};
use lettre::message::Mailbox;
use std::path::Path;

/// The language of a country that has one, among those that have letters.
const LANGUAGES: [(&str, &str); 8] =
    [("AT", "de"), ("DE", "de"), ("FR", "fr"), ("GB", "en"), ("IE", "en"), ("LI", "de"), ("MC", "fr"), ("NL", "nl")];

fn needed(key: Key, text: &str) -> Question<'_> {
    Question { key, text, default: Default::Needed }
}

fn optional(key: Key, text: &str) -> Question<'_> {
    Question { key, text, default: Default::Nothing }
}

fn with<'q>(key: Key, text: &'q str, default: Option<&'q str>) -> Question<'q> {
    Question { key, text, default: default.map_or(Default::Needed, Default::Is) }
}

/// Who the firm is.
pub(super) fn firm(asker: &mut Asker, answers: &mut Answers, config: &Path, environment: &Environment) -> Result<(), CliError> {
    asker.ask(answers, needed(Key::Name, "What is your firm called, as letters should print it?"))?;
    asker.ask(answers, needed(Key::Country, "In which country is it? Two letters, such as BE"))?;
    let country = answers.get(Key::Country).map(str::to_owned);
    let language = country.as_deref().and_then(|c| LANGUAGES.iter().find(|l| l.0 == c)).map(|l| l.1);
    let text = "In which language do you write to customers whose own is not known or has no letters: fr, nl, de or en?";
    asker.ask(answers, with(Key::Language, text, language))?;
    let zones = answers.judged(config, environment).map(|setup| setup.zones).unwrap_or_default();
    let zone = country.and_then(|c| zones.get(&c)?.iana_name().map(str::to_owned));
    asker.ask(answers, with(Key::Timezone, "Which time zone do your dates go by?", zone.as_deref()))?;
    asker.ask(answers, needed(Key::Contact, "To which e-mail address may customers reply, and alerts come?"))?;
    asker.ask(answers, optional(Key::Iban, "Which account (IBAN) should letters print?"))?;
    let text = "Your number in the register of enterprises, as letters print it (in Belgium a first reminder to a private person must name it)?";
    asker.ask(answers, optional(Key::EnterpriseNo, text))
}

/// Where the invoices are.
pub(super) fn ledger(asker: &mut Asker, answers: &mut Answers, config: &Path) -> Result<(), CliError> {
    asker.explain(LEDGER);
    asker.ask(answers, needed(Key::Ledger, "Where is it?"))?;
    if answers.kind() == "http" || asker.has_flag(Key::Preset) {
        return system(asker, answers, config);
    }
    if answers.kind() == "postgres" || asker.has_flag(Key::LedgerPassword) {
        asker.explain(PASSWORDS);
        asker.ask(
            answers,
            optional(Key::LedgerPassword, "Where is the password for it? \"credential ledger\" or \"file PATH\""),
        )?;
    }
    Ok(())
}

/// Which invoicing system it is, and what that asks for.
fn system(asker: &mut Asker, answers: &mut Answers, config: &Path) -> Result<(), CliError> {
    let known = known_systems(config.parent().unwrap_or(Path::new(".")));
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    let text = format!("Which system is it? {}", names.join(", "));
    asker.ask(answers, needed(Key::Preset, &text))?;
    let Some(system) = answers.system(config).filter(|_| answers.has(Key::Preset)) else { return Ok(()) };
    asker.explain(&format!("{}\n{}", system.title, system.docs.trim()));
    let asked = asked(&system);
    if asked.contains(&Key::LedgerKey) {
        asker.explain(PASSWORDS);
    }
    for (key, name) in
        OF_SYSTEM.iter().filter(|(key, _)| asked.contains(key) || asker.has_flag(*key)).copied().collect::<Vec<_>>()
    {
        let (default, text) = match (key, is_service(config)) {
            (Key::LedgerKey, true) => (Some("credential ledger"), "Where is its key?".to_owned()),
            (Key::LedgerKey, false) => (Some("file ledger.key"), "Where is its key?".to_owned()),
            (Key::LedgerSecret, true) => (Some("credential ledger-secret"), "Where is its second secret?".to_owned()),
            (Key::LedgerSecret, false) => (Some("file ledger.secret"), "Where is its second secret?".to_owned()),
            _ => (None, format!("Which {} does it want, as said above?", name.as_str())),
        };
        asker.ask(answers, with(key, &text, default))?;
    }
    if asked.contains(&Key::LedgerTokens) || asker.has_flag(Key::LedgerTokens) {
        let default = if is_service(config) { "/var/lib/relance/ledger.tokens" } else { "ledger.tokens" };
        asker.ask(
            answers,
            with(Key::LedgerTokens, "In which file may relance keep the token that it is given anew each time?", Some(default)),
        )?;
    }
    Ok(())
}

/// Where relance's own records are.
pub(super) fn store(asker: &mut Asker, answers: &mut Answers, config: &Path) -> Result<(), CliError> {
    let folder = config.parent().and_then(|p| std::path::absolute(p).ok()).unwrap_or_default();
    let beside = folder.join("relance.db").display().to_string();
    let default = if is_service(config) { "/var/lib/relance/relance.db" } else { &beside };
    asker.explain("relance keeps its own records (what was sent, and why) in a file of its own.");
    asker.ask(answers, with(Key::Store, "Where?", Some(default)))?;
    if answers.get(Key::Store).is_some_and(is_postgres) || asker.has_flag(Key::StorePassword) {
        asker
            .ask(answers, optional(Key::StorePassword, "Where is the password for it? \"credential store\" or \"file PATH\""))?;
    }
    Ok(())
}

/// How mail leaves.
pub(super) fn email(asker: &mut Asker, answers: &mut Answers, config: &Path) -> Result<(), CliError> {
    asker.explain("Now e-mail.");
    asker.ask(
        answers,
        optional(Key::Smtp, "Which server sends it? mail.example.org, smtps://mail.example.org:465; none: no e-mail"),
    )?;
    let Some(server) = answers.get(Key::Smtp).map(str::to_owned) else { return Ok(()) };
    let local = ["smtp://localhost", "smtp://127.", "smtp://[::1]"].iter().any(|l| server.starts_with(l));
    if local || asker.has_flag(Key::SmtpTls) {
        let text = "Does this relay on your own machine want encryption? required or none";
        asker.ask(answers, with(Key::SmtpTls, text, Some(if local { "none" } else { "required" })))?;
    }
    if !server.starts_with("file:") {
        asker.ask(answers, optional(Key::SmtpUser, "Which login does it want?"))?;
    }
    if answers.has(Key::SmtpUser) || asker.has_flag(Key::SmtpPassword) {
        asker.explain(PASSWORDS);
        let default = if is_service(config) { "credential smtp" } else { "file smtp.password" };
        asker.ask(answers, with(Key::SmtpPassword, "Where is the password?", Some(default)))?;
    }
    let address = answers.get(Key::Contact).and_then(|c| c.parse().ok());
    let from = address.map(|a| Mailbox::new(answers.get(Key::Name).map(str::to_owned), a).to_string());
    asker.ask(answers, with(Key::From, "From whom do the mails come?", from.as_deref()))
}

/// How SMS leave.
pub(super) fn sms(asker: &mut Asker, answers: &mut Answers, config: &Path) -> Result<(), CliError> {
    asker.ask(answers, optional(Key::SmsGateway, "SMS as well? kannel, twilio, or the name of a file in gateways/"))?;
    let Some(gateway) = answers.get(Key::SmsGateway).map(str::to_owned) else { return Ok(()) };
    let url = match gateway.as_str() {
        "twilio" => Some("https://api.twilio.com"),
        "kannel" => Some("http://127.0.0.1:13013"),
        _ => None,
    };
    asker.ask(answers, with(Key::SmsUrl, "What is the gateway's address?", url))?;
    if gateway == "file" {
        return Ok(());
    }
    asker.ask(answers, optional(Key::SmsUser, "Which login does it want?"))?;
    if answers.has(Key::SmsUser) || asker.has_flag(Key::SmsPassword) {
        let default = if is_service(config) { "credential sms" } else { "file sms.password" };
        asker
            .ask(answers, with(Key::SmsPassword, "Where is the password? \"credential sms\" or \"file PATH\"", Some(default)))?;
    }
    asker.ask(answers, optional(Key::SmsFrom, "Which number or name do SMS come from?"))
}

/// What may leave at first.
pub(super) fn start(asker: &mut Asker, answers: &mut Answers) -> Result<(), CliError> {
    asker.explain(START);
    asker.ask(answers, with(Key::Start, "How do you want to begin? dry, me or live", Some("dry")))?;
    if answers.get(Key::Start) == Some("me") {
        let contact = answers.get(Key::Contact).map(str::to_owned);
        asker.ask(answers, with(Key::RedirectTo, "To which address?", contact.as_deref()))?;
    }
    let text = "How many messages a day may leave before all of them wait for your word (`relance release`)?";
    asker.ask(answers, with(Key::MaxMessages, text, Some("50")))?;
    if asker.has_flag(Key::OldDebts) {
        asker.ask(answers, with(Key::OldDebts, "Old debts?", Some("first-step")))?;
    }
    Ok(())
}

const LEDGER: &str = "\
Now the ledger: where your invoices are. relance only reads it. It may be
  an SQLite file                     /srv/billing/invoices.db
  a PostgreSQL database              postgres://user@host/database
  an invoicing system's own address  https://erp.example.org (Dolibarr, Odoo, Stripe and others)
  an export                          a file that ends in .csv, or the folder into which such files are dropped";

const PASSWORDS: &str = "\
A password never stands in relance.toml, and is not asked for here. Two places are known:
  credential NAME   systemd hands it to the service: the file /etc/credstore/relance.NAME, readable by root only
  file PATH         a file with the password alone on its first line, readable by relance only (chmod 600)";

const START: &str = "\
What may leave at first? An old ledger can hold years of open invoices, so nothing leaves before you have seen it.
  dry    nothing leaves. relance reads, plans, shows and reports; you look at it (`relance preview`, `relance status`)
  me     all messages come to you, the customer's address in the subject: a good first week. Nothing of it counts
  live   messages go to customers. Old debts enter at the friendly reminder, never above it";
