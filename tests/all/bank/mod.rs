//! Statements of the bank: files of several banks' shapes, and what follows from them.

mod entries;
mod files;
mod flow;
mod hold;
mod program;
mod word;

use crate::support::{Config, Row, Smtp, World};
use jiff::civil::Date;
use relance::flow::bank::{self, Round};
use std::fmt::Write as _;
use std::path::Path;

/// A reference that proves itself.
pub const OGM: &str = "010806817183";

/// The bytes of a sample.
pub fn sample(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/bank").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// An entry of a statement that a test writes.
#[derive(Clone)]
pub struct Line {
    pub amount: &'static str,
    pub credit: bool,
    pub reversal: bool,
    pub on: Date,
    pub bank_ref: &'static str,
    pub reference: &'static str,
    pub text: &'static str,
    pub name: &'static str,
}

/// Money that came on the Friday before the tests' Monday, with the reference.
pub fn came(bank_ref: &'static str, amount: &'static str) -> Line {
    let on = "2026-10-30".parse().unwrap();
    Line { amount, credit: true, reversal: false, on, bank_ref, reference: OGM, text: "", name: "" }
}

/// The same money, taken back by the bank.
pub fn back(bank_ref: &'static str, amount: &'static str) -> Line {
    Line { credit: false, reversal: true, ..came(bank_ref, amount) }
}

/// A statement in camt.053.
pub fn statement(id: &str, lines: &[Line]) -> String {
    let mut entries = String::new();
    for l in lines {
        let side = if l.credit { "CRDT" } else { "DBIT" };
        let reference = match l.reference {
            "" => String::new(),
            r => format!("<Strd><CdtrRefInf><Ref>{r}</Ref></CdtrRefInf></Strd>"),
        };
        write!(
            entries,
            "<Ntry><Amt Ccy=\"EUR\">{}</Amt><CdtDbtInd>{side}</CdtDbtInd><RvslInd>{}</RvslInd><Sts>BOOK</Sts><BookgDt><Dt>{}</Dt></BookgDt>\
             <AcctSvcrRef>{}</AcctSvcrRef><NtryDtls><TxDtls><RltdPties><Dbtr><Nm>{}</Nm></Dbtr></RltdPties><RmtInf>{reference}<Ustrd>{}</Ustrd></RmtInf>\
             </TxDtls></NtryDtls></Ntry>",
            l.amount, l.reversal, l.on, l.bank_ref, l.name, l.text
        )
        .unwrap();
    }
    format!(
        "<Document><BkToCstmrStmt><Stmt><Id>{id}</Id><Acct><Id><IBAN>BE68539007547034</IBAN></Id></Acct>{entries}</Stmt></BkToCstmrStmt></Document>"
    )
}

/// A firm with a folder for statements.
pub fn config(port: u16, more: &str) -> Config {
    Config::mail(port).file("conf.d/bank.toml", &format!("[bank]\nfolder = \"bank\"\n{more}")).file("bank/.keep", "")
}

/// An invoice with the reference.
pub fn owed() -> Row {
    Row::new("F-1", "C1").with("reference", "+++010/8068/17183+++")
}

/// A firm whose reminder of F-1 is planned and has not left.
pub async fn planned(server: &Smtp) -> World {
    let world = World::with(config(server.port, ""), &[owed()]).await;
    assert_eq!(world.plan().await.messages, 1);
    world
}

/// Drops a file into the folder.
pub fn drop_file(world: &World, name: &str, text: impl AsRef<[u8]>) {
    std::fs::write(world.path("bank").join(name), text).unwrap();
}

/// A look into the folder.
pub async fn step(world: &World) -> Round {
    bank::step(world.desk()).await.unwrap().unwrap()
}
