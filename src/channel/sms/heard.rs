//! From the fields of a request that is the gateway's own to what it says: a receipt, a message from somebody, or nothing that
//! matters. Pure: what follows from it is decided elsewhere.

use super::gateway::LONGEST_ID;
use super::request::{Fields, Request};
use super::verify::Refusal;
use crate::channel::token::RECEIPT;
use crate::channel::words;
use crate::config::hook::{Came as Form, Hook, InboundForm, Meaning, ReceiptForm};
use crate::config::stop::StopWords;
use crate::domain::attempt::FaultClass;
use crate::domain::hex::hex;
use crate::domain::inbound::{Came, Clues, Incoming, MOST_LINE, MOST_TEXT, Returned, TokenClue, Via};
use crate::domain::phone::from_network;
use crate::domain::tame::{tamed, tamed_to};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

/// What a request is read with.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The gateway's name.
    pub gateway: &'a str,
    /// How what it sends is read.
    pub hook: &'a Hook,
    /// The words that end SMS.
    pub stop: &'a StopWords,
    /// The creditor's country: numbers without one are read as numbers there.
    pub country: &'a str,
}

impl Reader<'_> {
    /// What a request says; `None` where that changes nothing.
    pub fn read(&self, request: &Request, fields: &Fields, now: Timestamp) -> Result<Option<Incoming>, Refusal> {
        let mut wrong = Refusal::Malformed;
        if let Some(form) = &self.hook.inbound
            && let Some(text) = fields.get(&form.came, &form.text)
        {
            match comes_by(&form.came, request) {
                true => return self.inbound(form, fields, &text, now).map(Some).ok_or(Refusal::Malformed),
                false => wrong = Refusal::Method,
            }
        }
        if let Some(form) = &self.hook.receipt
            && let Some(state) = fields.get(&form.came, &form.state)
        {
            match comes_by(&form.came, request) {
                true => return self.receipt(form, fields, &state).ok_or(Refusal::Malformed),
                false => wrong = Refusal::Method,
            }
        }
        Err(wrong)
    }

    /// A receipt: `None` where it names no message, `Some(None)` where nothing follows from it.
    fn receipt(&self, form: &ReceiptForm, fields: &Fields, state: &str) -> Option<Option<Incoming>> {
        let field = |name: &Option<String>| name.as_ref().and_then(|name| fields.get(&form.came, name));
        let word = |name: &Option<String>| field(name).map(|text| words(&text)).filter(|text| !text.is_empty());
        let id = word(&form.id).filter(|id| id.len() <= LONGEST_ID);
        let mark = word(&form.mark).filter(|mark| mark.len() <= LONGEST_ID);
        let name = mark.as_ref().or(id.as_ref())?.clone();
        let state = words(state);
        let code = word(&form.code);
        let class = code.as_ref().and_then(|code| form.codes.iter().find(|(known, _)| known == code)).map(|(_, class)| *class);
        let said: Vec<String> = form.words.iter().filter_map(|name| word(&Some(name.clone()))).collect();
        let line = self.line(&state, code.as_deref(), &said);
        let returned =
            |class: Option<FaultClass>, expired| Returned { class: class.unwrap_or(form.class), expired, words: line.clone() };
        let meaning = form.states.iter().find(|(known, _)| *known == state).map(|(_, meaning)| *meaning);
        let came = match meaning {
            Some(Meaning::Nothing) => return Some(None),
            Some(Meaning::Delivered) => Came::Delivered,
            Some(Meaning::Delayed) => Came::Delayed(returned(class, false)),
            Some(Meaning::Failed) => Came::Failed(returned(class, false)),
            // It was tried to the end, so it was somebody's number.
            Some(Meaning::Expired) => Came::Failed(returned(class.filter(|c| *c != FaultClass::Address), true)),
            Some(Meaning::Unknown) | None => Came::Other,
        };
        // Of a text in several parts each part has an id of its own, and each its receipts.
        let part = id.as_deref().unwrap_or_default();
        let key = format!("{}:{name}:{part}:{state}", self.gateway);
        let tokens = mark.map(|token| TokenClue { purpose: RECEIPT, token }).into_iter().collect();
        let recipient = word(&form.recipient).and_then(|to| from_network(&to, Some(self.country)));
        let clues = Clues { tokens, gateway_id: id, recipient, ..Clues::default() };
        Some(Some(incoming(key, came, clues, line, String::new())))
    }

    /// The gateway's words and codes on one line.
    fn line(&self, state: &str, code: Option<&str>, said: &[String]) -> String {
        let code = code.map(|code| format!(", code {code}")).unwrap_or_default();
        let said = if said.is_empty() { String::new() } else { format!(": {}", said.join(", ")) };
        tamed_to(&format!("{} says {state}{code}{said}", self.gateway), MOST_LINE - 1)
    }

    /// What somebody wrote; `None` where nobody can be told to have.
    fn inbound(&self, form: &InboundForm, fields: &Fields, text: &str, now: Timestamp) -> Option<Incoming> {
        let field = |name: &str| fields.get(&form.came, name);
        let from = words(&field(&form.from)?);
        // Names and short numbers write as well; nobody is known by them, and nothing follows.
        let from = from_network(&from, Some(self.country)).unwrap_or(from);
        let id = form.id.as_ref().and_then(|name| field(name)).map(|id| words(&id)).filter(|id| !id.is_empty());
        let at = form.at.as_ref().and_then(|name| field(name)).map(|at| words(&at)).filter(|at| !at.is_empty());
        // Without an id, and without a time, the same words on one day are the same message.
        let told = at.unwrap_or_else(|| now.as_second().div_euclid(86_400).to_string());
        let parts = id.map_or_else(|| vec![from.clone(), told, text.to_owned()], |id| vec![id]);
        let mut digest = Sha256::new();
        for part in &parts {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        let key = format!("{}:in:{}", self.gateway, hex(&digest.finalize()[..16]));
        let came = if self.stop.has(text) { Came::Stop } else { Came::Reply };
        let lines: Vec<String> = text.lines().map(tamed).collect();
        let text: String = lines.join("\n").chars().take(MOST_TEXT).collect();
        let clues = Clues { from: Some(from).filter(|f| !f.is_empty()), ..Clues::default() };
        Some(incoming(key, came, clues, "SMS".to_owned(), text))
    }
}

fn comes_by(form: &Form, request: &Request) -> bool {
    request.method.is_some_and(|method| form.methods.contains(&method))
}

fn incoming(key: String, came: Came, clues: Clues, subject: String, text: String) -> Incoming {
    Incoming { key, via: Via::Sms, came, clues, subject, text, dated: None }
}
