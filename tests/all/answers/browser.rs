//! The page in a real browser, where there is one: under its own policy, at the width of a telephone, in light and dark. Pictures go
//! to the folder RELANCE_PICTURES names, to be looked at; those in docs/ were made so.
#![allow(clippy::disallowed_methods, reason = "switches of the tests' own")]

use super::{Desk, with_page};
use crate::support::{Config, Row, Smtp, World};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// What a picture of an empty page takes at most, in bytes.
const EMPTY: u64 = 12_000;

fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("RELANCE_CHROMIUM").map(PathBuf::from);
    let places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].map(PathBuf::from);
    named.into_iter().chain(places).find(|path| path.exists())
}

/// Takes a picture; gives what the browser had to complain of.
async fn picture(browser: &Path, url: &str, file: &Path, height: u32, more: &[&str]) -> String {
    let profile = TempDir::new().unwrap();
    let mut command = assert_cmd::Command::new(browser);
    command
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-proxy-server", "--no-first-run"])
        .args(["--force-device-scale-factor=2", "--enable-logging=stderr", "--v=0", "--disable-dev-shm-usage"])
        .arg(format!("--window-size=360,{height}"))
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--screenshot={}", file.display()))
        .args(more)
        .arg(url)
        .timeout(Duration::from_secs(90));
    let ran = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    String::from_utf8_lossy(&ran.stderr).lines().filter(|l| l.contains("CONSOLE")).collect::<Vec<_>>().join("\n")
}

fn rows() -> Vec<Row> {
    let row = |id: &str, language: &str, due: &str, balance: &str| {
        let customer = format!("B{language}");
        let issued = due.replace("-10-", "-09-");
        Row::new(id, &customer)
            .with("number", &id.replace(language, "2026"))
            .with("customer_name", "Brasserie du Pont SA")
            .with("language", language)
            .with("issued_on", &issued)
            .with("due_on", due)
            .with("total", balance)
            .with("balance", balance)
    };
    let of = |l: &str| {
        vec![
            row(&format!("F-{l}-1187"), l, "2026-10-20", "1248.50"),
            row(&format!("F-{l}-1203"), l, "2026-10-26", "389.00"),
            row(&format!("F-{l}-1251"), l, "2026-11-24", "2310.00"),
        ]
    };
    ["fr", "nl", "de", "en"].into_iter().flat_map(of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_shown_under_its_own_policy_on_a_telephone() {
    let Some(browser) = browser() else {
        println!("left out: there is no browser");
        return;
    };
    let smtp = Smtp::start().await;
    let world = World::with(with_page(Config::mail(smtp.port), ""), &rows()).await;
    world.round().await;
    let desk = Desk::over(world, smtp).await;
    let own = TempDir::new().unwrap();
    let folder = std::env::var_os("RELANCE_PICTURES").map_or_else(|| own.path().to_owned(), PathBuf::from);
    let at = |target: &str| format!("http://{}{target}", desk.address);
    let mut shots = vec![("gone", at("/a/x"), 500, false), ("dark", at(&desk.link("Bfr")), 1350, true)];
    shots.extend(["fr", "nl", "de", "en"].map(|l| (l, at(&desk.link(&format!("B{l}"))), 1350, false)));
    for (name, url, height, dark) in shots {
        let file = folder.join(format!("{name}.png"));
        let more: &[&str] = if dark { &["--blink-settings=preferredColorScheme=0"] } else { &[] };
        let complaints = picture(&browser, &url, &file, height, more).await;
        assert_eq!(complaints, "", "{name}");
        let size = std::fs::metadata(&file).unwrap().len();
        assert!(size > EMPTY, "{name}: {size}");
    }
    // What a form says that does not hold together, and what is said after one that does, as the browser gets them.
    if std::env::var_os("RELANCE_PICTURES").is_some() {
        let mine = desk.world.peek("SELECT pk || '' FROM invoice WHERE source_id LIKE 'F-fr-%' ORDER BY source_id").await;
        for (name, kind, fields) in [
            ("wrong", "wrong", vec![("words", "Livraison incomplète")]),
            ("paid", "paid", vec![("on", "2026-11-12"), ("i", mine[0].as_str())]),
            ("done", "arrangement", vec![("words", "En trois fois, si possible"), ("i", mine[0].as_str()), ("i", &mine[1])]),
        ] {
            let html = own.path().join(format!("{name}.html"));
            std::fs::write(&html, desk.answer(&desk.link("Bfr"), kind, &fields).await.body).unwrap();
            let url = format!("file://{}", html.display());
            picture(&browser, &url, &folder.join(format!("{name}.png")), 2000, &[]).await;
        }
    }
    desk.finish().await;
}
