//! `[inbox]` and `grave.toml`: what they take, and what they say of what they do not.

use super::{GOOD, Tree};
use relance::config::settings::{After, InboxPlace, Tls};
use relance::domain::grave::Grave;
use std::path::Path;
use std::time::Duration;

const IMAP: &str = "[inbox]\nkind = \"imap\"\nurl = \"imaps://mail.canal.example\"\nuser = \"b\"\npassword = { file = \"p\" }\n";

fn imap(more: &str) -> Tree {
    Tree::good(&format!("{IMAP}{more}\n"))
}

#[test]
fn a_mailbox_is_off_unless_it_is_said() {
    assert_eq!(Tree::new(GOOD).setup().settings.inbox, None);
    let inbox = imap("").setup().settings.inbox.unwrap();
    let InboxPlace::Imap(server) = &inbox.place else { panic!("{inbox:?}") };
    assert_eq!((server.host.as_str(), server.port, server.tls), ("mail.canal.example", 993, Tls::Implicit));
    assert_eq!((server.folder.as_str(), server.timeout), ("INBOX", Duration::from_secs(60)));
    assert_eq!((inbox.poll, inbox.after, inbox.max_size), (Duration::from_secs(300), After::Leave, 10_000_000));
    let maildir =
        Tree::good("[inbox]\nkind = \"maildir\"\npath = \"mail\"\nafter = \"move: read/2026\"\n").setup().settings.inbox.unwrap();
    assert!(matches!(&maildir.place, InboxPlace::Maildir(path) if path.ends_with(Path::new("mail"))));
    assert_eq!(maildir.after, After::Move("read/2026".to_owned()));
}

#[test]
fn what_is_wrong_is_told_with_what_was_wanted() {
    imap("poll = \"1s\"").tells(&["relance.toml:24:8: \"poll\" is \"1s\"; wanted a time from \"10s\" to \"1d\", such as \"5m\""]);
    imap("max_size = \"50 MB\"")
        .tells(&["relance.toml:24:12: \"max_size\" is \"50 MB\"; wanted a size from \"100 kB\" to \"25 MB\", such as \"10 MB\""]);
    imap("after = \"move:../x\"")
        .tells(&["relance.toml:24:9: \"after\" is \"move:../x\"; wanted \"leave\", \"seen\" or \"move:FOLDER\""]);
    imap("after = \"move:inbox\"")
        .tells(&["relance.toml:24:1: \"after\" moves mail into \"inbox\", where it was read; wanted another folder"]);
    imap("path = \"x\"").tells(&[
        "relance.toml:24:1: unknown key \"path\" in [inbox]: a mailbox on a server has a url; wanted none, or kind = \"maildir\"",
    ]);
    imap("tls = \"none\"")
        .tells(&["relance.toml:24:1: tls = \"none\" contradicts imaps://, which is encrypted; wanted one of the two"]);
    Tree::good(&IMAP.replace("imaps://mail", "imap://mail").replace("user", "tls = \"none\"\nuser")).tells(&[
        "relance.toml:22:1: tls = \"none\" is only for a server on this machine, and \"mail.canal.example\" is not; wanted \"required\"",
    ]);
    Tree::good("[inbox]\nkind = \"pop3\"\n").tells(&["relance.toml:20:8: \"kind\" is \"pop3\"; wanted \"imap\" or \"maildir\""]);
    let told = Tree::good(&IMAP.replace("imaps://", "imaps://b:secret@")).loads().join("\n");
    assert!(told.contains("\"url\" holds a login") && !told.contains("secret@"), "{told}");
    let told = Tree::good("[inbox]\nkind = \"imap\"\n").loads();
    assert_eq!(told.len(), 3, "url, user and password: {told:?}");
}

#[test]
fn words_of_ones_own_take_the_place_of_those_that_are_shipped() {
    let shipped = Tree::new(GOOD).setup().grave;
    for (text, about) in [
        ("Bonjour, mon mari est décédé en mai.", Some(Grave::Death)),
        ("Wij zijn failliet verklaard, contacteer de curator.", Some(Grave::Insolvency)),
        ("Wir haben Insolvenzantrag gestellt.", Some(Grave::Insolvency)),
        ("My debt adviser will contact you.", Some(Grave::Mediation)),
        ("Ik zit in een collectieve schuldenregeling.", Some(Grave::Mediation)),
        ("Unser Rechtsanwalt wird sich melden.", Some(Grave::Lawyer)),
        ("Mon avocate vous écrira ; la société est en faillite.", Some(Grave::Insolvency)),
        ("Merci, payé ce matin.", None),
        ("Danke, ich zahle am 3. August mit Nachlass.", None),
        ("We shall pay on Friday.", None),
    ] {
        assert_eq!(shipped.grave(text), about, "{text}");
    }
    let own = "[death]\nfr = [\"parti\"]\n[insolvency]\n[mediation]\n[lawyer]\n";
    let words = Tree::new(GOOD).file("grave.toml", own).setup().grave;
    assert_eq!((words.grave("Il est parti."), words.grave("décédé")), (Some(Grave::Death), None));
    Tree::new(GOOD)
        .file("reach.toml", "[address]\nsuspect = 40\nmailbox = 50\n[life]\npaid = 200\n[silence]\ncontacts = 1\nquiet = 2\n[then]\ntasks = [\"fax\"]\n[x]\n")
        .tells(&[
            "reach.toml:3:1: \"mailbox\" is 50: one failure alone would make an address suspect; wanted less than \"suspect\", 40",
            "reach.toml:5:8: \"paid\": wanted a whole number from 0 to 100",
            "reach.toml:8:1: \"quiet\" is 2; wanted no more than \"contacts\", 1",
            "reach.toml:10:10: \"tasks\" names \"fax\"; wanted any of: address, call, letter; an empty list for none",
            "reach.toml:11:2: unknown key \"x\" here; wanted one of: address, life, silence, then",
        ]);
    Tree::good("\n[guard]\nunreachable_days = 3\n").tells(&[
        "relance.toml:21:1: unknown key \"unreachable_days\" in [guard]: it is \"days\" under [silence] in reach.toml beside this file; wanted it there",
    ]);
    let wrong = "[death]\nfrench = [\"x\"]\nfr = [\" * \", 1]\n[insolvency]\n[mediation]\n[divorce]\n";
    Tree::new(GOOD).file("grave.toml", wrong).tells(&[
        "grave.toml:1:1: \"lawyer\" is missing; wanted a table of languages, each with a list of words",
        "grave.toml:2:1: \"french\": wanted a language, such as \"fr\"",
        "grave.toml:3:7: \" * \": wanted a word or a few, of at most 80 characters",
        "grave.toml:3:14: \"fr\" holds a whole number; wanted words",
        "grave.toml:6:2: unknown key \"divorce\" here; wanted one of: death, insolvency, lawyer, mediation",
    ]);
}
