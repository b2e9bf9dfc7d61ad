//! Encryption and login: nothing leaves in the clear, to a stranger, or without a login that is taken.

use crate::support::smtp::Offers;
use crate::support::tls::Authority;
use crate::support::{Config, Row, Smtp, World};

const PASSWORD: &str = "correct horse battery";

/// A relay to be reached by a scheme, with encryption as the default has it.
fn encrypted(scheme: &str, port: u16, ca: &str) -> Config {
    let mut config = Config::mail(port).file("ca.pem", ca);
    config.email = Some(format!("from = \"compta@canal.example\"\nsmtp = \"{scheme}://127.0.0.1:{port}\"\nca = \"ca.pem\"\n"));
    config
}

async fn starttls(authority: &Authority) -> Smtp {
    Smtp::with(Offers { starttls: Some(authority.acceptor.clone()), ..Offers::default() }).await
}

#[tokio::test]
async fn starttls_is_used_where_it_is_offered() {
    let authority = Authority::new();
    let server = starttls(&authority).await;
    let world = World::with(encrypted("smtp", server.port, &authority.pem), &[Row::new("F-1", "C1")]).await;
    world.round().await;
    assert_eq!(world.outcomes().await, ["accepted email reminder"]);
    assert!(server.only().encrypted);
    world.finish().await;
}

#[tokio::test]
async fn tls_from_the_first_byte_works() {
    let authority = Authority::new();
    let server = Smtp::with(Offers { implicit_tls: Some(authority.acceptor.clone()), dsn: true, ..Offers::default() }).await;
    let world = World::with(encrypted("smtps", server.port, &authority.pem), &[Row::new("F-1", "C1")]).await;
    world.round().await;
    assert_eq!(world.outcomes().await, ["accepted email reminder"]);
    assert!(server.only().encrypted && !server.only().mail_params.is_empty());
    world.finish().await;
}

/// A relay to which nothing may be sent, and what must be said of it.
async fn nothing_leaves(server: &Smtp, config: Config, said: &str) {
    let world = World::with(config, &[Row::new("F-1", "C1")]).await;
    world.round().await;
    assert_eq!(server.begun().len(), 0, "nothing may be sent");
    assert_eq!(server.state().logins, vec![], "no password may be shown");
    assert_eq!(world.outcomes().await, ["deferred email reminder network"]);
    let answer = world.log().await[0].answer.clone().unwrap();
    assert!(answer.contains(said), "wanted «{said}» in «{answer}»");
    assert_eq!(world.store().brakes().await.unwrap()[0].kind, "channel:email");
    assert_eq!(world.queue().await, ["deferred 1"]);
    world.finish().await;
}

/// The configuration with a login.
fn with_login(config: Config) -> Config {
    config.email_line("user = \"compta\"").email_line("password = { file = \"smtp.secret\" }").file("smtp.secret", PASSWORD)
}

#[tokio::test]
async fn a_server_without_starttls_gets_nothing() {
    let authority = Authority::new();
    let server = Smtp::with(Offers { login: Some(("compta", PASSWORD)), ..Offers::default() }).await;
    let config = with_login(encrypted("smtp", server.port, &authority.pem));
    nothing_leaves(&server, config, "offers no STARTTLS; use smtps://").await;
}

#[tokio::test]
async fn a_certificate_of_a_stranger_gets_nothing_by_starttls() {
    let server = starttls(&Authority::new()).await;
    let config = with_login(encrypted("smtp", server.port, &Authority::new().pem));
    nothing_leaves(&server, config, "invalid peer certificate").await;
}

#[tokio::test]
async fn a_certificate_of_a_stranger_gets_nothing_by_tls_from_the_first_byte() {
    let server = Smtp::with(Offers { implicit_tls: Some(Authority::new().acceptor), ..Offers::default() }).await;
    let config = with_login(encrypted("smtps", server.port, &Authority::new().pem));
    nothing_leaves(&server, config, "invalid peer certificate").await;
}

#[tokio::test]
async fn a_certificate_that_has_run_out_gets_nothing() {
    let authority = Authority::expired();
    let server = Smtp::with(Offers { implicit_tls: Some(authority.acceptor.clone()), ..Offers::default() }).await;
    let config = with_login(encrypted("smtps", server.port, &authority.pem));
    nothing_leaves(&server, config, "certificate expired").await;
}

#[tokio::test]
async fn a_ca_file_that_cannot_be_read_says_so() {
    let server = starttls(&Authority::new()).await;
    nothing_leaves(&server, encrypted("smtp", server.port, "no certificate here"), "ca.pem").await;
    let server = Smtp::with(Offers { implicit_tls: Some(Authority::new().acceptor), ..Offers::default() }).await;
    nothing_leaves(&server, encrypted("smtps", server.port, "no certificate here"), "ca.pem").await;
}

#[tokio::test]
async fn words_slipped_in_before_the_encryption_are_not_taken_for_the_servers() {
    let authority = Authority::new();
    let offers =
        Offers { starttls: Some(authority.acceptor.clone()), injected: "\r\n250-evil.example\r\n250 DSN", ..Offers::default() };
    let server = Smtp::with(offers).await;
    let world = World::with(encrypted("smtp", server.port, &authority.pem), &[Row::new("F-1", "C1")]).await;
    world.round().await;
    assert_eq!(server.whole().len(), 0);
    assert_eq!(world.outcomes().await, ["deferred email reminder network"]);
    world.finish().await;
}

#[tokio::test]
async fn the_login_is_shown_only_behind_the_encryption() {
    let authority = Authority::new();
    let offers = Offers { starttls: Some(authority.acceptor.clone()), login: Some(("compta", PASSWORD)), ..Offers::default() };
    let server = Smtp::with(offers).await;
    let config = with_login(encrypted("smtp", server.port, &authority.pem));
    let world = World::with(config, &[Row::new("F-1", "C1")]).await;
    world.round().await;
    assert!(server.only().encrypted);
    assert_eq!(server.state().logins, [("compta".to_owned(), true)]);
    world.finish().await;
}

#[tokio::test]
async fn a_refused_login_rests_the_channel_without_a_storm_and_tells_the_creditor_once() {
    let server = Smtp::with(Offers { login: Some(("compta", "another word")), ..Offers::default() }).await;
    let rows: Vec<Row> = (1..=10).map(|i| Row::new(&format!("F-{i}"), &format!("C{i}"))).collect();
    let world = World::with(with_login(Config::mail(server.port)), &rows).await;
    world.plan().await;
    for _ in 0..5 {
        world.deliver().await;
        world.review().await;
    }
    assert_eq!(world.outcomes().await, ["deferred email reminder authentication"]);
    // At most one try of each connection, and one for the alert itself.
    let logins = server.state().logins.len();
    assert!(logins <= 4 + 1, "{logins} logins");
    let answer = world.log().await[0].answer.clone().unwrap();
    assert!(answer.contains("refuses the login of \"compta\"") && answer.contains("see [email] user and password"), "{answer}");
    assert!(!answer.contains(PASSWORD));
    let mut queue = world.queue().await;
    queue.sort();
    assert_eq!(queue, ["deferred 1", "queued 9"], "everything is back in the queue");
    assert_eq!(world.alerts().await, ["channel:email"]);

    // The password is mended: everything leaves, and the creditor reads what was the matter.
    server.state().offers.login = Some(("compta", PASSWORD));
    world.minutes(10);
    world.deliver().await;
    world.review().await;
    assert_eq!(server.accepted().len(), 10 + 1);
    let alert = &server.to("compta@canal.example")[0].parsed();
    assert!(alert.text().contains("refuses the login"), "{}", alert.text());
    assert!(!alert.text().contains(PASSWORD));
    world.review().await;
    assert_eq!(server.to("compta@canal.example").len(), 1);
    assert_eq!(world.alerts().await, Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn a_password_that_cannot_be_read_is_told_and_nothing_is_lost() {
    let server = Smtp::with(Offers { login: Some(("compta", PASSWORD)), ..Offers::default() }).await;
    let world = World::with(with_login(Config::mail(server.port)), &[Row::new("F-1", "C1")]).await;
    world.plan().await;
    std::fs::remove_file(world.path("smtp.secret")).unwrap();
    for _ in 0..3 {
        assert_eq!(world.deliver().await.broken, 1);
        world.review().await;
    }
    let brakes = world.store().brakes().await.unwrap();
    assert_eq!((brakes.len(), brakes[0].kind.as_str(), brakes[0].tries), (1, "channel:email", 1));
    assert!(brakes[0].text.contains("smtp.secret"), "{}", brakes[0].text);
    assert!(relance::flow::brake::held_up(world.desk()).await.unwrap(), "`run --once` says so by its exit code");
    assert_eq!(world.alerts().await, ["channel:email"]);
    assert_eq!(world.queue().await, ["queued 1"]);
    assert_eq!(server.state().connections, 0);

    // No rest is needed: it leaves as soon as the secret can be read.
    std::fs::write(world.path("smtp.secret"), PASSWORD).unwrap();
    world.deliver().await;
    assert_eq!(world.whose("accepted").await, ["C1"]);
    assert_eq!(world.store().brakes().await.unwrap(), vec![]);
    world.finish().await;
}

#[tokio::test]
async fn a_server_that_wants_a_login_and_gets_none_rests_the_channel() {
    let server = Smtp::with(Offers { login: Some(("compta", PASSWORD)), ..Offers::default() }).await;
    let rows = [Row::new("F-1", "C1"), Row::new("F-2", "C2")];
    let world = World::with(Config::mail(server.port).email_line("connections = 1"), &rows).await;
    world.plan().await;
    for _ in 0..3 {
        world.deliver().await;
    }
    assert_eq!(world.outcomes().await, ["deferred email reminder authentication"]);
    assert_eq!(world.peek("SELECT address FROM point").await, Vec::<String>::new());
    assert_eq!(world.store().brakes().await.unwrap()[0].kind, "channel:email");
    world.finish().await;
}
