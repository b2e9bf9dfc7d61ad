//! What in a mail points to a message of ours: addresses with tokens, ids. Anybody can write any of it; whether it is true is
//! asked elsewhere.

use super::header::Head;
use super::mime::{Part, Parts};
use crate::domain::inbound::{MOST_CLUES, TokenClue};

/// The longest id or address that is looked at.
const LONGEST: usize = 250;

/// So much of a mail that is given back is looked at: its head.
const RETURNED: usize = 64 << 10;

/// What our own addresses look like; tokens stand in them as `local+TOKEN@domain`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ours {
    bounce: Own,
    contact: Own,
}

/// An address of ours, in small letters, its domain in ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Own {
    user: String,
    domain: String,
}

impl Ours {
    /// The base of envelope senders, and the address for answers.
    pub fn new(bounce: &str, contact: &str) -> Ours {
        Ours { bounce: Own::new(bounce), contact: Own::new(contact) }
    }

    /// Tokens in a text of addresses. Where both addresses are one, a token may be for either purpose: it is told twice,
    /// the likelier first.
    fn tokens(&self, text: &str, machine: bool, found: &mut Vec<TokenClue>) {
        for (user, domain) in addresses(text) {
            let Some((base, token)) = user.split_once('+').filter(|(_, t)| !t.is_empty() && t.len() <= 100) else { continue };
            let purposes = match machine {
                true => [(&self.bounce, "bounce"), (&self.contact, "reply")],
                false => [(&self.contact, "reply"), (&self.bounce, "bounce")],
            };
            for (own, purpose) in purposes {
                let clue = TokenClue { purpose, token: token.to_owned() };
                if own.is(base, &domain) && is_token(token) && !found.contains(&clue) && found.len() < MOST_CLUES {
                    found.push(clue);
                }
            }
        }
    }

    /// Whether a mail came over a list that is itself one of our addresses: a firm's address is often a group of people.
    pub(super) fn is_list(&self, head: &Head) -> bool {
        let own = |id: &str| [&self.bounce, &self.contact].iter().any(|o| id == format!("{}.{}", o.user, o.domain));
        let id = |value: String| value.rsplit('<').next().unwrap_or_default().trim_end_matches(['>', ' ']).to_lowercase();
        head.all("List-Id").map(id).any(|id| own(&id))
            || head.all("List-Post").any(|post| self.has(&post.replace("mailto:", " ")))
    }

    /// Whether this is one of ours, with a token or without.
    pub(super) fn has(&self, address: &str) -> bool {
        addresses(address).any(|(user, domain)| {
            let base = user.split('+').next().unwrap_or_default();
            self.bounce.is(base, &domain) || self.contact.is(base, &domain)
        })
    }
}

/// The form of our own marks, made up or genuine. People give such addresses names as well, `compta+assurance`.
fn is_token(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut hex =
        |most: usize| parts.next().is_some_and(|p| (1..=most).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_hexdigit()));
    hex(16) && hex(8) && hex(64) && parts.next().is_none()
}

impl Own {
    fn new(address: &str) -> Own {
        let (user, domain) = address.rsplit_once('@').unwrap_or((address, ""));
        let domain = idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_owned());
        Own { user: user.to_lowercase(), domain: domain.to_ascii_lowercase() }
    }

    fn is(&self, user: &str, domain: &str) -> bool {
        self.domain == domain && self.user == user
    }
}

/// Addresses in a text, in small letters, as user and domain.
fn addresses(text: &str) -> impl Iterator<Item = (String, String)> {
    let part = |c: char| c.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    let host = |c: char| c.is_alphanumeric() || c == '.' || c == '-';
    text.match_indices('@').take(2_000).filter_map(move |(at, _)| {
        let before: usize = text[..at].chars().rev().take(LONGEST).take_while(|c| part(*c)).map(char::len_utf8).sum();
        let after: usize = text[at + 1..].chars().take(LONGEST).take_while(|c| host(*c)).map(char::len_utf8).sum();
        let (user, domain) = (&text[at - before..at], text[at + 1..at + 1 + after].trim_end_matches(['.', '-']));
        (before > 0 && !domain.is_empty()).then(|| (user.to_lowercase(), domain.to_lowercase()))
    })
}

/// Fields that say to which address a mail came, those that the last server wrote first.
const TO: [&str; 9] = [
    "Delivered-To",
    "X-Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "X-Envelope-To",
    "X-Rcpt-To",
    "X-Forwarded-To",
    "To",
    "Cc",
];

/// Tokens in the addresses to which a mail came.
pub(super) fn tokens(head: &Head, ours: &Ours, machine: bool) -> Vec<TokenClue> {
    let mut found = Vec::new();
    for value in TO.iter().flat_map(|name| head.all(name)) {
        ours.tokens(&value, machine, &mut found);
    }
    found
}

/// Tokens in what a machine's mail gives back of ours, where the mail itself came to an address without one.
pub(super) fn returned_tokens(texts: &[String], ours: &Ours) -> Vec<TokenClue> {
    let mut found = Vec::new();
    texts.iter().for_each(|text| ours.tokens(text, true, &mut found));
    found
}

/// The part of a report in which our own mail, or its head, is given back.
fn returned<'p, 'a>(parts: &'p Parts<'a>) -> Option<&'p Part<'a>> {
    let kinds = ["message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers", "message/rfc822-headers"];
    parts.list.iter().find(|p| kinds.contains(&p.kind.as_str()))
}

/// Message-ID of the mail that is given back, and the addresses of ours in its head.
pub(super) fn given_back(parts: &Parts) -> (Option<String>, Vec<String>) {
    let Some(part) = returned(parts) else { return (None, Vec::new()) };
    let bytes = part.bytes(RETURNED);
    let start = bytes.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(0);
    let (head, _) = Head::read(&bytes[start..]);
    // What is added on the way stands above what was written first.
    let id = head.all("Message-ID").last().and_then(|v| ids(&v).next());
    (id, ["Return-Path", "Sender", "Reply-To"].iter().flat_map(|name| head.all(name)).collect())
}

/// The first Message-ID in a text that gives a mail back without any form.
pub(super) fn id_in_text(text: &str) -> Option<String> {
    let field = |line: &str| {
        let line = line.trim_start_matches(['>', ' ', '\t']);
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("message-id").then(|| ids(value).next())?
    };
    text.lines().find_map(field)
}

/// What a mail answers to, the nearest first.
pub(super) fn answers(head: &Head) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let nearest: Vec<String> = head.all("In-Reply-To").flat_map(|v| ids(&v).collect::<Vec<_>>()).collect();
    let references: Vec<String> = head.all("References").flat_map(|v| ids(&v).collect::<Vec<_>>()).collect();
    for id in nearest.into_iter().chain(references.into_iter().rev()) {
        if found.len() < MOST_CLUES && !found.contains(&id) {
            found.push(id);
        }
    }
    found
}

/// Ids without their angle brackets.
fn ids(value: &str) -> impl Iterator<Item = String> {
    let words = value.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '(' | ')'));
    let good = |id: &&str| id.contains('@') && id.len() <= LONGEST && !id.contains(char::is_control);
    words.filter(good).map(str::to_owned)
}

/// Who wrote, as the mail says.
pub(super) fn from(head: &Head) -> Option<String> {
    let value = head.words("From").or_else(|| head.words("Sender"))?;
    let inner = value.rsplit_once('<').map_or(value.as_str(), |(_, rest)| rest.split('>').next().unwrap_or_default());
    first_address(inner).or_else(|| first_address(&value))
}

/// Who wrote it. Groups of people write their own address into From, and say elsewhere who it was.
pub(super) fn writer(head: &Head, ours: &Ours, own_list: bool) -> Option<String> {
    let from = from(head);
    if !own_list || !from.as_deref().is_some_and(|from| ours.has(from)) {
        return from;
    }
    let said = ["X-Original-From", "X-Original-Sender", "X-Google-Original-From", "Reply-To"];
    let others = said.iter().flat_map(|name| head.all(name)).filter_map(|value| first_address(&value));
    others.into_iter().find(|address| !ours.has(address)).or(from)
}

/// The first address in a text.
pub(super) fn first_address(text: &str) -> Option<String> {
    addresses(text).next().map(|(user, domain)| format!("{user}@{domain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(head: &str, machine: bool) -> Vec<(&'static str, String)> {
        let ours = Ours::new("Bounces@Canal.example", "compta@müller.example");
        let (head, _) = Head::read(head.as_bytes());
        tokens(&head, &ours, machine).into_iter().map(|c| (c.purpose, c.token)).collect()
    }

    #[test]
    fn tokens_are_found_in_our_addresses_only() {
        let clue = |purpose, token: &str| vec![(purpose, token.to_owned())];
        assert_eq!(of("To: x\nDelivered-To: bounces+1-2-ab@canal.example\n", true), clue("bounce", "1-2-ab"));
        assert_eq!(of("To: \"A\" <BOUNCES+1-2-AB@CANAL.EXAMPLE>, b@c\n", true), clue("bounce", "1-2-ab"));
        assert_eq!(of("Cc: compta+1-2-ab@xn--mller-kva.example.\n", false), clue("reply", "1-2-ab"));
        for none in [
            "To: bounces@canal.example",
            "To: bounces+@canal.example",
            "To: xbounces+1-2-ab@canal.example",
            "To: bounces+1-2-ab@canal.example.evil.example",
            "To: bounces+1-2-ab@evil.example",
            "To: compta+assurance@xn--mller-kva.example",
            "Subject: bounces+1-2-ab@canal.example",
        ] {
            assert_eq!(of(none, false), vec![], "{none}");
        }
        for name in ["bounces+rue-de-la-loi@canal.example", "compta+a-b-c-d@xn--mller-kva.example", "bounces+1-2-@canal.example"]
        {
            assert_eq!(of(&format!("To: {name}"), true), vec![], "{name} is a name, and no mark that does not hold");
        }
        let many: String = (0..1_000).map(|n| format!("bounces+1-2-{n:x}@canal.example, ")).collect();
        assert_eq!(of(&format!("To: {many}\n"), true).len(), MOST_CLUES);
    }

    #[test]
    fn one_address_for_both_has_tokens_of_both_kinds() {
        let ours = Ours::new("compta@canal.example", "compta@canal.example");
        let (head, _) = Head::read(b"To: compta+1-2-ab@canal.example\n");
        let purposes = |machine| tokens(&head, &ours, machine).iter().map(|c| c.purpose).collect::<Vec<_>>();
        assert_eq!((purposes(true), purposes(false)), (vec!["bounce", "reply"], vec!["reply", "bounce"]));
    }

    #[test]
    fn a_group_that_writes_its_own_address_says_elsewhere_who_it_was() {
        let ours = Ours::new("b@canal.example", "compta@canal.example");
        let by = |head: &str| {
            let (head, _) = Head::read(head.as_bytes());
            writer(&head, &ours, ours.is_list(&head))
        };
        let list = "List-Id: <compta.canal.example>\nFrom: \"Anne via Compta\" <compta@canal.example>\n";
        assert_eq!(by(&format!("{list}X-Original-From: Anne <anne@client.example>\n")).as_deref(), Some("anne@client.example"));
        assert_eq!(
            by(&format!("{list}Reply-To: anne@client.example, compta@canal.example\n")).as_deref(),
            Some("anne@client.example")
        );
        assert_eq!(by(&format!("{list}Reply-To: compta+1-2-ab@canal.example\n")).as_deref(), Some("compta@canal.example"));
        assert_eq!(by("From: compta@canal.example\nReply-To: anne@client.example\n").as_deref(), Some("compta@canal.example"));
    }

    #[test]
    fn answers_point_to_the_nearest_first() {
        let (head, _) = Head::read(b"References: <a@x> <b@x>\n <c@x>\nIn-Reply-To: <c@x> (their words)\n");
        assert_eq!(answers(&head), ["c@x", "b@x", "a@x"]);
        let (head, _) = Head::read("From: =?utf-8?q?Zo=C3=AB?= \"a@b\" <Zoe@Client.example>\n".as_bytes());
        assert_eq!(from(&head).as_deref(), Some("zoe@client.example"));
    }
}
