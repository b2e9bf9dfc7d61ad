//! The configuration as cadence tests need it: rules, hours, calendars and letters are the user's, while ledger, records
//! and messages stay in a folder that is thrown away.

use super::node::Node;
use super::problem::Problems;
use super::settings::{EmailSettings, MailTransport, SmsSettings, SmsTransport, SourceKind, StoreSettings, WhenUncertain};
use super::{CadenceFile, Setup, bundled, cadences, customers, files, fingerprint, read_file};
use crate::domain::decision::OldDebts;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Which channels there are in a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// E-mail.
    pub email: bool,
    /// SMS.
    pub sms: bool,
}

/// What a test has of its own.
#[derive(Clone, Debug)]
pub struct Stage<'s> {
    /// The folder that is thrown away; the ledger is its ledger.db, the records are its relance.db.
    pub folder: &'s Path,
    /// The creditor's country, by which holidays and zone go; none: as configured.
    pub country: Option<&'s str>,
    /// The channels; none: as configured.
    pub channels: Option<Channels>,
    /// Cadences in place of those that are configured.
    pub cadences: Option<&'s [CadenceFile]>,
    /// What old debts do; none: as configured.
    pub old_debts: Option<OldDebts>,
}

/// A test has no sign of life to give: it lasts no hour.
const LEASE: Duration = Duration::from_secs(3600);

impl Setup {
    /// The same firm on a stage.
    pub fn rehearsed(&self, stage: &Stage) -> Setup {
        let mut setup = self.clone();
        let settings = &mut setup.settings;
        if let Some(country) = stage.country {
            settings.creditor.country = country.to_owned();
            settings.creditor.calendar = self.calendars.get(country).cloned();
            settings.creditor.timezone = self.zones.get(country).unwrap_or(&settings.creditor.timezone).clone();
        }
        settings.source.kind = SourceKind::Sqlite(stage.folder.join("ledger.db"));
        (settings.source.query, settings.source.reread, settings.source.booked_through) = (None, None, None);
        settings.inbox = None;
        settings.bank = None;
        settings.store = StoreSettings { lease: LEASE, ..StoreSettings::file(stage.folder.join("relance.db")) };
        let channels = stage.channels.unwrap_or(Channels { email: settings.email.is_some(), sms: settings.sms.is_some() });
        settings.email = channels.email.then(|| email(self)).flatten();
        settings.sms = channels.sms.then(|| sms(self, stage.folder));
        (settings.guard.dry_run, settings.guard.redirect_to, settings.guard.max_messages_per_cycle) = (false, None, None);
        settings.policy.old_debts = stage.old_debts.unwrap_or(settings.policy.old_debts);
        setup.cadences = stage.cadences.map_or_else(|| self.cadences.clone(), <[_]>::to_vec);
        setup.days = customers::days(&setup.settings, &setup.cadences, &setup.calendars);
        // What people are asked to do about somebody who cannot be reached is no step of a cadence.
        Arc::make_mut(&mut setup.reach).then.tasks.clear();
        setup.fingerprint = fingerprint(&setup.settings, &setup.cadences, &setup.zones, &setup.days, &setup.reach);
        setup
    }

    /// Reads a cadence that stands in a test.
    pub fn cadence_in(&self, node: &Node, problems: &Problems) -> Option<CadenceFile> {
        cadences::cadence(node, &self.calendars, &self.tongues, problems)
    }
}

/// What is configured, without its secrets and one message at a time; else something that serves.
fn email(setup: &Setup) -> Option<EmailSettings> {
    let address = || setup.settings.creditor.contact.parse().or_else(|_| "accounts@creditor.example".parse()).ok();
    let made = || {
        Some(EmailSettings {
            from: lettre::message::Mailbox::new(Some(setup.settings.creditor.name.clone()), address()?),
            transport: MailTransport::Folder(setup.folder.clone()),
            user: None,
            password: None,
            ca: None,
            connections: 1,
            max_per_minute: None,
            when_uncertain: WhenUncertain::Resend,
            bounce_address: None,
            retry_for: 86_400,
            timeout: 60,
        })
    };
    let own = setup.settings.email.clone();
    own.map_or_else(made, |own| Some(EmailSettings { password: None, connections: 1, max_per_minute: None, ..own }))
}

fn sms(setup: &Setup, folder: &Path) -> SmsSettings {
    let transport = SmsTransport::File(folder.join("sms"));
    let (user, account, password, from) = (None, None, None, setup.settings.sms.as_ref().and_then(|s| s.from.clone()));
    let (retry_for, when_uncertain) = (86_400, WhenUncertain::Hold);
    SmsSettings {
        transport,
        user,
        account,
        password,
        from,
        connections: 1,
        max_per_minute: None,
        when_uncertain,
        retry_for,
        timeout: 60,
    }
}

/// The tests beside the cadences: those in the folder cadences/tests, or, while there are no cadences of one's own, those
/// that come with the program. Gives each file as it stands.
pub fn cadence_tests(folder: &Path, problems: &Problems) -> Vec<Node> {
    let own = folder.join("cadences").is_dir();
    let bundled = if own { &[] } else { bundled::CADENCE_TESTS };
    let files = files(folder, "cadences/tests", "toml", bundled, problems);
    files.into_iter().map(|(_, file, text)| Node::parse(&file, &text, problems)).collect()
}

/// A file of tests.
pub fn cadence_test(path: &Path, problems: &Problems) -> Option<Node> {
    let text = read_file(path, problems)?;
    Some(Node::parse(&path.display().to_string(), &text, problems))
}
