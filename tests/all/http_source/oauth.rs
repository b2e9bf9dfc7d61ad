//! Tokens that are fetched: kept as long as they last, renewed when they are refused, and each refresh token on the disk before
//! the one before is worth nothing.

use super::shapes::{self, Books};
use super::{Opened, presets};
use crate::support::Config;
use crate::support::config::LEDGER_KEY;
use crate::support::http::{Answer, Http, Request};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

/// A Xero that gives another refresh token each time and takes each once; access tokens are `a1`, `a2` …
fn xero(
    books: &Books,
    taken: Arc<Mutex<(String, u32)>>,
    refuses: &'static str,
) -> impl Fn(&Request) -> Answer + Send + Sync + 'static {
    let answers = shapes::xero(books);
    move |request| {
        if request.path != "/token" {
            if request.header("authorization") == Some(&format!("Bearer {refuses}")) {
                return Answer::new(401, "{}");
            }
            return answers(request);
        }
        let mut state = taken.lock().unwrap();
        if request.field("refresh_token") != Some(&state.0) || request.field("grant_type") != Some("refresh_token") {
            return Answer::new(400, &format!("{{\"error\": \"invalid_grant {}\"}}", state.0));
        }
        state.1 += 1;
        state.0 = format!("r3fresh-{}", state.1);
        Answer::new(
            200,
            &format!("{{\"access_token\": \"a{}\", \"expires_in\": 1800, \"refresh_token\": \"{}\"}}", state.1, state.0),
        )
    }
}

fn config(url: &str) -> Config {
    let more = "key = { file = \"ledger.secret\" }\nsecret = { file = \"ledger.secret\" }\nclient_id = \"app\"\ntenant = \"tenant-1\"\ntokens = \"tokens\"";
    Config::mail(25).system("xero", url, more).file("sources/xero.toml", &presets::with_tokens_here("xero"))
}

#[tokio::test]
async fn a_refresh_token_that_changes_is_kept_and_used_the_next_time() {
    let books = Books::new(&[(1, 100)]);
    let state = Arc::new(Mutex::new((LEDGER_KEY.to_owned(), 0)));
    let server = Http::answering(xero(&books, state.clone(), "a2")).await;
    let folder = tempfile::TempDir::new().unwrap();
    let config = config(&server.url());
    config.write(folder.path());
    let open = || {
        let path = folder.path().join("relance.toml");
        let setup = relance::config::Setup::load(&path, std::collections::BTreeMap::new()).unwrap();
        async move { relance::source::Source::open(&setup).await.unwrap() }
    };
    drop(rustls::crypto::ring::default_provider().install_default());
    let list = |source: relance::source::Source| async move {
        let columns = source.columns().await.unwrap();
        let mut reading = source.read(&columns, 1).await.unwrap();
        let mut rows = 0;
        while let Some(page) = reading.next_page().await.unwrap() {
            rows += page.rows.len();
        }
        rows
    };
    let first = open().await;
    assert_eq!(list(first.clone()).await, 1);
    let tokens = folder.path().join("tokens");
    assert_eq!(std::fs::read_to_string(&tokens).unwrap(), "r3fresh-1\n");
    assert_eq!(std::fs::metadata(&tokens).unwrap().permissions().mode() & 0o777, 0o600);
    // The same program asks for no other as long as the token lasts.
    assert_eq!(list(first).await, 1);
    assert_eq!(state.lock().unwrap().1, 1);
    // Another begins with what was kept, not with the key. Its token is refused once, so it gets another.
    assert_eq!(list(open().await).await, 1);
    assert_eq!(std::fs::read_to_string(&tokens).unwrap(), "r3fresh-3\n");
    let at_token: Vec<Request> = server.requests().into_iter().filter(|r| r.path == "/token").collect();
    assert_eq!(at_token.len(), 3);
    assert!(at_token.iter().all(|r| r.header("authorization").is_some_and(|h| h.starts_with("Basic "))));
}

#[tokio::test]
async fn a_token_that_is_worth_nothing_is_told_without_a_word_of_it() {
    let server = Http::answering(xero(&Books::new(&[]), Arc::new(Mutex::new(("zzz0".to_owned(), 0))), "")).await;
    let ledger = Opened::with(config(&server.url())).await;
    let told = ledger.list().await.unwrap_err().to_string();
    assert!(told.contains("no token was given: HTTP 400; see [source] key (the refresh token"), "{told}");
    assert!(!told.contains(LEDGER_KEY) && !told.contains("zzz0"), "{told}");
}

#[tokio::test]
async fn a_token_that_comes_when_nobody_waits_any_more_is_kept_all_the_same() {
    let books = Books::new(&[(1, 100)]);
    let (state, let_go) = (Arc::new(Mutex::new((LEDGER_KEY.to_owned(), 0))), Arc::new(tokio::sync::Notify::new()));
    let (answers, held) = (xero(&books, state.clone(), ""), let_go.clone());
    let server = Http::answering(move |request| match (request.path.as_str(), answers(request)) {
        ("/token", Answer::Raw(bytes)) => Answer::When(held.clone(), bytes),
        (_, other) => other,
    })
    .await;
    let ledger = Opened::with(config(&server.url())).await;
    // Whoever asked gives up as soon as the system has given the token, and before it has come.
    let given = async {
        while state.lock().unwrap().1 == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        list = ledger.list() => panic!("{list:?}"),
        () = given => {}
    }
    let_go.notify_one();
    // What asks next begins with what was kept: the token before it would be refused.
    let list = async {
        let rows = ledger.list().await;
        rows.unwrap_or_else(|e| panic!("{e}"))
    };
    assert_eq!((list.await.len(), state.lock().unwrap().1), (1, 1));
    let kept = std::fs::read_to_string(ledger.folder().join("tokens")).unwrap();
    assert_eq!(kept, "r3fresh-1\n");
}

#[tokio::test]
async fn whoever_gives_tokens_may_ask_for_patience_as_well() {
    let server = Http::start(Answer::with(429, "Retry-After: 600\r\n", "")).await;
    let error = Opened::with(config(&server.url())).await.list().await.unwrap_err();
    let relance::source::SourceError::Http { why, wait, .. } = error else { panic!("{error}") };
    assert!(why.contains("no token was given: HTTP 429; it is tried again by itself"), "{why}");
    assert_eq!(wait, Some(std::time::Duration::from_secs(600)));
}

#[tokio::test]
async fn client_credentials_need_no_file() {
    let books = Books::new(&[(1, 100)]);
    let answers = shapes::xero(&books);
    let server = Http::answering(move |request| match request.path.as_str() {
        "/token"
            if request.field("grant_type") == Some("client_credentials")
                && request.field("client_secret") == Some(LEDGER_KEY) =>
        {
            Answer::new(200, "{\"access_token\": \"a1\", \"expires_in\": 1800}")
        }
        "/token" => Answer::new(400, ""),
        _ => answers(request),
    })
    .await;
    let own = presets::with_tokens_here("xero")
        .replace("grant = \"refresh_token\"", "grant = \"client_credentials\"\nclient = \"body\"");
    let more = "secret = { file = \"ledger.secret\" }\nclient_id = \"app\"\ntenant = \"tenant-1\"";
    let config = Config::mail(25).system("xero", &server.url(), more).file("sources/xero.toml", &own);
    assert_eq!(Opened::with(config).await.list().await.unwrap().len(), 1);
}
