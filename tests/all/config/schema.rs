//! The JSON Schemas for editors: they know the keys that the reader knows, take what it takes, and refuse what it refuses
//! where a schema can. The lists of keys are the reader's own words about an unknown key.

use super::{GOOD, Tree};
use relance::config::bundled;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// A table of a file: the schema's name, the place of the table in it, the file, and a text of it that is good, with an
/// `§` where a line more can stand. A table stands here again where other keys make other keys known.
struct Table {
    schema: &'static str,
    pointer: &'static str,
    file: &'static str,
    text: String,
}

const CADENCE: &str = "name = \"x\"\n";
const STEP: &str = "name = \"x\"\n[[step]]\nid = \"reminder\"\nwhen = \"4 days after due\"\nchannel = \"email\"\n";
const CALL: &str = "name = \"x\"\n[[step]]\nid = \"ring\"\nwhen = \"4 days after due\"\nchannel = \"call\"\ntext = \"Ask\"\n";
const SMS: &str = "[sms]\ngateway = \"x\"\nurl = \"https://sms.example\"\n";
const INBOX: &str = "[inbox]\nkind = \"imap\"\nurl = \"imaps://mail.example\"\n";
const ANSWER: &str = "[[answer]]\nstatus = \"200\"\noutcome = \"accepted\"\n";
const LISTEN: &str = "[listen]\naddress = \"127.0.0.1:8480\"\npublic = \"https://hooks.canal.example\"\n";
const ANSWERS: &str = "[answers]\naddress = \"127.0.0.1:8481\"\npublic = \"https://answers.canal.example\"\n";
const VERIFY: &str = "[verify]\nby = \"url\"\n";
const RECEIPT: &str = "[receipt]\nmethod = \"GET\"\nfields = \"query\"\nid = \"id\"\nstate = \"state\"\n";
const STATES: &str = "[receipt.states]\ndelivered = \"1\"\n";
const INBOUND: &str = "[inbound]\nmethod = \"GET\"\nfields = \"query\"\nfrom = \"from\"\ntext = \"text\"\n";
const NAMED: &str = "title = \"x\"\n";
const LIST: &str = "[list]\npath = \"/x\"\n";
const COLUMNS: &str = "[columns]\ninvoice_id = \"/a\"\nnumber = \"/a\"\ncustomer_id = \"/a\"\ncustomer_name = \"/a\"\ndue_on = \"/a\"\ncurrency = \"/a\"\nbalance = \"/a\"\n";
const DATED: &str = "from = \"2026-01-01\"\nbasis = \"sourced\"\n";

fn tables() -> Vec<Table> {
    let behind = |header: &str| GOOD.replace(&format!("{header}\n"), &format!("{header}\n§\n"));
    let more = |text: &str| format!("{GOOD}{text}");
    let sqlite = "kind = \"sqlite\"\npath = \"invoices.db\"\n";
    let postgres = "kind = \"postgres\"\nurl = \"postgres://relance@db.example/billing\"\n";
    let file = "url = \"sqlite://relance.db\"\n";
    let database = "url = \"postgres://relance@db.example/relance\"\n";
    let login = "user = \"compta\"\npassword = { § file = \"x\" }\n";
    let in_database = |lines: &str| GOOD.replace(file, &format!("{database}{lines}"));
    let in_postgres = |lines: &str| GOOD.replace(sqlite, &format!("{postgres}{lines}"));
    let step = |lines: &str| format!("{STEP}{lines}");
    let law = |text: &str| format!("name = \"X\"\n{text}");
    let relance = |pointer, text| Table { schema: "relance", pointer, file: "relance.toml", text };
    let cadence = |pointer, text| Table { schema: "cadence", pointer, file: "cadences/x.toml", text };
    let gateway = |pointer, text| Table { schema: "gateway", pointer, file: "gateways/x.toml", text };
    let calendar = |pointer, text| Table { schema: "calendar", pointer, file: "calendars/BE.toml", text };
    let of_law = |pointer, text| Table { schema: "law", pointer, file: "law/BE.toml", text };
    let reach = |pointer, text| Table { schema: "reach", pointer, file: "reach.toml", text };
    let source = |pointer, text: &str| Table { schema: "source", pointer, file: "sources/x.toml", text: text.to_owned() };
    let system = |pointer, text: &str| source(pointer, &format!("{NAMED}{LIST}{text}{COLUMNS}"));
    let http = |lines: &str| {
        GOOD.replace(sqlite, &format!("kind = \"http\"\npreset = \"erpnext\"\nurl = \"https://erp.example\"\n{lines}"))
    };
    let (key, secret) = ("key = { file = \"x\" }\n", "secret = { file = \"x\" }\n");
    let request = "[request]\nmethod = \"GET\"\npath = \"/send\"\n";
    vec![
        relance("", format!("§\n{GOOD}")),
        relance("/properties/creditor", behind("[creditor]")),
        relance("/properties/source", behind("[source]")),
        relance("/properties/source", in_postgres("§\n")),
        relance("/properties/source", GOOD.replace(sqlite, "kind = \"csv\"\npath = \"export\"\n§\n")),
        relance("/properties/bank", more("[bank]\nfolder = \"bank\"\n§\n")),
        relance("/properties/source/properties/password", in_postgres("password = { § file = \"x\" }\n")),
        relance("/properties/source", http(&format!("{key}{secret}§\n"))),
        relance("/properties/source/properties/key", http(&format!("{secret}{}", key.replace("{ ", "{ § ")))),
        relance("/properties/source/properties/secret", http(&format!("{key}{}", secret.replace("{ ", "{ § ")))),
        relance("/properties/people", more("[people]\n§\n")),
        relance("/properties/store", behind("[store]")),
        relance("/properties/store", in_database("§\n")),
        relance("/properties/store/properties/password", in_database("password = { § file = \"x\" }\n")),
        relance("/properties/email", more("§\n")),
        relance("/properties/email/properties/password", more(login)),
        relance("/properties/sms", more(&format!("{SMS}§\n").replace("\"x\"", "\"kannel\""))),
        relance(
            "/properties/sms/properties/password",
            more(&format!("{SMS}{login}").replace("= \"x\"\nurl", "= \"kannel\"\nurl")),
        ),
        relance("/properties/inbox", more(&format!("{INBOX}{login}§\n").replace("{ § ", "{ "))),
        relance("/properties/inbox", more("[inbox]\nkind = \"maildir\"\npath = \"mail\"\n§\n")),
        relance("/properties/inbox/properties/password", more(&format!("{INBOX}{login}"))),
        relance("/properties/documents", more("[documents]\nfolder = \"pdf\"\n§\n")),
        relance("/properties/guard", more("[guard]\n§\n")),
        relance("/properties/report", more("[report]\n§\n")),
        relance("/properties/observe", more("[observe]\n§\n")),
        relance("/properties/listen", more(&format!("{LISTEN}§\n"))),
        relance("/properties/listen/properties/secret", more(&format!("{LISTEN}secret = {{ § file = \"x\" }}\n"))),
        relance("/properties/answers", more(&format!("{ANSWERS}§\n"))),
        relance("/properties/retention", more("[retention]\n§\n")),
        cadence("", format!("§\n{STEP}")),
        cadence("/properties/applies_to", format!("{CADENCE}[applies_to]\n§\n{}", &STEP[CADENCE.len()..])),
        cadence("/properties/window", format!("{CADENCE}[window]\n§\n{}", &STEP[CADENCE.len()..])),
        cadence("/properties/window/properties/sms", format!("{CADENCE}[window.sms]\n§\n{}", &STEP[CADENCE.len()..])),
        cadence("/properties/step/items", step("§\n")),
        cadence("/properties/step/items", format!("{CALL}§\n")),
        cadence("/properties/step/items/properties/channel/anyOf/2", STEP.replace("\"email\"", "{ § first_of = \"email\" }")),
        cadence("/properties/step/items/properties/only_if/anyOf/0", step("only_if = { § late_before = true }\n")),
        cadence("/properties/step/items/properties/only_if/anyOf/1/items", step("only_if = [{ § late_before = true }]\n")),
        gateway("", format!("§\n{request}{ANSWER}")),
        gateway("/properties/request", format!("{request}§\n{ANSWER}")),
        gateway("/properties/verify", format!("{request}{ANSWER}{INBOUND}{VERIFY}§\n")),
        gateway("/properties/receipt", format!("{request}{ANSWER}{VERIFY}{RECEIPT}§\n{STATES}")),
        gateway("/properties/receipt/properties/states", format!("{request}{ANSWER}{VERIFY}{RECEIPT}{STATES}§\n")),
        gateway(
            "/properties/receipt/properties/codes",
            format!("{request}{ANSWER}{VERIFY}{RECEIPT}{STATES}[receipt.codes]\n§\n"),
        ),
        gateway("/properties/inbound", format!("{request}{ANSWER}{VERIFY}{INBOUND}§\n")),
        gateway("/properties/answer/items", format!("{request}{ANSWER}§\n")),
        source("", &format!("§\n{NAMED}{LIST}{COLUMNS}")),
        source("/properties/list", &format!("{NAMED}{LIST}§\n{COLUMNS}")),
        system("/properties/auth", "[auth]\nkind = \"header\"\nheader = \"x\"\nvalue = \"y\"\n§\n"),
        system("/properties/auth", "[auth]\nkind = \"basic\"\nuser = \"x\"\npassword = \"y\"\n§\n"),
        system("/properties/auth", "[auth]\nkind = \"oauth2\"\ngrant = \"client_credentials\"\nurl = \"/token\"\n§\n"),
        system("/properties/paging", "[paging]\nkind = \"page\"\n§\n"),
        system("/properties/paging", "[paging]\nkind = \"after\"\nafter = \"/id\"\n§\n"),
        system("/properties/paging", "[paging]\nkind = \"token\"\nnext = \"/next\"\n§\n"),
        system("/properties/one", "[one]\npath = \"/{ids}/{id}\"\n§\n"),
        system("/properties/number", "[number]\npath = \"/x\"\n§\n"),
        system("/properties/changes", "[changes]\npath = \"/x\"\nsince = \"epoch\"\n§\n"),
        system("/properties/customer", "[customer]\nid = \"/c\"\npath = \"/{ids}/{id}\"\n§\n"),
        source("/definitions/column", &format!("{NAMED}{LIST}{COLUMNS}[columns.email]\npath = \"/e\"\n§\n")),
        source(
            "/definitions/column/properties/when",
            &format!("{NAMED}{LIST}{COLUMNS}[columns.email]\npath = \"/e\"\n[columns.email.when]\npath = \"/e\"\n§\n"),
        ),
        calendar("", "§\nname = \"X\"\n".to_owned()),
        calendar("/properties/holiday/items", "name = \"X\"\n[[holiday]]\nname = \"H\"\nfixed = \"12-25\"\n§\n".to_owned()),
        of_law("", "§\nname = \"X\"\n".to_owned()),
        of_law("/properties/rate/items", law(&format!("[[rate]]\n{DATED}percent = \"10.50\"\n§\n"))),
        of_law(
            "/properties/fee/items",
            law(&format!("[[fee]]\n{DATED}currency = \"EUR\"\nsteps = [{{ amount = \"40.00\" }}]\n§\n")),
        ),
        of_law(
            "/properties/fee/items/properties/steps/items",
            law(&format!("[[fee]]\n{DATED}currency = \"EUR\"\nsteps = [{{ § amount = \"40.00\" }}]\n")),
        ),
        of_law("/properties/act", law(&format!("[act]\n{DATED}rate_of = \"day\"\nname = {{ fr = \"X\" }}\n§\n"))),
        of_law("/properties/words/additionalProperties", law("[words.fr]\n§\n")),
        reach("", "§\n".to_owned()),
        reach("/properties/address", "[address]\n§\n".to_owned()),
        reach("/properties/life", "[life]\n§\n".to_owned()),
        reach("/properties/silence", "[silence]\n§\n".to_owned()),
        reach("/properties/then", "[then]\n§\n".to_owned()),
        of_law("/properties/consumer", law(&format!("[consumer]\n{DATED}free = true\n§\n"))),
    ]
}

impl Table {
    /// The text with a line more; a line of the table that says the same key goes.
    fn with(&self, key: &str, value: &str) -> String {
        let (before, after) = self.text.split_once('§').unwrap();
        let own = format!("{key} = ");
        if !before.is_empty() && !before.ends_with('\n') {
            // Inside a table on one line.
            let rest = after.find('}').filter(|_| after.trim_start().starts_with(&own));
            let after = &after[rest.unwrap_or(0)..];
            return format!("{before}{own}{value}{}{after}", if after.starts_with('}') { " " } else { "," });
        }
        let lines = |text: &str| text.lines().map(|l| format!("{l}\n")).collect::<Vec<_>>();
        let without = |lines: &[String]| lines.iter().filter(|l| !l.starts_with(&own)).cloned().collect::<String>();
        let before = lines(before);
        let header = before.iter().rposition(|l| l.starts_with('[')).map_or(0, |at| at + 1);
        let after = lines(after.trim_start_matches('\n'));
        let end = after.iter().position(|l| l.starts_with('[')).unwrap_or(after.len());
        let (head, own_lines) = before.split_at(header);
        format!("{}{}{own}{value}\n{}{}", head.concat(), without(own_lines), without(&after[..end]), after[end..].concat())
    }

    /// The tree that a text of this table belongs to.
    fn tree(&self, text: &str) -> Tree {
        let main = if self.file.starts_with("gateways") { format!("{GOOD}{SMS}") } else { GOOD.to_owned() };
        match self.file {
            "relance.toml" => Tree::new(text),
            file => Tree::new(&main).file(file, text),
        }
    }

    /// What the reader says of a text.
    fn told(&self, text: &str) -> Vec<String> {
        self.tree(text).loads()
    }

    /// The keys that the reader asks for in this table.
    fn asked(&self) -> BTreeSet<String> {
        let told = self.told(&self.with("zz", "1"));
        let lists = told.iter().filter(|line| line.contains("unknown key \"zz\""));
        let mut keys = lists.filter_map(|line| line.split_once("wanted one of: ")).flat_map(|(_, list)| list.split(", "));
        let found: BTreeSet<String> = keys.by_ref().map(str::to_owned).collect();
        assert!(!found.is_empty(), "{} {}: {told:?}", self.schema, self.pointer);
        found
    }

    fn properties(&self) -> &'static Map<String, Value> {
        at(self.schema, self.pointer)["properties"].as_object().unwrap()
    }
}

fn at(name: &str, pointer: &str) -> &'static Value {
    schemas()[name].pointer(pointer).unwrap_or_else(|| panic!("{name} has nothing at {pointer}"))
}

fn schemas() -> &'static BTreeMap<&'static str, Value> {
    static ALL: OnceLock<BTreeMap<&'static str, Value>> = OnceLock::new();
    ALL.get_or_init(|| bundled::SCHEMAS.iter().map(|s| (s.name(), serde_json::from_str(s.text).unwrap())).collect())
}

/// What a schema says against a text: the place and the words of each complaint.
pub fn complaints(name: &str, text: &str) -> Vec<(String, String)> {
    static ALL: OnceLock<BTreeMap<&'static str, jsonschema::Validator>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let validator = |(name, schema): (&&'static str, &Value)| (*name, jsonschema::draft7::new(schema).unwrap());
        schemas().iter().map(validator).collect()
    });
    let value: Value = toml::from_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    all[name].iter_errors(&value).map(|e| (e.instance_path().to_string(), e.to_string())).collect()
}

/// Which schema is for a file, if one is.
fn schema_of(path: &str) -> Option<&'static str> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    match folder {
        "" if file == "relance.toml" => Some("relance"),
        "" if file == "reach.toml" => Some("reach"),
        "cadences" if file.ends_with(".toml") => Some("cadence"),
        "gateways" if file.ends_with(".toml") => Some("gateway"),
        "sources" if file.ends_with(".toml") => Some("source"),
        "calendars" if file.ends_with(".toml") => Some("calendar"),
        "law" if file.len() == "XX.toml".len() => Some("law"),
        _ => None,
    }
}

/// What the reader took, the schemas take: asked of every tree that any of these tests reads.
pub(super) fn take_it_too(tree: &Tree) {
    // There another file, or a variable, may have what this one lacks.
    if !tree.environment.is_empty() || tree.files.iter().any(|(path, _)| path.starts_with("conf.d/")) {
        return;
    }
    for (path, text) in &tree.files {
        if let Some(name) = schema_of(path) {
            let found = complaints(name, text);
            assert!(found.is_empty(), "{path} is good, but its schema refuses it: {found:?}\n{text}");
        }
    }
}

#[test]
fn all_that_is_shipped_is_taken_and_names_its_schema() {
    let all = [bundled::CALENDARS, bundled::CADENCES, bundled::GATEWAYS, bundled::LAW, bundled::SOURCES].concat();
    for (path, text) in all.into_iter().filter(|(path, _)| *path != "law/words.toml") {
        let name = schema_of(path).unwrap();
        assert_eq!(complaints(name, text), [], "{path}");
        assert_eq!(text.lines().next(), Some(format!("#:schema ../schema/{name}.schema.json").as_str()), "{path}");
    }
    let (_, rules) = bundled::REACH;
    assert_eq!((complaints("reach", rules), rules.lines().next()), (vec![], Some("#:schema schema/reach.schema.json")));
    let example = include_str!("../../../config/relance.toml");
    assert_eq!(complaints("relance", example), []);
    assert!(example.starts_with("#:schema ./schema/relance.schema.json\n"));
    // And with each key that is left out in it put in.
    for line in example.lines().filter_map(|l| l.strip_prefix("# ")) {
        let (key, rest) = line.split_once(" = ").unwrap_or_default();
        let is_key = !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit());
        let is_elsewhere = matches!(key, "kind" | "url" | "password" | "lease" | "faillite");
        let section = example.split(line).next().unwrap().rsplit("\n[").next().unwrap();
        if is_key && !is_elsewhere && !section.contains("\n# [") {
            let text = example.replacen(&format!("# {line}"), &format!("{key} = {rest}"), 1);
            assert_eq!(complaints("relance", &text), [], "{line}");
        }
    }
}

#[test]
fn the_keys_are_those_that_the_reader_asks_for() {
    let mut asked: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
    for (table, keys) in read() {
        asked.entry((table.schema, table.pointer)).or_default().extend(keys.iter().cloned());
    }
    for ((schema, pointer), keys) in &asked {
        let known: BTreeSet<String> = at(schema, pointer)["properties"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(known, *keys, "{schema}{pointer}");
    }
    // No table of a schema is left out of the list.
    let mut all = BTreeSet::new();
    for (name, schema) in schemas() {
        closed(schema, String::new(), &mut |pointer| {
            all.insert((*name, pointer));
        });
    }
    let listed: BTreeSet<(&str, String)> = asked.keys().map(|(name, pointer)| (*name, (*pointer).to_owned())).collect();
    assert_eq!(all, listed);
}

/// Every table of a schema whose keys are all known, by its place.
fn closed(schema: &Value, pointer: String, found: &mut impl FnMut(String)) {
    if schema["additionalProperties"] == json!(false) {
        found(pointer.clone());
    }
    let parts: Vec<(String, &Value)> = match schema {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect(),
        _ => return,
    };
    parts.into_iter().for_each(|(key, value)| closed(value, format!("{pointer}/{key}"), found));
}

/// Each table with the keys that the reader asks for, read once for all tests.
fn read() -> &'static [(Table, BTreeSet<String>)] {
    static READ: OnceLock<Vec<(Table, BTreeSet<String>)>> = OnceLock::new();
    READ.get_or_init(|| tables().into_iter().map(|table| (table.asked(), table)).map(|(keys, table)| (table, keys)).collect())
}

/// Each key of each table with what the schema says of it; the table is the first in which the reader knows the key.
fn keys() -> Vec<(Table, String, &'static Value)> {
    let mut seen = BTreeSet::new();
    let mut list = Vec::new();
    for (table, asked) in read() {
        for (key, schema) in table.properties() {
            let is_scalar = schema["type"] != json!("object") && schema["items"]["type"] != json!("object");
            if is_scalar && asked.contains(key) && seen.insert((table.schema, table.pointer, key)) {
                let one = Table { text: table.text.clone(), ..*table };
                list.push((one, key.clone(), schema));
            }
        }
    }
    assert!(list.len() > 120, "{}", list.len());
    list
}

#[test]
fn every_key_is_described_and_refuses_what_the_reader_refuses() {
    let mut wrong = Vec::new();
    for (table, key, schema) in keys() {
        let place = format!("{}{} {key}", table.schema, table.pointer);
        assert!(schema["description"].as_str().is_some_and(|d| d.len() > 8), "{place} has no description");
        let text = schema.to_string();
        let empty = text.contains(r#""pattern":"\\S""#);
        let is_closed = ["\"enum\"", "\"pattern\"", "\"$ref\"", "\"integer\"", "\"boolean\""].iter().any(|w| text.contains(w));
        let bad = [Some("1.5"), empty.then_some("\" \""), (is_closed && !empty).then_some("\"~/ {no} ~\"")];
        // As a key, or as a table.
        let named = [
            format!("\"{key}\""),
            format!(".{key}, "),
            if key == "first_of" { "\"channel\"".to_owned() } else { "placeholder {no}".to_owned() },
        ];
        for value in bad.into_iter().flatten() {
            let text = table.with(&key, value);
            let told = table.told(&text);
            if !told.iter().any(|l| named.iter().any(|n| l.contains(n)) && !l.contains("is missing")) {
                wrong.push(format!("{place} = {value}: the reader says {told:?}"));
            }
            let found = complaints(table.schema, &text);
            if !found.iter().any(|(at, _)| at.ends_with(&format!("/{key}")) || at.contains("/step/0")) {
                wrong.push(format!("{place} = {value}: the schema says {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn defaults_and_examples_are_good_and_a_default_changes_nothing() {
    let facts = |tree: Tree| {
        let setup = tree.setup();
        let text = format!("{:?}{:?}{:?}{:?}{:?}", setup.settings, setup.cadences, setup.law, setup.calendars, setup.reach);
        let folder = setup.folder.display().to_string();
        // Where something stands is no part of what it says.
        let parts = text.replace(&folder, "");
        parts.split("At {").map(|p| p.split_once('}').map_or(p, |(_, rest)| rest).to_owned()).collect::<Vec<_>>().join("")
    };
    let mut defaults = 0;
    for (table, key, schema) in keys() {
        let examples = schema["examples"].as_array().cloned().unwrap_or_default();
        for value in examples.iter().chain(schema.get("default")) {
            let text = table.with(&key, &value.to_string());
            let told = table.told(&text);
            assert!(!told.iter().any(|l| l.contains(&format!("\"{key}\""))), "{key} = {value}: {told:?}");
        }
        if let Some(default) = schema.get("default") {
            let (said, left_out) = (table.with(&key, &default.to_string()), table.with("zz", "1").replace("zz = 1\n", ""));
            assert_eq!(
                facts(table.tree(&said)),
                facts(table.tree(&left_out)),
                "{}{} {key} = {default}",
                table.schema,
                table.pointer
            );
            defaults += 1;
        }
    }
    assert!(defaults > 45, "{defaults}");
}

#[test]
fn what_belongs_together_and_what_does_not() {
    let step = |lines: &str| format!("name = \"x\"\n[[step]]\nid = \"formal\"\nwhen = \"4 days after due\"\n{lines}\n");
    let holiday = |lines: &str| format!("name = \"X\"\n[[holiday]]\nname = \"H\"\n{lines}\n");
    let relance = |from: &str, to: &str| GOOD.replace(from, to);
    let broken = [
        ("relance", "relance.toml", relance("[store]", "[stroe]")),
        ("relance", "relance.toml", relance("path = \"invoices.db\"", "url = \"postgres://r@h/d\"")),
        ("relance", "relance.toml", relance("kind = \"sqlite\"", "kind = \"postgres\"")),
        ("relance", "relance.toml", relance("relance.db\"", "relance.db\"\nlease = \"5s\"")),
        ("relance", "relance.toml", format!("{GOOD}user = \"compta\"\n")),
        ("relance", "relance.toml", format!("{GOOD}user = \"compta\"\npassword = \"open sesame\"\n")),
        ("relance", "relance.toml", format!("{GOOD}user = \"c\"\npassword = {{ file = \"a\", credential = \"b\" }}\n")),
        ("relance", "relance.toml", format!("{GOOD}[report]\nto = []\n")),
        ("relance", "relance.toml", format!("{GOOD}{INBOX}")),
        ("relance", "relance.toml", format!("{GOOD}[inbox]\nkind = \"maildir\"\npath = \"x\"\nuser = \"y\"\n")),
        ("cadence", "cadences/x.toml", step("channel = \"task\"")),
        ("cadence", "cadences/x.toml", step("channel = \"task\"\ntext = \"Do\"\nletter = \"formal\"")),
        ("cadence", "cadences/x.toml", step("channel = \"task\"\ntext = \"Do\"\nattach = true")),
        ("cadence", "cadences/x.toml", step("channel = \"task\"\ntext = \"Do\"\ncc = \"manager\"")),
        ("cadence", "cadences/x.toml", step("channel = \"email\"\napproval = true\nnotify_owner = \"1 day\"")),
        ("cadence", "cadences/x.toml", step("channel = []")),
        ("cadence", "cadences/x.toml", step("channel = [\"email\", \"call\"]")),
        ("cadence", "cadences/x.toml", step("channel = \"email\"\nonly_if = {}")),
        ("calendar", "calendars/BE.toml", holiday("")),
        ("calendar", "calendars/BE.toml", holiday("fixed = \"12-25\"\neaster = 1")),
        ("calendar", "calendars/BE.toml", holiday("nth = 1\nmonth = 5")),
        ("gateway", "gateways/x.toml", "[request]\nmethod = \"GET\"\npath = \"/\"\n".to_owned()),
        (
            "gateway",
            "gateways/x.toml",
            format!("[request]\nmethod = \"GET\"\npath = \"/\"\nfields = {{ a = \"{{sum}}\" }}\n{ANSWER}"),
        ),
        ("law", "law/BE.toml", "name = \"X\"\n[[rate]]\nfrom = \"2026-01-01\"\npercent = \"10.50\"\n".to_owned()),
    ];
    for (schema, file, text) in broken {
        let table = Table { schema, pointer: "", file, text: text.clone() };
        assert!(!table.told(&text).is_empty(), "the reader takes it:\n{text}");
        assert!(!complaints(schema, &text).is_empty(), "the schema takes it:\n{text}");
    }
}

#[test]
fn the_countries_are_those_of_the_program() {
    for schema in ["relance", "cadence"] {
        let listed: Vec<&str> =
            at(schema, "/definitions/country/enum").as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let letters = || (b'A'..=b'Z').map(char::from);
        let all = letters().flat_map(|a| letters().map(move |b| format!("{a}{b}")));
        let known: Vec<String> = all.filter(|code| relance::domain::country::is_country(code)).collect();
        assert_eq!(listed, known);
    }
}
