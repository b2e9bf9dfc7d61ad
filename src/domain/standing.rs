//! What a customer is, when ledger, tags, register numbers and people each say something (rules R15, R16).
//!
//! A person's word outweighs a tag, a tag outweighs a column, and an enterprise number speaks only where nobody else
//! does.

use super::debtor::{CustomerKind, Debtor, Matter, Origin, State, Word, parse_pay_runs};
use super::enterprise;
use super::people::PeopleWord;
use std::collections::BTreeMap;

/// What a tag of an invoice says of its customer, or of the invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagMeaning {
    /// The customer's state.
    State(State),
    /// The customer's kind.
    Kind(CustomerKind),
    /// The invoice is in dispute.
    Disputed,
}

impl TagMeaning {
    /// Reads a word of the configuration.
    pub fn parse(text: &str) -> Option<TagMeaning> {
        let state = State::parse(text).map(TagMeaning::State);
        let kind = || CustomerKind::parse(text).map(TagMeaning::Kind);
        state.or_else(kind).or_else(|| (text == "disputed").then_some(TagMeaning::Disputed))
    }

    /// The words that [`TagMeaning::parse`] reads.
    pub fn words() -> String {
        format!("{}, business, consumer, disputed", State::words())
    }
}

/// The meanings of tags. A tag that is itself the word of a meaning needs no entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(pub BTreeMap<String, TagMeaning>);

impl Tags {
    /// What a tag means, if it means anything.
    pub fn meaning(&self, tag: &str) -> Option<TagMeaning> {
        self.0.get(tag).copied().or_else(|| TagMeaning::parse(tag))
    }

    /// Whether one of an invoice's tags says that it is in dispute, and which.
    pub fn disputed<'t>(&self, tags: &'t [String]) -> Option<&'t str> {
        tags.iter().map(String::as_str).find(|t| self.meaning(t) == Some(TagMeaning::Disputed))
    }
}

/// A tag of one of a customer's invoices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tagged<'t> {
    /// The tag.
    pub tag: &'t str,
    /// The number of the invoice, where it is closed and had the tag by then.
    pub closed: Option<&'t str>,
}

/// Works out kind, state, people and pay days of a debtor that so far has what the ledger's columns say. Tags of open
/// invoices go before those of closed ones, which say no more than that nothing may be written: what silences is not
/// over because the row that said so was paid.
pub fn settle<'t>(debtor: &mut Debtor, tags: impl Iterator<Item = Tagged<'t>>, words: &[Word], meanings: &Tags) {
    for Tagged { tag, closed } in tags {
        let meant = meanings.meaning(tag);
        let silent = debtor.state.is_some_and(State::silences);
        match (meant, closed) {
            (Some(TagMeaning::State(state)), None) if state.silences() || !silent => {
                (debtor.state, debtor.state_from) = (Some(state), Origin::Tag(tag.to_owned()));
            }
            (Some(TagMeaning::State(state)), Some(invoice)) if state.silences() && !silent => {
                let from = Origin::ClosedTag { tag: tag.to_owned(), invoice: invoice.to_owned() };
                (debtor.state, debtor.state_from) = (Some(state), from);
            }
            (Some(TagMeaning::Kind(kind)), None) => {
                (debtor.kind, debtor.kind_from) = (Some(kind), Origin::Tag(tag.to_owned()));
            }
            _ => {}
        }
    }
    for word in words {
        let from = Origin::Operator { on: word.on, reason: word.reason.clone() };
        let value = word.value.as_deref();
        match word.matter {
            Matter::State => (debtor.state, debtor.state_from) = (value.and_then(State::parse), from),
            Matter::Kind => (debtor.kind, debtor.kind_from) = (value.and_then(CustomerKind::parse), from),
            Matter::PayRuns => debtor.pay_runs = value.and_then(parse_pay_runs).unwrap_or_default(),
            // What cannot be read takes nobody away.
            Matter::Contacts => PeopleWord::parse(value).unwrap_or_default().settle(debtor),
        }
    }
    let number = debtor.enterprise_no.as_deref();
    if debtor.kind.is_none()
        && debtor.kind_from == Origin::Ledger
        && number.is_some_and(|n| enterprise::is_valid(n, debtor.country.as_deref()))
    {
        (debtor.kind, debtor.kind_from) = (Some(CustomerKind::Business), Origin::EnterpriseNumber);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn settled(mut debtor: Debtor, tags: &[&str], words: &[Word]) -> Debtor {
        let meanings = Tags([("faillite".to_owned(), TagMeaning::State(State::Insolvency))].into());
        settle(&mut debtor, tags.iter().map(|tag| Tagged { tag, closed: None }), words, &meanings);
        debtor
    }

    fn word(matter: Matter, value: Option<&str>) -> Word {
        Word { matter, value: value.map(str::to_owned), on: date(2026, 3, 2), reason: "by phone".to_owned() }
    }

    #[test]
    fn a_tag_outweighs_the_column_and_a_person_outweighs_both() {
        let ledger = Debtor { state: Some(State::DirectDebit), ..Debtor::default() };
        assert_eq!(settled(ledger.clone(), &[], &[]).state, Some(State::DirectDebit));
        let tagged = settled(ledger.clone(), &["vip", "faillite"], &[]);
        assert_eq!((tagged.state, tagged.state_from), (Some(State::Insolvency), Origin::Tag("faillite".to_owned())));
        let told = settled(ledger, &["faillite"], &[word(Matter::State, None)]);
        assert_eq!(told.state, None, "a person says that there is none");
        assert_eq!(told.state_from.who(), "a person said on 2026-03-02 (by phone)");
    }

    #[test]
    fn a_tag_does_not_take_back_what_silences() {
        let ledger = Debtor { state: Some(State::Insolvency), ..Debtor::default() };
        let settled = settled(ledger, &["key_account"], &[]);
        assert_eq!((settled.state, settled.state_from), (Some(State::Insolvency), Origin::Ledger), "nor does it say so");
    }

    #[test]
    fn what_silences_outlasts_the_invoice_that_said_so_and_nothing_else_does() {
        let closed = |tag| Tagged { tag, closed: Some("F-1") };
        let mut debtor = Debtor::default();
        settle(&mut debtor, ["key_account", "consumer", "deceased"].map(closed).into_iter(), &[], &Tags::default());
        assert_eq!((debtor.kind, debtor.state), (None, Some(State::Deceased)));
        assert_eq!(debtor.state_from.who(), "the tag \"deceased\", which F-1 had when it was closed, says");
        let mut lifted = Debtor::default();
        settle(&mut lifted, [closed("deceased")].into_iter(), &[word(Matter::State, None)], &Tags::default());
        assert_eq!(lifted.state, None, "a person takes it back");
        let mut open = Debtor::default();
        let tags = [Tagged { tag: "legal", closed: None }, closed("deceased")];
        settle(&mut open, tags.into_iter(), &[], &Tags::default());
        assert_eq!(open.state, Some(State::Legal), "what an open invoice says goes before");
    }

    #[test]
    fn a_valid_number_proposes_a_firm_where_nobody_says_more() {
        let numbered = |kind| Debtor {
            kind,
            country: Some("BE".to_owned()),
            enterprise_no: Some("0403.170.701".to_owned()),
            ..Debtor::default()
        };
        let proposed = settled(numbered(None), &[], &[]);
        assert_eq!((proposed.kind, proposed.kind_from), (Some(CustomerKind::Business), Origin::EnterpriseNumber));
        assert_eq!(settled(numbered(Some(CustomerKind::Consumer)), &[], &[]).kind, Some(CustomerKind::Consumer));
        let unsaid = settled(numbered(None), &[], &[word(Matter::Kind, None)]);
        assert_eq!(unsaid.kind, None, "a person says that nobody knows");
    }

    #[test]
    fn people_and_pay_days_are_what_a_person_last_said() {
        let words = [
            word(Matter::PayRuns, Some("10,25")),
            word(Matter::Contacts, Some(r#"{"add":[{"role":"manager","name":"A. Maes","email":"a@firm.example"}]}"#)),
        ];
        let debtor = settled(Debtor::default(), &[], &words);
        assert_eq!(debtor.pay_runs, [10, 25]);
        assert_eq!(debtor.people[0].name.as_deref(), Some("A. Maes"));
    }
}
