//! Answers of machines (RFC 3834, and the fields in use besides): nobody was there, whatever they say.

use super::header::Head;
use super::mime::Parts;

/// Who sent a mail, as far as the way it came says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sender {
    /// It has an empty return path: nothing is to come back to it.
    pub(super) null_path: bool,
    /// It names itself a mail server.
    pub(super) server: bool,
}

impl Sender {
    pub(super) fn of(head: &Head) -> Sender {
        let path = head.first("Return-Path").map(|p| p.split_whitespace().collect::<String>());
        Sender { null_path: path.is_some_and(|p| p == "<>"), server: head.words("From").is_some_and(|from| is_server(&from)) }
    }
}

/// Names by which mail servers write.
const SERVERS: [&str; 7] = ["mailer-daemon", "mailerdaemon", "mail-daemon", "mail.daemon", "maildaemon", "postmaster", "mdaemon"];

fn is_server(from: &str) -> bool {
    let from = from.to_lowercase();
    let address = from.rsplit('<').next().unwrap_or_default().trim_end_matches('>').trim();
    let user = address.split('@').next().unwrap_or_default();
    // Microsoft's own: MicrosoftExchange and a number.
    SERVERS.contains(&user) || user.strip_prefix("microsoftexchange").is_some_and(|n| n.len() >= 16)
}

/// Fields that only machines write.
const FIELDS: [&str; 6] =
    ["X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Mail-Autoreply", "X-AutoReply-From", "X-Vacation"];

/// A field that asks others for no automatic answer: machines write it, and programs by which people answer.
const ASKS: &str = "X-Auto-Response-Suppress";

/// Whether a machine answered. What comes over a list of our own has the list's marks, whoever wrote it. What points to a mail of
/// ours is a machine's only by what no person's program writes: relays add List-Unsubscribe, and a postmaster may be a person.
pub(super) fn is(head: &Head, parts: &Parts, sender: Sender, own_list: bool, points_to_us: bool) -> bool {
    let submitted = head.first("Auto-Submitted").map(|v| first_word(&v)).is_some_and(|v| !v.is_empty() && v != "no");
    let machines = ["bulk", "auto_reply", "auto-reply", "junk", "list"];
    let precedence = head.first("Precedence").map(|v| first_word(&v)).is_some_and(|v| {
        let of_the_list = own_list && matches!(v.as_str(), "list" | "bulk");
        machines.contains(&v.as_str()) && !of_the_list
    });
    let told = FIELDS.iter().any(|name| head.has(name));
    let listed = head.has_beginning("List-") && !own_list;
    let weakly = !points_to_us && (listed || head.has(ASKS) || sender.server);
    let receipt = parts.kind == "multipart/report";
    let said = head.words("Subject").is_some_and(|subject| says_so(&subject));
    submitted || precedence || told || weakly || receipt || sender.null_path || said
}

fn first_word(value: &str) -> String {
    value.split([';', ' ', '(']).next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// How subjects of such answers begin, in French, Dutch, German and English; a person who answers to one puts `Re:` before.
const SUBJECTS: [&str; 28] = [
    "réponse automatique",
    "reponse automatique",
    "message automatique",
    "réponse d'absence",
    "message d'absence",
    "absence du bureau",
    "absent du bureau",
    "absence :",
    "automatisch antwoord",
    "automatische antwoord",
    "automatisch bericht",
    "afwezigheidsbericht",
    "afwezig:",
    "afwezigheid:",
    "niet op kantoor",
    "automatische antwort",
    "automatische rückantwort",
    "automatische abwesenheits",
    "abwesenheitsnotiz",
    "abwesenheitsbenachrichtigung",
    "abwesenheitsmeldung",
    "abwesend:",
    "automatic reply",
    "auto reply",
    "auto-reply",
    "autoreply",
    "out of office",
    "out of the office",
];

fn says_so(subject: &str) -> bool {
    let subject: String = subject.trim().chars().flat_map(char::to_lowercase).map(|c| if c == '’' { '\'' } else { c }).collect();
    SUBJECTS.iter().any(|beginning| subject.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::super::clues::Ours;
    use super::super::mime;
    use super::*;

    fn machine(head: &str) -> bool {
        let mail = format!("{head}\r\n\r\ntext");
        let (head, body) = Head::read(mail.as_bytes());
        let own = Ours::new("b@canal.example", "compta@canal.example").is_list(&head);
        is(&head, &mime::parts(&head, body), Sender::of(&head), own, false)
    }

    #[test]
    fn machines_are_known_by_what_they_say_of_themselves() {
        for head in [
            "Auto-Submitted: auto-replied (vacation)",
            "Auto-Submitted: auto-generated; x=y",
            "Precedence: bulk",
            "Precedence: auto_reply",
            "List-Id: <x.example>",
            "List-Unsubscribe: <mailto:x>",
            "X-Autoreply: yes",
            "List-Id: <compta.canal.example>\r\nAuto-Submitted: auto-replied",
            "List-Id: <compta.canal.example.evil>",
            "X-Auto-Response-Suppress: All",
            "Return-Path: <>",
            "From: Mail Delivery System <MAILER-DAEMON@x.example>",
            "From: postmaster@x.example",
            "Subject: =?utf-8?q?R=C3=A9ponse_automatique_=3A?= Rappel",
            "Subject: Automatisch antwoord: rappel",
            "Subject: Abwesenheitsnotiz",
            "Subject: Out of Office: Reminder",
            "Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
        ] {
            assert!(machine(head), "{head}");
        }
    }

    #[test]
    fn what_points_to_us_is_a_machines_only_by_strong_marks() {
        let answer = |head: &str| {
            let mail = format!("{head}\r\n\r\ntext");
            let (head, body) = Head::read(mail.as_bytes());
            is(&head, &mime::parts(&head, body), Sender::of(&head), false, true)
        };
        for head in ["X-Auto-Response-Suppress: All", "List-Unsubscribe: <mailto:x>", "From: postmaster@client.example"] {
            assert!(!answer(head), "{head}");
        }
        for head in ["Auto-Submitted: auto-replied", "Return-Path: <>", "Subject: Out of Office: Reminder", "Precedence: bulk"] {
            assert!(answer(head), "{head}");
        }
    }

    #[test]
    fn people_are_people() {
        for head in [
            "Subject: Re: Rappel",
            "Auto-Submitted: no",
            "Precedence: normal",
            "Return-Path: <marie@client.example>",
            "From: Postmaster Smith <smith@client.example>",
            "Subject: Re: Automatic reply: Reminder",
            "Subject: Absence de facture",
            "Precedence: list\r\nList-Id: Our people <compta.canal.example>\r\nList-Unsubscribe: <x>",
            "Precedence: list\r\nList-Post: <https://groups.example/x>, <mailto:compta@canal.example>",
        ] {
            assert!(!machine(head), "{head}");
        }
    }
}
