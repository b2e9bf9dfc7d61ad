//! The account that letters print. It comes from the configuration alone, and a changed one waits for a person's word:
//! whoever can write into a file of settings shall not be able to have a firm's customers pay to another account (R23).

use crate::config::settings::Creditor;
use crate::domain::decision::RuleWeighed;
use crate::domain::reason::Reason;
use crate::store::{Store, StoreError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The name under which the confirmed accounts are kept, the newest last.
const CONFIRMED: &str = "accounts_confirmed";

/// So many of them are remembered.
const REMEMBERED: usize = 50;

/// The characters of an account that are shown at each end, and the last that confirm it.
const SHOWN: usize = 4;

/// An account that was confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Confirmed {
    /// Electronic form, without spaces.
    iban: String,
    /// When, in milliseconds.
    at: i64,
}

/// The account as it is configured, and as it was last confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    configured: Option<String>,
    confirmed: Option<String>,
}

impl Account {
    /// Reads what was confirmed last.
    pub async fn of(store: &Store, creditor: &Creditor) -> Result<Account, StoreError> {
        let confirmed = history(store).await?.pop().map(|c| c.iban);
        Ok(Account { configured: creditor.iban.clone(), confirmed })
    }

    /// The confirmed account and the configured one, while a person has to say that the change is right. Without an account
    /// letters print none, which sends nobody's money astray.
    pub fn changed(&self) -> Option<(&str, &str)> {
        let (new, old) = (self.configured.as_deref()?, self.confirmed.as_deref()?);
        (new != old).then_some((old, new))
    }

    /// The guard in words; none where no account is configured.
    pub(super) fn weigh(&self) -> Option<RuleWeighed> {
        let configured = self.configured.as_deref()?;
        let rule = |holds, reason, text| RuleWeighed { rule: "R23", holds, reason, text };
        Some(match self.told() {
            Some(text) => rule(false, Reason::IbanChanged, text),
            None => rule(true, Reason::Due, format!("the account in letters, {}, is the confirmed one", masked(configured))),
        })
    }

    /// What stops sending, and what to do; `None` while nothing does.
    pub fn told(&self) -> Option<String> {
        let (old, new) = self.changed()?;
        let (old, new) = (masked(old), masked(new));
        Some(format!(
            "[creditor] iban was changed from {old} to {new}; if the new account is yours, say `relance release --iban` with its last {SHOWN} characters, if not, put the old one back and find out who changed it"
        ))
    }
}

/// Takes the first account that a store sees for confirmed; later ones wait for a word.
pub(super) async fn begin(store: &Store, creditor: &Creditor, now: Timestamp) -> Result<(), StoreError> {
    let Some(iban) = creditor.iban.clone() else { return Ok(()) };
    let account = Account::of(store, creditor).await?;
    if account.confirmed.is_none() {
        store.keep_meta(CONFIRMED, &written(&[Confirmed { iban, at: now.as_millisecond() }])?).await?;
    } else if let Some(text) = account.told() {
        tracing::error!(event = "account_changed", "nothing is sent: {text}");
    }
    Ok(())
}

/// A person's word that the configured account is right, given by its last characters: false when they are others, or
/// when nothing waits for it. The creditor is told of the word itself as well: whoever gives it may not be who should.
pub async fn confirm(store: &Store, creditor: &Creditor, word: &str, now: Timestamp) -> Result<bool, StoreError> {
    let account = Account::of(store, creditor).await?;
    let Some((old, new)) = account.changed().filter(|(_, new)| last(new).eq_ignore_ascii_case(word.trim())) else {
        return Ok(false);
    };
    let mut history = history(store).await?;
    history.push(Confirmed { iban: new.to_owned(), at: now.as_millisecond() });
    let most = history.len().saturating_sub(REMEMBERED);
    let text = format!(
        "The account in letters to your customers is now {}, in place of {}: a person confirmed it with `relance release --iban`. If that was none of yours, stop relance, put the old account back and find out who did it.",
        masked(new),
        masked(old)
    );
    // First the letter: a word that nobody hears of must not count.
    store.tell_once("iban_confirmed", now, "relance: the new account in letters was confirmed", &text).await?;
    store.set_meta(CONFIRMED, Some(&written(&history[most..])?)).await?;
    store.look_at_reason(Reason::IbanChanged.code(), now).await?;
    tracing::warn!(event = "account_confirmed", "the new account in letters, {}, was confirmed", masked(new));
    Ok(true)
}

async fn history(store: &Store) -> Result<Vec<Confirmed>, StoreError> {
    let Some(text) = store.meta(CONFIRMED).await? else { return Ok(Vec::new()) };
    serde_json::from_str(&text).map_err(|e| StoreError::Corrupt(format!("{CONFIRMED}: {e}")))
}

fn written(history: &[Confirmed]) -> Result<String, StoreError> {
    serde_json::to_string(history).map_err(|e| StoreError::Corrupt(format!("{CONFIRMED}: {e}")))
}

/// The last characters, which confirm an account.
fn last(iban: &str) -> &str {
    iban.get(iban.len().saturating_sub(SHOWN)..).unwrap_or_default()
}

/// `BE71 **** **** 6769`: enough to know one's own by.
pub fn masked(iban: &str) -> String {
    let hidden = iban.chars().count().saturating_sub(SHOWN);
    grouped(&iban.chars().enumerate().map(|(i, c)| if (SHOWN..hidden).contains(&i) { '*' } else { c }).collect::<String>())
}

/// An account in groups of four.
pub fn grouped(iban: &str) -> String {
    let chars: Vec<char> = iban.chars().collect();
    chars.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_shown_by_its_ends() {
        assert_eq!(masked("BE71096123456769"), "BE71 **** **** 6769");
        assert_eq!(masked("NO9386011117947"), "NO93 **** ***7 947");
        assert_eq!(grouped("BE71096123456769"), "BE71 0961 2345 6769");
        assert_eq!((last("BE71096123456769"), last("769")), ("6769", "769"));
    }

    #[test]
    fn only_another_account_than_the_confirmed_one_waits() {
        let account = |configured: Option<&str>, confirmed: Option<&str>| Account {
            configured: configured.map(str::to_owned),
            confirmed: confirmed.map(str::to_owned),
        };
        assert_eq!(account(Some("B"), Some("A")).changed(), Some(("A", "B")));
        for same in [account(Some("A"), Some("A")), account(None, Some("A")), account(Some("A"), None), account(None, None)] {
            assert_eq!((same.changed(), same.told()), (None, None));
        }
    }
}
