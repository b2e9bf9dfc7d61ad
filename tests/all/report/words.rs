//! The words of the report: all of them, in each language, and each placeholder filled.

use super::text;
use crate::support::{Config, Row, Smtp, World};
use relance::config::report::Words;
use relance::domain::decision::Brake;
use relance::domain::reason::Reason;
use relance::domain::step::Channel;
use relance::flow::report::{Form, page};

/// What a world's configuration says of the words of a file beside it.
fn problems(language: &str, text: &str) -> Vec<String> {
    let folder = tempfile::TempDir::new().unwrap();
    Config::mail(25).file(&format!("report/{language}.toml"), text).write(folder.path());
    let read = relance::config::Setup::load(&folder.path().join("relance.toml"), Default::default());
    match read {
        Ok(setup) => {
            assert!(setup.report_words(language).is_some_and(|(_, words): (_, &Words)| !words.text("page.title").is_empty()));
            vec![]
        }
        Err(e) => e.0.into_iter().map(|p| p.text).collect(),
    }
}

#[test]
fn a_file_of_words_is_whole_or_refused() {
    let french = relance::config::bundled::REPORT.iter().find(|(name, _)| *name == "report/fr.toml").unwrap().1;
    assert_eq!(problems("fr", french), Vec::<String>::new());
    let lacking = french.replace("disputed = \"en litige\"\n", "").replace("free = ", "fre = ");
    let found = problems("it", &lacking);
    assert!(found.iter().any(|p| p.contains("\"disputed\" is missing in [reason]")), "{found:?}");
    assert!(found.iter().any(|p| p.contains("\"free\" is missing in [page]")), "{found:?}");
    assert!(found.iter().any(|p| p.contains("unknown key \"fre\"")), "{found:?}");
    let found = problems("it", &french.replace("\"dimanche\"", ""));
    assert!(found.iter().any(|p| p.contains("seven names")), "{found:?}");
}

/// Each placeholder of one language stands in all others: a value that one of them lacks would not be told there.
#[test]
fn the_languages_tell_the_same() {
    let holes = |text: &str| -> Vec<(String, Vec<String>)> {
        let mut table = String::new();
        let mut all = Vec::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('[') {
                table = name.trim_end_matches(']').to_owned();
            } else if let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
                let mut names: Vec<String> = value.split('{').skip(1).map(|p| p.split('}').next().unwrap().to_owned()).collect();
                names.sort();
                all.push((format!("{table}.{key}"), names));
            }
        }
        all
    };
    let files = relance::config::bundled::REPORT;
    assert_eq!(files.len(), 4);
    for (name, text) in files {
        assert_eq!(holes(text), holes(files[0].1), "{name}");
    }
}

#[tokio::test]
async fn a_firm_with_nothing_to_do_reads_well_in_each_language() {
    let world = World::new(Config::mail(25)).await;
    world.set(super::MORNING);
    let mut all = text(&world, "fr").await;
    world.insert(&[Row::new("F-1", "C1").with("due_on", "2026-12-20")]).await;
    world.poll().await;
    world.plan().await;
    for language in ["fr", "nl", "de", "en"] {
        all.push_str(&text(&world, language).await);
    }
    insta::assert_snapshot!("nothing_to_do", all);
    world.finish().await;
}

/// What stops sending is the first thing that is read, in words, with what it rests on.
#[tokio::test]
async fn what_stops_sending_is_told_in_each_language() {
    let server = Smtp::start().await;
    let config = Config::mail(server.port).guard_line("dry_run = true").guard_line("redirect_to = \"me@canal.example\"");
    let world = World::with(config, &[Row::new("F-1", "C1")]).await;
    world.store().set_brake("channel:email", world.clock.now(), None, "login refused").await.unwrap();
    world.set("2026-11-05T07:30:00+01:00");
    let head = |text: String| text.split("\n\n").nth(1).unwrap().to_owned();
    let mut all = Vec::new();
    for language in ["fr", "nl", "de", "en"] {
        all.push(head(text(&world, language).await));
    }
    insta::assert_snapshot!("stopped", all.join("\n\n"));
    world.finish().await;
}

/// What others said stands as they said it; the program's own words around it are those of the report.
#[tokio::test]
async fn a_stop_is_told_in_one_language() {
    let world = World::new(Config::mail(25)).await;
    world.set(super::MORNING);
    let mut built = relance::flow::report::build(world.desk()).await.unwrap();
    let stop = |reason, text: &str| Brake::new(reason, text.to_owned());
    let said = |words: &str| Some(words.to_owned());
    built.sending.stops = vec![
        Brake {
            said: said("no such table: invoices"),
            ..stop(Reason::PollFailed, "the last poll failed: no such table: invoices")
        },
        Brake { count: Some(31), ..stop(Reason::LedgerShrunk, "31 of 90 open invoices are gone from the ledger") },
        Brake {
            channel: Some(Channel::Email),
            said: said("login refused"),
            ..stop(Reason::ChannelStopped, "the channel email is stopped: login refused")
        },
        stop(Reason::PollFailed, "the ledger has not been read yet; nothing is wrong if relance was started just now"),
    ];
    let page = page(world.desk(), &built, "fr", Form::Mail).unwrap();
    let stops: Vec<String> = page.facts[..4].iter().map(|f| f.replace(['\u{a0}', '\u{202f}'], " ")).collect();
    assert_eq!(
        stops,
        [
            "La comptabilité n’a pas pu être lue [no such table: invoices]",
            "31 factures ont disparu d’un coup de la comptabilité ; après vérification : relance release --ledger",
            "Le canal e-mail ne fonctionne pas [login refused]",
            "La comptabilité n’a pas pu être lue",
        ]
    );
    world.finish().await;
}
