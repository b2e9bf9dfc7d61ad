//! What comes back from an SMS gateway, as its data file says: where the fields of a receipt and of a message from a customer
//! stand, what the gateway's words mean, and how it shows that it is the one who speaks.

use super::gateway::Method;
use super::section::Section;
use crate::domain::attempt::FaultClass;

/// What comes back from a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// How a request shows that it is the gateway's, beside the unguessable URL to which it comes.
    pub verify: Verify,
    /// What became of a message.
    pub receipt: Option<ReceiptForm>,
    /// What somebody wrote.
    pub inbound: Option<InboundForm>,
}

/// How a request shows that it is the gateway's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// By the URL alone.
    Url,
    /// HMAC-SHA-1 over the URL and the sorted form, in X-Twilio-Signature.
    Twilio,
    /// A digest over the sorted fields in the field `sig`, with a timestamp.
    Vonage,
    /// A JSON Web Token with digests of URL and body, in MessageBird-Signature-JWT.
    MessageBird,
    /// A bearer token or HTTP basic, where a secret is configured.
    Login,
}

impl Verify {
    /// All of them, by their words in a file.
    pub const ALL: [(&str, Verify); 5] = [
        ("url", Verify::Url),
        ("twilio", Verify::Twilio),
        ("vonage", Verify::Vonage),
        ("messagebird", Verify::MessageBird),
        ("login", Verify::Login),
    ];
}

/// A part of a request that fields are looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The query of the URL.
    Query,
    /// A form in the body.
    Form,
    /// A JSON object in the body.
    Json,
}

impl Part {
    fn parse(text: &str) -> Option<Part> {
        match text {
            "query" => Some(Part::Query),
            "form" => Some(Part::Form),
            "json" => Some(Part::Json),
            _ => None,
        }
    }
}

/// How requests of a kind come, and where their fields are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    /// Methods.
    pub methods: Vec<Method>,
    /// Parts.
    pub parts: Vec<Part>,
}

/// What a state in a receipt means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The telephone has it.
    Delivered,
    /// It is still being tried.
    Delayed,
    /// It will not arrive.
    Failed,
    /// It was tried for as long as the network tries, and given up.
    Expired,
    /// Nobody knows what became of it.
    Unknown,
    /// It is on its way, as was to be expected.
    Nothing,
}

impl Meaning {
    /// All of them, by their words in a file.
    pub const ALL: [(&str, Meaning); 6] = [
        ("delivered", Meaning::Delivered),
        ("delayed", Meaning::Delayed),
        ("failed", Meaning::Failed),
        ("expired", Meaning::Expired),
        ("unknown", Meaning::Unknown),
        ("nothing", Meaning::Nothing),
    ];
}

/// Where the fields of a receipt stand: names, or JSON pointers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptForm {
    /// How it comes.
    pub came: Came,
    /// Our mark of the message, as it was handed over.
    pub mark: Option<String>,
    /// The gateway's own id of the message.
    pub id: Option<String>,
    /// What became of it.
    pub state: String,
    /// Why, as a code.
    pub code: Option<String>,
    /// The number that it went to.
    pub recipient: Option<String>,
    /// Further words about it.
    pub words: Vec<String>,
    /// What a failure is about whose code is not known.
    pub class: FaultClass,
    /// What states mean; one that stands nowhere means nothing that is known.
    pub states: Vec<(String, Meaning)>,
    /// What failures are about, by code.
    pub codes: Vec<(String, FaultClass)>,
}

/// Where the fields of a message from somebody stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundForm {
    /// How it comes.
    pub came: Came,
    /// The gateway's own id of it.
    pub id: Option<String>,
    /// Who wrote.
    pub from: String,
    /// What was written; it is one when this is there.
    pub text: String,
    /// When, by which two with the same words are told apart where there is no id.
    pub at: Option<String>,
}

/// Reads `[verify]`, `[receipt]` and `[inbound]` of a gateway's file; `Some(None)` where there is none of them.
pub(super) fn read(top: &Section) -> Option<Option<Hook>> {
    let verify = top.section("verify").map(verify);
    let receipt = top.section("receipt").map(receipt);
    let inbound = top.section("inbound").map(inbound);
    if verify.is_none() && receipt.is_none() && inbound.is_none() {
        return Some(None);
    }
    if verify.is_none() {
        top.missing("verify", "a [verify] table beside [receipt] and [inbound]");
    }
    if receipt.is_none() && inbound.is_none() {
        top.missing("receipt", "a [receipt] or an [inbound] table beside [verify]");
    }
    let (receipt, inbound) = (super::read::optional(receipt)?, super::read::optional(inbound)?);
    Some(Some(Hook { verify: verify??, receipt, inbound }))
}

fn verify(s: Section) -> Option<Verify> {
    let wanted = format!("one of: {}", Verify::ALL.map(|(word, _)| word).join(", "));
    if !s.has("by") {
        s.missing("by", &wanted);
    }
    let by = s.parse("by", &wanted, |t| Verify::ALL.iter().find(|(word, _)| *word == t).map(|(_, v)| *v));
    s.finish();
    by
}

fn came(s: &Section) -> Option<Came> {
    let methods = s.words("method", "\"GET\", \"POST\" or both", Method::parse);
    let parts = s.words("fields", "\"query\", \"form\", \"json\" or several of them", Part::parse);
    if !s.has("method") {
        s.missing("method", "\"GET\", \"POST\" or both");
    }
    if !s.has("fields") {
        s.missing("fields", "\"query\", \"form\", \"json\" or several of them");
    }
    (!methods.is_empty() && !parts.is_empty()).then_some(Came { methods, parts })
}

const FIELD: &str = "the name of a field, or a JSON pointer such as \"/status\"";

fn field(s: &Section, key: &str) -> Option<String> {
    s.parse(key, FIELD, |t| (!t.is_empty()).then(|| t.to_owned()))
}

fn receipt(s: Section) -> Option<ReceiptForm> {
    let came = came(&s);
    let (mark, id, code, recipient) = (field(&s, "mark"), field(&s, "id"), field(&s, "code"), field(&s, "recipient"));
    if mark.is_none() && id.is_none() {
        s.missing("id", "\"mark\" or \"id\", by which the message is known");
    }
    let state = s.required("state", FIELD);
    let words = s.words("words", FIELD, |t| (!t.is_empty()).then(|| t.to_owned()));
    let class = s.parse("class", &classes(), theirs);
    let states = listed(&s, "states", &meanings(), |word| {
        Meaning::ALL.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning)
    });
    if !s.has("states") {
        s.missing("states", "a [receipt.states] table: what the gateway's words mean");
    }
    let codes = listed(&s, "codes", &classes(), theirs);
    s.finish();
    let class = class.unwrap_or(FaultClass::Server);
    Some(ReceiptForm { came: came?, mark, id, state: state?, code, recipient, words, class, states, codes })
}

/// Nothing that became of a message behind the gateway is a matter of ours, or of our way there.
fn theirs(text: &str) -> Option<FaultClass> {
    FaultClass::parse(text).filter(|class| !class.is_ours())
}

fn classes() -> String {
    let all = FaultClass::ALL.into_iter().filter(|class| !class.is_ours());
    format!("one of: {}", all.map(FaultClass::as_str).collect::<Vec<_>>().join(", "))
}

fn meanings() -> String {
    format!("one of: {}", Meaning::ALL.map(|(word, _)| word).join(", "))
}

/// A table of lists, turned round: each word of the gateway's with what it means.
fn listed<T: Copy>(s: &Section, key: &str, wanted: &str, read: impl Fn(&str) -> Option<T>) -> Vec<(String, T)> {
    let Some(table) = s.section(key) else { return Vec::new() };
    let mut found: Vec<(String, T)> = Vec::new();
    for (name, at, _) in table.free() {
        let Some(meaning) = read(name) else {
            table.problem_at(at, format!("unknown key \"{name}\" in {key}; wanted {wanted}"));
            continue;
        };
        for (at, word) in table.texts(name, "texts") {
            if found.iter().any(|(known, _)| *known == word) {
                table.problem_at(&at, format!("\"{word}\" stands in {key} twice; wanted one meaning"));
            }
            found.push((word, meaning));
        }
    }
    table.finish();
    found
}

fn inbound(s: Section) -> Option<InboundForm> {
    let came = came(&s);
    let (id, at) = (field(&s, "id"), field(&s, "at"));
    let (from, text) = (s.required("from", FIELD), s.required("text", FIELD));
    s.finish();
    Some(InboundForm { came: came?, id, from: from?, text: text?, at })
}
