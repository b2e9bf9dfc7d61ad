//! What the configuration says about a customer: its zone, its holidays, what its tags mean, and which cadence takes its
//! invoices.

use super::{CadenceFile, Settings, Setup};
use crate::domain::cadence::Cadence;
use crate::domain::calendar::Calendar;
use crate::domain::case::CaseKey;
use crate::domain::debtor::{Debtor, Word};
use crate::domain::invoice::Invoice;
use crate::domain::standing::{self, Tagged};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Holidays together, by the debtor's country and the cadence's own calendar; a country without a calendar has no entry.
pub(super) type Days = BTreeMap<(Option<String>, Option<String>), Arc<Calendar>>;

/// Works out the holidays for every country that has a calendar and every cadence.
pub(super) fn days(settings: &Settings, cadences: &[CadenceFile], calendars: &BTreeMap<String, Arc<Calendar>>) -> Days {
    let mut days = Days::new();
    let mut own: Vec<Option<&Arc<Calendar>>> = cadences.iter().map(|c| c.cadence.calendar.as_ref()).collect();
    own.push(None);
    for country in std::iter::once(None).chain(calendars.iter().map(Some)) {
        for own in &own {
            let parts = [settings.creditor.calendar.as_ref(), country.map(|c| c.1), *own];
            let mut parts: Vec<&Calendar> = parts.into_iter().flatten().map(Arc::as_ref).collect();
            parts.dedup_by(|a, b| a.id == b.id);
            let key = (country.map(|c| c.0.clone()), own.map(|c| c.id.clone()));
            if !parts.is_empty() {
                days.entry(key).or_insert_with(|| Arc::new(Calendar::merged(&parts)));
            }
        }
    }
    days
}

impl Setup {
    /// What the creditor's people call a step: its title in their language, else its id, as where the cadence is gone.
    pub fn step_called(&self, cadence: &str, step: &str) -> String {
        let found = self.cadence(cadence).and_then(|c| c.step(step));
        found.map_or(step, |s| s.called(&self.settings.creditor.language)).to_owned()
    }

    /// What a task says to the creditor's people: as its cadence says it in their language, else as it was written down.
    pub fn task_text(&self, case: &Option<CaseKey>, step: Option<&str>, written: &str) -> String {
        let step = case.as_ref().and_then(|case| self.cadence(&case.cadence)?.step(step?));
        step.map_or_else(|| written.to_owned(), |s| s.said(written, &self.settings.creditor.language))
    }

    /// The cadence of a name.
    pub fn cadence(&self, name: &str) -> Option<&Arc<Cadence>> {
        self.cadences.iter().map(|c| &c.cadence).find(|c| c.name == name)
    }

    /// The cadence that takes an invoice: the one that the row names, else the most specific match.
    pub fn cadence_for(&self, debtor: &Debtor, invoice: &Invoice, named: Option<&str>) -> Option<&Arc<Cadence>> {
        if let Some(name) = named {
            return self.cadence(name);
        }
        let matching = self.cadences.iter().map(|c| &c.cadence).filter(|c| c.applies_to.matches(debtor, invoice));
        matching.max_by_key(|c| c.applies_to.specificity())
    }

    /// The debtor's zone: its own, else its country's, else the creditor's (R9).
    pub fn zone(&self, debtor: &Debtor) -> TimeZone {
        let own = debtor.timezone.as_deref().and_then(|name| TimeZone::get(name).ok());
        let country = || debtor.country.as_ref().and_then(|c| self.zones.get(c)).cloned();
        own.or_else(country).unwrap_or_else(|| self.settings.creditor.timezone.clone())
    }

    /// The holidays that count for a debtor under a cadence: the creditor's, those of the debtor's country, and the
    /// cadence's own (R20).
    pub fn calendar(&self, debtor: &Debtor, cadence: Option<&Cadence>) -> Option<&Calendar> {
        let own = cadence.and_then(|c| c.calendar.as_ref()).map(|c| c.id.clone());
        let country = debtor.country.clone().filter(|c| self.calendars.contains_key(c));
        self.days.get(&(country, own)).map(Arc::as_ref)
    }

    /// The holidays that count in a country: the creditor's, and its own.
    pub fn calendar_of(&self, country: Option<&str>) -> Option<&Calendar> {
        let country = country.filter(|c| self.calendars.contains_key(*c)).map(str::to_owned);
        self.days.get(&(country, None)).map(Arc::as_ref)
    }

    /// Works out what a customer is, of whom so far only the ledger's columns are known (R15, R16).
    pub fn settle<'t>(&self, debtor: &mut Debtor, tags: impl Iterator<Item = Tagged<'t>>, words: &[Word]) {
        standing::settle(debtor, tags, words, &self.settings.source.tags);
    }

    /// Finds the cadence of an invoice, and the tag that says that it is in dispute.
    pub fn place(&self, debtor: &Debtor, invoice: &mut Invoice) {
        invoice.dispute_tag = self.settings.source.tags.disputed(&invoice.tags).map(str::to_owned);
        let named = invoice.cadence.take();
        invoice.cadence = self.cadence_for(debtor, invoice, named.as_deref()).map(|c| c.name.clone());
    }
}
