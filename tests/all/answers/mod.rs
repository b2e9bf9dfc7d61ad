//! The answer page over real sockets: from the link in a message to what is sent next.

mod bounds;
mod browser;
mod decide;
mod hostile;
mod links;
mod links_in_letters;
mod program;
mod taken;

use crate::sms_back::form;
use crate::support::{Config, Row, Smtp, World};
use relance::web::page::{BOUNDS, Page};
use relance::web::serve::{self, Listener};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What customers call the page.
pub const PUBLIC: &str = "https://answers.canal.example";

/// The firm has a page.
pub fn with_page(config: Config, more: &str) -> Config {
    config.file("conf.d/answers.toml", &format!("[answers]\naddress = \"127.0.0.1:0\"\npublic = \"{PUBLIC}\"\n{more}"))
}

/// An answer of the page.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    /// The value that the page's forms send back.
    pub fn form(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"form\" value=\"").unwrap_or_else(|| panic!("no form in {}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find(|l| l.to_lowercase().starts_with(&format!("{name}: ")))?;
        line.split_once(": ").map(|(_, value)| value)
    }
}

/// A firm that has sent its reminders, with its page.
pub struct Desk {
    pub world: World,
    pub smtp: Smtp,
    pub page: Page,
    pub address: String,
    _listener: Listener,
}

impl Desk {
    pub async fn open(rows: &[Row]) -> Desk {
        Desk::with(rows, |c| c).await
    }

    pub async fn with(rows: &[Row], change: impl FnOnce(Config) -> Config) -> Desk {
        let smtp = Smtp::start().await;
        let config = change(with_page(Config::mail(smtp.port), ""));
        let world = World::with(config, rows).await;
        world.round().await;
        Desk::over(world, smtp).await
    }

    pub async fn over(world: World, smtp: Smtp) -> Desk {
        let page = Page::new(world.desk().setup.settings.answers.as_ref(), world.desk().tally.clone());
        page.sees(world.desk());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let listener = serve::serve(listener, BOUNDS, page.router());
        Desk { world, smtp, page, address, _listener: listener }
    }

    /// The path of the link in the newest message to a customer.
    pub fn link(&self, customer: &str) -> String {
        let address = format!("{}@client.example", customer.to_lowercase());
        let sent = self.smtp.to(&address);
        link_in(sent.last().unwrap_or_else(|| panic!("nothing left for {address}")).parsed().text())
    }

    pub async fn get(&self, target: &str) -> Reply {
        ask(&self.address, "GET", target, "", "").await
    }

    pub async fn post(&self, target: &str, body: &str) -> Reply {
        ask(&self.address, "POST", target, FORM, body).await
    }

    /// Opens a link and sends a form of the page that it shows.
    pub async fn answer(&self, target: &str, kind: &str, fields: &[(&str, &str)]) -> Reply {
        let value = self.get(target).await.form();
        let mut all = vec![("kind", kind), ("form", &value)];
        all.extend(fields);
        self.post(target, &form(&all)).await
    }

    /// The proposals, in short.
    pub async fn proposals(&self) -> Vec<String> {
        self.world.peek("SELECT kind || ' ' || state || coalesce(' ' || on_day, '') FROM proposal ORDER BY pk").await
    }

    /// The holds, in short.
    pub async fn holds(&self) -> Vec<String> {
        let sql = "SELECT h.kind || ' ' || coalesce(i.number, 'all') || ' ' || h.until_day || CASE WHEN h.ended_at IS NULL THEN '' ELSE ' ended' END
            FROM hold h LEFT JOIN invoice i ON i.pk = h.invoice_pk ORDER BY h.pk";
        self.world.peek(sql).await
    }

    /// The key of an invoice in the store, as forms have it.
    pub async fn key(&self, number: &str) -> String {
        let all = self.world.peek("SELECT number || '=' || pk FROM invoice").await;
        let found = all.iter().find_map(|row| row.strip_prefix(&format!("{number}=")));
        found.unwrap().to_owned()
    }

    pub async fn finish(self) {
        self.page.loses();
        self.world.finish().await;
    }
}

/// The path of the link in a text.
pub fn link_in(text: &str) -> String {
    let found = text.split_whitespace().find_map(|word| word.strip_prefix(PUBLIC));
    found.unwrap_or_else(|| panic!("no link in {text}")).to_owned()
}

pub const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// One request on a connection of its own.
pub async fn ask(address: &str, method: &str, target: &str, headers: &str, body: &str) -> Reply {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{method} {target} HTTP/1.1\r\nHost: inside\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    drop(stream.write_all(body.as_bytes()).await);
    let mut said = Vec::new();
    drop(stream.read_to_end(&mut said).await);
    let said = String::from_utf8(said).unwrap();
    let (head, body) = said.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {said:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, head: head.to_owned(), body: body.to_owned() }
}
