//! `init`: from nothing to a relance.toml that has been tried. Asks on a terminal, else takes flags; looks at the ledger;
//! writes the file; tries source, mail server and gateway; shows who gets which cadence and the first week. Sends nothing.

mod answers;
mod ask;
mod file;
mod guess;
mod judge;
mod ledger;
mod questions;
mod render;
mod tries;
mod words;

use super::{CliError, out};
use crate::config::environment;
use answers::{Answers, Key};
use ask::Asker;
use std::path::{Path, PathBuf};

/// Where the service looks.
const SERVICE: &str = "/etc/relance/relance.toml";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Ask nothing: take flags and defaults, and say what is missing
    #[arg(long)]
    yes: bool,
    /// The firm's name, as letters print it
    #[arg(long)]
    name: Option<String>,
    /// The firm's country, ISO 3166: BE
    #[arg(long)]
    country: Option<String>,
    /// Language of letters for customers whose own has none: fr, nl, de, en (by default the country's, where it has one)
    #[arg(long)]
    language: Option<String>,
    /// IANA time zone (by default the country's, where it has one)
    #[arg(long)]
    timezone: Option<String>,
    /// E-mail address for replies and alerts
    #[arg(long)]
    contact: Option<String>,
    /// The account printed in letters
    #[arg(long)]
    iban: Option<String>,
    /// The number in the register of enterprises
    #[arg(long)]
    enterprise_no: Option<String>,
    /// The ledger: an SQLite file, postgres://user@host/database, an invoicing system's https://…, or an export (.csv, a folder)
    #[arg(long, value_name = "FILE|URL")]
    ledger: Option<String>,
    /// Of a PostgreSQL ledger: credential:NAME or file:PATH
    #[arg(long, value_name = "PLACE")]
    ledger_password: Option<String>,
    /// Of an invoicing system: which it is, such as dolibarr, odoo, stripe
    #[arg(long, value_name = "SYSTEM")]
    preset: Option<String>,
    /// Of an invoicing system: where its key is: credential:NAME or file:PATH
    #[arg(long, value_name = "PLACE")]
    ledger_key: Option<String>,
    /// Where the second secret is, if the system has one
    #[arg(long, value_name = "PLACE")]
    ledger_secret: Option<String>,
    /// The user, if the system asks for one
    #[arg(long, value_name = "USER")]
    ledger_user: Option<String>,
    /// The database, if the system asks for one
    #[arg(long, value_name = "NAME")]
    ledger_database: Option<String>,
    /// The tenant, if the system asks for one
    #[arg(long, value_name = "TENANT")]
    ledger_tenant: Option<String>,
    /// The company, if the system asks for one
    #[arg(long, value_name = "COMPANY")]
    ledger_company: Option<String>,
    /// The id of the client of OAuth 2, if the system asks for one
    #[arg(long, value_name = "ID")]
    ledger_client_id: Option<String>,
    /// The currency of invoices that name none, if the system asks for it
    #[arg(long, value_name = "CURRENCY")]
    ledger_currency: Option<String>,
    /// The file into which relance may write tokens, if the system gives another each time
    #[arg(long, value_name = "FILE")]
    ledger_tokens: Option<String>,
    /// A file with the SQL that yields the columns; left out: the view relance_invoices, else a query to fill in
    #[arg(long, value_name = "FILE")]
    query: Option<PathBuf>,
    /// relance's own records: a file, or postgres://user@host/database
    #[arg(long, value_name = "FILE|URL")]
    store: Option<String>,
    /// Of a store in PostgreSQL: credential:NAME or file:PATH
    #[arg(long, value_name = "PLACE")]
    store_password: Option<String>,
    /// The mail server: mail.example.org, smtp://host:587, smtps://host:465, or file:///folder
    #[arg(long, value_name = "SERVER")]
    smtp: Option<String>,
    /// required (STARTTLS), or none for a relay on this machine
    #[arg(long, value_name = "TLS")]
    smtp_tls: Option<String>,
    /// Login at the mail server
    #[arg(long, value_name = "LOGIN")]
    smtp_user: Option<String>,
    /// Where its password is: credential:NAME or file:PATH; never the password itself
    #[arg(long, value_name = "PLACE")]
    smtp_password: Option<String>,
    /// The sender of mails (by default the firm's name and contact)
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// SMS: kannel, twilio, a file in gateways/, or "file"
    #[arg(long, value_name = "GATEWAY")]
    sms_gateway: Option<String>,
    /// The gateway's base URL
    #[arg(long, value_name = "URL")]
    sms_url: Option<String>,
    /// Login at the gateway
    #[arg(long, value_name = "LOGIN")]
    sms_user: Option<String>,
    /// Where its password is: credential:NAME or file:PATH
    #[arg(long, value_name = "PLACE")]
    sms_password: Option<String>,
    /// Sender of SMS
    #[arg(long, value_name = "SENDER")]
    sms_from: Option<String>,
    /// At first: dry (nothing leaves), me (all messages to --redirect-to), live (to customers)
    #[arg(long, value_name = "HOW")]
    start: Option<String>,
    /// With --start me: to whom (by default the contact)
    #[arg(long, value_name = "ADDRESS")]
    redirect_to: Option<String>,
    /// More messages than this in a day wait for `relance release`
    #[arg(long, value_name = "COUNT")]
    max_messages: Option<String>,
    /// What is first seen late: first-step (the friendly reminder), or hold
    #[arg(long, value_name = "HOW")]
    old_debts: Option<String>,
}

impl Args {
    /// What the flags say, by key.
    fn flags(&self) -> Result<Answers, CliError> {
        let said = [
            (Key::Name, &self.name),
            (Key::Country, &self.country),
            (Key::Language, &self.language),
            (Key::Timezone, &self.timezone),
            (Key::Contact, &self.contact),
            (Key::Iban, &self.iban),
            (Key::EnterpriseNo, &self.enterprise_no),
            (Key::Ledger, &self.ledger),
            (Key::LedgerPassword, &self.ledger_password),
            (Key::Preset, &self.preset),
            (Key::LedgerKey, &self.ledger_key),
            (Key::LedgerSecret, &self.ledger_secret),
            (Key::LedgerUser, &self.ledger_user),
            (Key::LedgerDatabase, &self.ledger_database),
            (Key::LedgerTenant, &self.ledger_tenant),
            (Key::LedgerCompany, &self.ledger_company),
            (Key::LedgerClientId, &self.ledger_client_id),
            (Key::LedgerCurrency, &self.ledger_currency),
            (Key::LedgerTokens, &self.ledger_tokens),
            (Key::Store, &self.store),
            (Key::StorePassword, &self.store_password),
            (Key::Smtp, &self.smtp),
            (Key::SmtpTls, &self.smtp_tls),
            (Key::SmtpUser, &self.smtp_user),
            (Key::SmtpPassword, &self.smtp_password),
            (Key::From, &self.from),
            (Key::SmsGateway, &self.sms_gateway),
            (Key::SmsUrl, &self.sms_url),
            (Key::SmsUser, &self.sms_user),
            (Key::SmsPassword, &self.sms_password),
            (Key::SmsFrom, &self.sms_from),
            (Key::Start, &self.start),
            (Key::RedirectTo, &self.redirect_to),
            (Key::MaxMessages, &self.max_messages),
            (Key::OldDebts, &self.old_debts),
        ];
        let mut flags = Answers::default();
        for (key, said) in said {
            if let Some(said) = said {
                flags.set(key, said.as_str());
            }
        }
        if let Some(path) = &self.query {
            flags.set(Key::Query, judge::sql(path).map_err(|why| CliError::Usage(format!("--query: {why}")))?);
        }
        Ok(flags)
    }
}

pub(super) async fn run(config: &Path, args: &Args) -> Result<(), CliError> {
    file::free(config)?;
    let environment = environment();
    let judge = |answers: &Answers, key: Key, said: &str| judge::judge(config, &environment, answers, key, said);
    let mut asker = Asker::new(args.flags()?, args.yes, judge);
    if asker.is_terminal() {
        out::aside(&format!(
            "{WELCOME}\nThe answers go into {}. Ctrl-C ends this, and nothing is written.\n\n",
            config.display()
        ));
    }
    let mut answers = Answers::default();
    questions::firm(&mut asker, &mut answers, config, &environment)?;
    questions::ledger(&mut asker, &mut answers, config)?;
    // A person hears at once what is in the ledger; without one all that is missing is told first.
    if asker.is_terminal() {
        ledger::query(&asker, &mut answers, config, &environment).await?;
    }
    questions::store(&mut asker, &mut answers, config)?;
    questions::email(&mut asker, &mut answers, config)?;
    questions::sms(&mut asker, &mut answers, config)?;
    questions::start(&mut asker, &mut answers)?;
    asker.settled()?;
    if !asker.is_terminal() {
        ledger::query(&asker, &mut answers, config, &environment).await?;
    }
    answers.judged(config, &environment).map_err(CliError::Failed)?;
    let word = file::write(config, &render::toml(&answers))?;
    say!("Written: {}", config.display());
    word.iter().for_each(|word| say!("{word}"));
    tries::all(config, &answers).await
}

const WELCOME: &str = "\
A few questions, one at a time. What stands in brackets is meant by Enter alone. No password is asked for: the file only
says where one is kept.";

/// Whether this is the file of the service.
fn is_service(config: &Path) -> bool {
    config == Path::new(SERVICE)
}
