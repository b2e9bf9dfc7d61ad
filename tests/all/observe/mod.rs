//! What can be seen of a daemon from outside: metrics, health, the journal; and the files that watch them.

mod events;
mod files;
mod page;
mod places;
mod program;

use crate::program::within;
use crate::support::World;
use relance::config::settings::ObserveSettings;
use relance::daemon::Vitals;
use relance::observe::Observed;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// A daemon whose desk is the world's.
fn observed(world: &World) -> (Observed, Arc<Vitals>) {
    let observed = Observed::new(&ObserveSettings::default(), world.clock.now());
    let vitals = Arc::default();
    observed.sees(world.desk(), &vitals);
    (observed, vitals)
}

/// The samples of a page by name and labels.
fn samples(page: &str) -> BTreeMap<String, f64> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap()).map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

/// The names of the families of a page.
fn families(page: &str) -> Vec<String> {
    page.lines().filter_map(|line| line.strip_prefix("# TYPE ")).map(|l| l.split(' ').next().unwrap().to_owned()).collect()
}

/// An answer over a socket.
#[derive(Debug)]
struct Got {
    status: u16,
    head: String,
    body: String,
}

/// Asks a listener on this machine; these bytes, to the letter.
fn say(address: &str, request: &[u8]) -> Got {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(request).unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    let (head, body) = all.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{all}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Got { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

fn ask(address: &str, method: &str, path: &str) -> Got {
    say(address, format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes())
}

fn get(address: &str, path: &str) -> Got {
    ask(address, "GET", path)
}

/// Waits until a path is answered so.
fn wait_for_answer(address: &str, path: &str, status: u16, body: &str) {
    let mut last = None;
    let holds = || {
        let got = get(address, path);
        let good = got.status == status && got.body.contains(body);
        last = Some(got);
        good
    };
    assert!(within(Duration::from_secs(60), holds), "waited in vain for {path} to say {status} {body}: {last:?}");
}
