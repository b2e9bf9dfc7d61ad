//! SMS gateways: what a gateway looks like on the wire is data, one file each.

use super::hook::{self, Hook};
use super::node::{Node, Value};
use super::problem::Problems;
use super::section::Section;
use crate::domain::attempt::{FaultClass, Outcome};

/// How a gateway is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// The name of its file.
    pub name: String,
    /// GET or POST.
    pub method: Method,
    /// Path behind the base URL; may hold placeholders.
    pub path: String,
    /// How fields travel with POST.
    pub body: Body,
    /// Fields, each with a template of placeholders; a field that comes out empty is left out.
    pub fields: Vec<Field>,
    /// Further fields when the text needs UCS-2.
    pub unicode_fields: Vec<Field>,
    /// Further fields when receipts can be heard: where they are to go, and which message they are about.
    pub receipt_fields: Vec<Field>,
    /// Headers, with templates as fields have them.
    pub headers: Vec<Field>,
    /// How user and password travel.
    pub auth: GatewayAuth,
    /// How an answer is read, the first that fits.
    pub answers: Vec<AnswerRule>,
    /// JSON pointers of the gateway's message id: the first that leads to one counts.
    pub id_pointers: Vec<String>,
    /// Path for `check --connect`: a GET that costs nothing.
    pub probe: Option<String>,
    /// What comes back from it, where relance knows how to read that.
    pub hook: Option<Hook>,
}

/// A field or a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its value: a template, or the word of a truth value.
    pub value: String,
    /// In JSON it is no text but `true` or `false`.
    pub truth: bool,
}

/// How fields travel with POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// As a form.
    Form,
    /// As a JSON object.
    Json,
}

/// HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Fields in the query.
    Get,
    /// Fields as a form.
    Post,
}

/// How user and password travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayAuth {
    /// As fields named in `fields`.
    Fields,
    /// HTTP basic.
    Basic,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRule {
    /// Lowest and highest HTTP status that this rule is about.
    pub status: (u16, u16),
    /// A text that the body must hold, if any.
    pub body: Option<String>,
    /// A JSON pointer whose value must be one of the texts (an empty list: must be there and not null).
    pub json: Option<(String, Vec<String>)>,
    /// The outcome.
    pub outcome: Outcome,
    /// What a failure is about.
    pub class: Option<FaultClass>,
}

/// Names that fields may use.
pub const PLACEHOLDERS: [&str; 7] = ["to", "to_digits", "from", "text", "user", "account", "password"];

/// Names that fields for receipts may use as well: the URL to which they are to go, the same with the login that the
/// listener wants, and the keyed mark of the message.
pub const RECEIPT_PLACEHOLDERS: [&str; 10] =
    ["to", "to_digits", "from", "text", "user", "account", "password", "hook", "hook_login", "mark"];

/// Reads one gateway file; `None` when it cannot be used (the problems say why).
pub fn gateway(name: &str, root: &Node, problems: &Problems) -> Option<Gateway> {
    let top = Section::new("", root, problems);
    let request = top.section("request");
    if request.is_none() {
        top.missing("request", "a [request] table");
    }
    let request = request.and_then(request_of);
    let answers = top.tables("answer");
    if answers.is_empty() {
        top.missing("answer", "at least one [[answer]]");
    }
    let answers: Vec<AnswerRule> = answers.into_iter().filter_map(answer).collect();
    let wanted = "a JSON pointer such as \"/sid\"";
    let id_pointers = top.words("id", wanted, |t| t.starts_with('/').then(|| t.to_owned()));
    let probe = top.text("probe", "a path");
    probe.iter().for_each(|probe| check_placeholders(&top, "probe", probe, &PLACEHOLDERS));
    let hook = hook::read(&top);
    top.finish();
    let hook = hook?;
    let Request { method, path, auth, body, fields, unicode_fields, receipt_fields, headers } = request?;
    let name = name.to_owned();
    Some(Gateway {
        name,
        method,
        path,
        body,
        fields,
        unicode_fields,
        receipt_fields,
        headers,
        auth,
        answers,
        id_pointers,
        probe,
        hook,
    })
}

struct Request {
    method: Method,
    path: String,
    auth: GatewayAuth,
    body: Body,
    fields: Vec<Field>,
    unicode_fields: Vec<Field>,
    receipt_fields: Vec<Field>,
    headers: Vec<Field>,
}

impl Method {
    pub(super) fn parse(text: &str) -> Option<Method> {
        match text {
            "GET" => Some(Method::Get),
            "POST" => Some(Method::Post),
            _ => None,
        }
    }

    /// As HTTP has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }
}

fn request_of(s: Section) -> Option<Request> {
    let method = s.parse("method", "\"GET\" or \"POST\"", Method::parse);
    if !s.has("method") {
        s.missing("method", "\"GET\" or \"POST\"");
    }
    let path = s.required("path", "the path behind the base URL");
    path.iter().for_each(|path| check_placeholders(&s, "path", path, &PLACEHOLDERS));
    let auth = s.parse("auth", "\"fields\" or \"basic\"", |t| match t {
        "fields" => Some(GatewayAuth::Fields),
        "basic" => Some(GatewayAuth::Basic),
        _ => None,
    });
    let body = s.parse("body", "\"form\" or \"json\"", |t| match t {
        "form" => Some(Body::Form),
        "json" => Some(Body::Json),
        _ => None,
    });
    let body = body.unwrap_or(Body::Form);
    if body == Body::Json && method == Some(Method::Get) {
        s.problem("body", "\"body\" is \"json\", and a GET has none; wanted method = \"POST\"");
    }
    let (fields, unicode_fields) =
        (fields(&s, "fields", &PLACEHOLDERS, body), self::fields(&s, "unicode_fields", &PLACEHOLDERS, body));
    let receipt_fields = self::fields(&s, "receipt_fields", &RECEIPT_PLACEHOLDERS, body);
    let headers = self::fields(&s, "headers", &PLACEHOLDERS, Body::Form);
    s.finish();
    let auth = auth.unwrap_or(GatewayAuth::Fields);
    Some(Request { method: method?, path: path?, auth, body, fields, unicode_fields, receipt_fields, headers })
}

fn fields(s: &Section, key: &str, placeholders: &[&str], body: Body) -> Vec<Field> {
    let Some(table) = s.section(key) else { return Vec::new() };
    let mut fields = Vec::new();
    for (name, _, node) in table.free() {
        let (value, truth) = match node.value {
            Value::Bool(truth) if body == Body::Json => (truth.to_string(), true),
            _ => match table.text(name, "text with placeholders") {
                Some(template) => (template, false),
                None => continue,
            },
        };
        check_placeholders(&table, name, &value, placeholders);
        fields.push(Field { name: name.clone(), value, truth });
    }
    table.finish();
    fields
}

fn check_placeholders(s: &Section, key: &str, template: &str, known: &[&str]) {
    for part in template.split('{').skip(1) {
        let placeholder = part.split('}').next().unwrap_or_default();
        if !known.contains(&placeholder) {
            s.problem(key, format!("unknown placeholder {{{placeholder}}}; wanted one of: {}", known.join(", ")));
        }
    }
}

fn answer(s: Section) -> Option<AnswerRule> {
    let wanted = "a status such as \"202\" or a range such as \"400-499\"";
    let status = s.parse("status", wanted, |t| {
        let (from, to) = t.split_once('-').unwrap_or((t, t));
        let code = |c: &str| c.trim().parse::<u16>().ok().filter(|c| (100..600).contains(c));
        Some((code(from)?, code(to)?))
    });
    if !s.has("status") {
        s.missing("status", wanted);
    }
    let body = s.text("body", "a text that the body holds");
    let pointer = s.text("json", "a JSON pointer such as \"/status\"");
    let values: Vec<String> = s.texts("is", "texts").into_iter().map(|(_, t)| t).collect();
    let outcome = s.parse("outcome", "accepted, deferred, refused or unknown", Outcome::parse);
    if !s.has("outcome") {
        s.missing("outcome", "accepted, deferred, refused or unknown");
    }
    let classes = FaultClass::ALL.map(FaultClass::as_str).join(", ");
    let class = s.parse("class", &format!("one of: {classes}"), FaultClass::parse);
    s.finish();
    Some(AnswerRule { status: status?, body, json: pointer.map(|p| (p, values)), outcome: outcome?, class })
}
