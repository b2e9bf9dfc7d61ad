//! A firm to which everything happens that a report can tell.

use crate::support::{Act, Config, Row, Smtp, Stage, World};
use jiff::civil::{Date, date};
use relance::domain::inbound::{Came, Clues, Incoming, Via};
use relance::flow::called::{self, Report};
use relance::flow::calls::Reached;
use relance::flow::listen;

/// Everybody in Belgium, but for those below.
const STANDARD: &str = r#"
name = "standard"
minimum = "10.00"
applies_to = { country = "BE" }
[[step]]
id = "courtesy"
when = "5 days before due"
channel = "email"
[[step]]
id = "reminder"
when = "4 working days after due"
channel = "email"
[[step]]
id = "firm"
when = "8 days after reminder"
channel = "email"
"#;

/// A call the day after the reminder.
const CALLED: &str = r#"
name = "called"
applies_to = { debtor = ["C121", "C122", "C123", "C124"] }
[[step]]
id = "reminder"
when = "4 working days after due"
channel = "email"
[[step]]
id = "phone"
when = "1 day after reminder"
channel = "call"
text = "Demander la date de paiement"
"#;

/// Nothing without a yes.
const ASKED: &str = r#"
name = "asked"
applies_to = { debtor = "C131" }
[[step]]
id = "reminder"
when = "4 working days after due"
channel = "email"
approval = true
"#;

/// The owner may object.
const TOLD: &str = r#"
name = "told"
applies_to = { debtor = "C132" }
[[step]]
id = "reminder"
when = "4 working days after due"
channel = "email"
notify_owner = "2 working days"
"#;

/// A step that needs what the ledger lacks.
const NEEDY: &str = r#"
name = "needy"
applies_to = { debtor = "C133" }
[[step]]
id = "reminder"
when = "4 working days after due"
channel = "email"
needs = "po_number"
"#;

/// Key accounts: first a person of our own.
const KEY: &str = r#"
name = "key"
applies_to = { state = "key_account" }
[[step]]
id = "reminder"
when = "4 working days after due"
channel = "email"
letter = "key-account"
[[step]]
id = "visit"
when = "8 days after due"
channel = "task"
text = "En parler au responsable du compte"
"#;

/// The configuration of that firm.
pub fn config(port: u16) -> Config {
    Config::mail(port)
        .email_line("when_uncertain = \"hold\"")
        .guard_line("old_debts = \"hold\"")
        .cadence(STANDARD)
        .file("cadences/called.toml", CALLED)
        .file("cadences/asked.toml", ASKED)
        .file("cadences/told.toml", TOLD)
        .file("cadences/needy.toml", NEEDY)
        .file("cadences/key.toml", KEY)
}

/// An invoice of 120.00 that falls due on a day.
fn due(id: &str, customer: &str, on: Date) -> Row {
    Row::new(id, customer).with("due_on", &on.to_string())
}

const LATE: Date = date(2026, 10, 26);
const LATER: Date = date(2026, 11, 5);

fn rows() -> Vec<Row> {
    let late = |id: &str, customer: &str| due(id, customer, LATE);
    let named = |row: Row, name: &str| row.with("customer_name", name);
    vec![
        named(late("2026-0101", "C101"), "Brasserie du Parvis SRL").with("total", "1850.00").with("balance", "1850.00"),
        named(late("2026-0102", "C102"), "Garage De Smet BV"),
        named(late("2026-0103", "C103"), "Imprimerie Les Trois Presses SCRL").with("balance", "640.00").with("total", "640.00"),
        named(late("2026-0104", "C104"), "Boulangerie Lenoir SRL"),
        named(late("2026-0105", "C105"), "Café Le Tram 51 SRL"),
        named(late("2026-0106", "C106"), "Bakkerij De Klok BV"),
        named(late("2026-0107", "C107"), "Garage Hubert SA")
            .with("status", "disputed")
            .with("balance", "2400.00")
            .with("total", "2400.00"),
        named(late("2026-0108", "C108"), "Studio Mireille Aubry").with("disputed_amount", "40.00"),
        named(late("2026-0109", "C109"), "Fleurs & Cie SNC"),
        named(late("2026-0110", "C109"), "Fleurs & Cie SNC").with("kind", "payment").with("balance", "-120.00").without("total"),
        named(late("2026-0111", "C111"), "Harbour & Pike Ltd").with("currency", "GBP").with("status", "disputed"),
        named(late("2026-0112", "C112"), "Pharmacie du Lac SA").with("balance", "5.00").with("total", "5.00"),
        named(late("2026-0113", "C113"), "Hôtel des Deux Quais SA")
            .with("country", "FR")
            .with("balance", "3100.00")
            .with("total", "3100.00"),
        named(late("2026-0114", "C114"), "Nathalie Fournier").with("status", "draft"),
        named(late("2026-0115", "C115"), "J. Peeters").without("customer_kind"),
        named(late("2026-0116", "C116"), "Atelier Voss").without("email"),
        named(late("2026-0117", "C117"), "Librairie Neuve SRL").with("tags", "insolvency"),
        named(late("2026-0121", "C121"), "Restaurant La Péniche SRL").with("balance", "980.00").with("total", "980.00"),
        named(late("2026-0122", "C122"), "Menuiserie Colard SRL"),
        named(late("2026-0123", "C123"), "Toitures Lambert SA").with("balance", "4200.00").with("total", "4200.00"),
        named(late("2026-0124", "C124"), "Drukkerij Maes BV"),
        named(late("2026-0131", "C131"), "Clinique Sainte-Anne ASBL").with("balance", "7350.00").with("total", "7350.00"),
        named(late("2026-0132", "C132"), "Transports Willems SA"),
        named(late("2026-0133", "C133"), "Ville de Namur"),
        named(due("2026-0141", "C141", LATER), "Optique Centrale SRL"),
        named(due("2026-0142", "C142", LATER), "Vélos & Co SRL").with("balance", "260.00").with("total", "260.00"),
        named(due("2026-0143", "C143", LATER), "Grand Magasin Royal SA")
            .with("tags", "key_account")
            .with("balance", "15800.00")
            .with("total", "15800.00"),
        named(due("2026-0145", "C145", date(2026, 12, 1)), "Annulée SRL"),
        named(due("2026-0146", "C146", date(2026, 11, 3)), "Lumière & Fils SA"),
        named(due("2026-0144", "C144", date(2026, 12, 1)), "Northgate School ASBL"),
    ]
}

/// The firm on the morning of Thursday, 12 November, half past seven: Wednesday was a holiday.
pub async fn firm(server: &Smtp) -> World {
    firm_with(config(server.port), server).await
}

/// The same with settings of its own.
pub async fn firm_with(config: Config, server: &Smtp) -> World {
    server.always("c106@client.example", Act::Reply(Stage::Rcpt, 550, "5.1.1 no such user"));
    server.always("c146@client.example", Act::Reply(Stage::Dot, 554, "5.7.1 looks like spam"));
    server.always("c105@client.example", Act::Close(Stage::Dot));
    let world = World::new(config).await;
    world.set("2026-10-20T10:00:00+02:00");
    world.insert(&rows()).await;
    world.round().await;
    world.set("2026-11-02T10:00:00+01:00");
    world.round().await;
    world.review().await;
    world.set("2026-11-03T10:00:00+01:00");
    world.round().await;
    promise(&world, "C121", Some(date(2026, 11, 3))).await;
    promise(&world, "C122", Some(date(2026, 11, 3))).await;
    world.set("2026-11-05T10:00:00+01:00");
    world.pay("2026-0104").await;
    world.round().await;
    tuesday(&world).await;
    world.set(super::MORNING);
    world.poll().await;
    world.plan().await;
    world
}

/// What happened on the last working day, after the report.
async fn tuesday(world: &World) {
    world.set("2026-11-10T10:00:00+01:00");
    world.pay("2026-0102").await;
    world.pay("2026-0122").await;
    world.change("2026-0145", "status", "void").await;
    let clues = Clues { from: Some("c114@client.example".to_owned()), ..Clues::default() };
    let answer = Incoming {
        key: "an answer".to_owned(),
        via: Via::Mail,
        came: Came::Reply,
        clues,
        subject: "Votre courriel du 2 novembre".to_owned(),
        text: "De quelle facture s’agit-il ?".to_owned(),
        dated: None,
    };
    listen::take(world.desk(), &answer, world.clock.now()).await.unwrap();
    world.change("2026-0103", "balance", "340.00").await;
    world.change("2026-0104", "balance", "120.00").await;
    world
        .insert(&[due("2026-0090", "C190", date(2026, 3, 2))
            .with("customer_name", "Vieux Comptoir SA")
            .with("balance", "9000.00")
            .with("total", "9000.00")])
        .await;
    world.round().await;
    world.review().await;
    promise(world, "C124", Some(date(2026, 11, 20))).await;
    world.hold("2026-0101", "2026-11-12").await;
    world.hold("2026-0144", "2026-11-11").await;
    world.plan().await;
    world.plan().await;
}

/// Reports the open call to a customer: reached, with or without a promise.
pub async fn promise(world: &World, customer: &str, until: Option<Date>) {
    let now = world.clock.now();
    let today = now.to_zoned(jiff::tz::TimeZone::get("Europe/Brussels").unwrap()).date();
    let tasks = world.store().open_tasks(false, today).await.unwrap();
    let task = tasks.iter().find(|t| t.debtor == customer).unwrap_or_else(|| panic!("no call to {customer}: {tasks:?}")).id;
    let next = until.is_none().then(|| relance::domain::time::plus_days(today, 1));
    let report = Report { reached: Reached::Reached, promise: until, excuse: None, note: None, next, number: None, by: None };
    called::record(world.desk(), task, &report, now).await.unwrap();
}
